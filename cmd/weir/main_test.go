package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weir/pkg/config"
	"weir/pkg/gateway"
	"weir/pkg/publish"
)

// call runs one command with the environment given.
func call(t *testing.T, environ []string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = run(t.Context(), args, console{strings.NewReader(""), &stdout, &stderr, environ})
	return stdout.String(), stderr.String(), err
}

func TestHelpNamesTheCommands(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}} {
		out, _, err := call(t, nil, args...)
		require.NoError(t, err)
		for _, command := range []string{"serve", "publish", "check-config", "health", "version"} {
			require.Contains(t, out, "  "+command+" ")
		}
		require.NotContains(t, out, "  worker ", "it is not for people")
	}
}

func TestServeHelpNamesEveryKey(t *testing.T) {
	out, _, err := call(t, nil, "serve", "--help")
	require.NoError(t, err)
	for _, flag := range []string{"--rtmp.address", "--data-dir", "--ingest.max-connections-per-address", "--log.format"} {
		require.Contains(t, out, flag)
	}
}

func TestUnknownCommand(t *testing.T) {
	_, _, err := call(t, nil, "sreve")
	require.ErrorContains(t, err, "sreve")
	require.ErrorContains(t, err, "weir --help")
}

func TestVersion(t *testing.T) {
	out, _, err := call(t, nil, "version")
	require.NoError(t, err)
	require.Regexp(t, `(?s)^weir .+\ngo1\.\d+.*\nFFmpeg 7\.1`, out)
}

func TestCheckConfigReportsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.yaml")
	require.NoError(t, os.WriteFile(path, []byte("http: {addresss: ':1'}\nlog: {level: loud}\n"), 0o600))
	_, warned, err := call(t, []string{"WEIR_RTMP_ADDRESS=here", "WEIR_SERVICE_PORT=80"}, "check-config", "--config", path)
	require.ErrorContains(t, err, "3 mistakes")
	require.ErrorContains(t, err, "Did you mean http.address?")
	require.ErrorContains(t, err, "WEIR_RTMP_ADDRESS")
	require.ErrorContains(t, err, "debug, info, warn, error")
	require.Contains(t, warned, "WEIR_SERVICE_PORT")
}

func TestCheckConfigShowsNoSecrets(t *testing.T) {
	out, _, err := call(t, []string{"WEIR_STREAMS=studio:hunter2hunter2hunter2"}, "check-config")
	require.NoError(t, err)
	require.Contains(t, out, "name: studio")
	require.NotContains(t, out, "hunter2")
}

func TestHealth(t *testing.T) {
	well := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" || !well {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	_, _, err := call(t, nil, "health", server.URL+"/")
	require.NoError(t, err)
	_, _, err = call(t, []string{"WEIR_HTTP_ADDRESS=" + strings.TrimPrefix(server.URL, "http://")}, "health")
	require.NoError(t, err, "the address comes from the configuration")
	well = false
	_, _, err = call(t, nil, "health", server.URL)
	require.ErrorContains(t, err, "503")
	server.Close()
	_, _, err = call(t, nil, "health", server.URL)
	require.ErrorContains(t, err, "does not answer")
}

func TestPublishSaysWhatIsWrong(t *testing.T) {
	_, _, err := call(t, nil, "publish", "nowhere.flv", "rtmp://localhost/live/secretkey")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = call(t, nil, "publish", "nowhere.flv", "localhost/live/secretkey")
	require.ErrorContains(t, err, "rtmp://HOST/live/KEY")
	require.NotContains(t, err.Error(), "secretkey")
}

func TestProgressLine(t *testing.T) {
	require.Equal(t, "10s  6.0 Mb/s", progressLine(publish.Progress{Media: 10500 * time.Millisecond, Bytes: 7_875_000, Round: 1}))
	require.Equal(t, "1m5s  0.0 Mb/s  round 3  1.2s late", progressLine(publish.Progress{Media: 65 * time.Second, Round: 3, Late: 1234 * time.Millisecond}))
}

func TestGreeting(t *testing.T) {
	for name, c := range map[string]struct {
		greeting greeting
		want     []string
		not      []string
	}{
		"default": {
			greeting{addresses: gateway.Addresses{RTMP: "[::]:1935", SRT: "[::]:9000", HTTP: "[::]:8080"}, key: "main_key", neighbours: []string{"192.168.1.5"}},
			[]string{
				"rtmp://localhost:1935/live\n", "srt://localhost:9000?streamid=KEY\n", "Stream Key  main_key ", "http://localhost:8080/watch/main\n",
				"http://localhost:8080/live/main/index.m3u8\n", "http://localhost:8080/live/main/manifest.mpd\n",
				"write 192.168.1.5 instead of localhost",
			},
			nil,
		},
		"public": {
			greeting{
				cfg:       config.Config{PublicURL: "https://live.example.com"},
				addresses: gateway.Addresses{RTMP: "0.0.0.0:1935", HTTP: "127.0.0.1:8080"}, key: "k", neighbours: []string{"10.0.0.1"},
			},
			[]string{"rtmp://live.example.com:1935/live\n", "https://live.example.com/watch/main\n"},
			[]string{"10.0.0.1", "localhost"},
		},
		"usual ports": {
			greeting{addresses: gateway.Addresses{RTMPS: "192.0.2.1:443", HTTPS: "[::]:443"}},
			[]string{"rtmps://192.0.2.1/live\n", "https://localhost/watch/main\n"},
			nil,
		},
		"configured streams": {
			greeting{
				cfg:       config.Config{Streams: []config.Stream{{Name: "studio", Key: "hunter2"}, {Name: "stage", Key: "hunter3"}}},
				addresses: gateway.Addresses{RTMP: ":1935", HTTP: ":8080"},
			},
			[]string{"/watch/studio\n", "/watch/stage\n", "the key of stage in the configuration"},
			[]string{"hunter", "/watch/main"},
		},
		"open": {
			greeting{cfg: config.Config{Auth: config.Auth{Mode: config.AuthOpen}}, addresses: gateway.Addresses{RTMP: ":1935", HTTP: ":8080"}},
			[]string{"Stream Key  main (or any other name: auth.mode is open)"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.greeting.cfg.Auth.Mode == "" {
				c.greeting.cfg.Auth.Mode = config.AuthKeys
			}
			text := c.greeting.String()
			for _, part := range c.want {
				require.Contains(t, text, part)
			}
			for _, part := range c.not {
				require.NotContains(t, text, part)
			}
		})
	}
}

// TestServe starts the real gateway on free ports, and ends it.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var log bytes.Buffer
	shown := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"serve", "--rtmp.address=127.0.0.1:0", "--srt.address=127.0.0.1:0", "--http.address=127.0.0.1:0", "--admin.address=127.0.0.1:0", "--data-dir=" + t.TempDir(), "--log.format=json",
		}, console{strings.NewReader(""), writerFunc(func(p []byte) { shown <- string(p) }), &log, nil})
	}()
	select {
	case text := <-shown:
		key := regexp.MustCompile(`Stream Key +(\S+)`).FindStringSubmatch(text)
		page := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(text)
		require.NotNil(t, key, text)
		_, _, err := call(t, nil, "health", page)
		require.NoError(t, err)
		token := regexp.MustCompile(`Token +(weir_\S+)`).FindStringSubmatch(text)
		require.NotNil(t, token, text)
		admin := regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/api/docs`).FindStringSubmatch(text)
		require.NotNil(t, admin, text)
		require.Equal(t, http.StatusOK, askAPI(t, admin[1], token[1]))
		require.Equal(t, http.StatusUnauthorized, askAPI(t, admin[1], "weir_guessed"))
		require.Equal(t, http.StatusNotFound, askAPI(t, page, token[1]))
		cancel()
		require.NoError(t, <-ended)
		require.NotContains(t, log.String(), key[1], "the key is in the log")
		require.NotContains(t, log.String(), token[1], "the token is in the log")
		require.Contains(t, log.String(), `"msg":"weir has stopped"`)
	case err := <-ended:
		t.Fatalf("it did not start: %v\n%s", err, log.String())
	}
}

// askAPI is the status code of a request that needs a token.
func askAPI(t *testing.T, base, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/node", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

func TestTokens(t *testing.T) {
	dir := "--data-dir=" + t.TempDir()
	secret, told, err := call(t, nil, "tokens", "create", dir, "--scope=operator", "the desk")
	require.NoError(t, err)
	require.Regexp(t, `^weir_[0-9a-f]{40}\n$`, secret)
	id := regexp.MustCompile(`token (\w+), scope operator`).FindStringSubmatch(told)
	require.NotNil(t, id, told)
	list, _, err := call(t, nil, "tokens", "list", dir)
	require.NoError(t, err)
	require.Regexp(t, id[1]+` +operator +.* +the desk\n`, list)
	require.NotContains(t, list, strings.TrimSpace(secret))
	_, _, err = call(t, nil, "tokens", "revoke", dir, id[1])
	require.NoError(t, err)
	_, _, err = call(t, nil, "tokens", "revoke", dir, id[1])
	require.ErrorContains(t, err, "weir tokens list")
}

type writerFunc func(p []byte)

func (w writerFunc) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

var _ io.Writer = writerFunc(nil)
