package config_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"weir/pkg/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

const example = "../../weir.example.yaml"

func TestExampleFileIsTheDefault(t *testing.T) {
	cfg, warnings, err := config.Load(config.Sources{Path: example})
	require.NoError(t, err)
	require.Empty(t, warnings)
	// A list that is written empty is as good as one left out.
	cfg.Streams, cfg.TrustedProxies, cfg.Webhooks = nil, nil, config.Webhooks{}
	require.Equal(t, config.Default(), cfg)
}

// TestExampleFileHasEveryKey walks the tags itself, so that a key that the
// package forgets is noticed too.
func TestExampleFileHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	var path []string
	written := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		content := strings.TrimLeft(line, " ")
		name, _, isKey := strings.Cut(content, ":")
		if !isKey || strings.HasPrefix(content, "#") {
			continue
		}
		path = append(path[:(len(line)-len(content))/2], name)
		written[strings.Join(path, ".")] = true
	}
	var walk func(typ reflect.Type, prefix string)
	walk = func(typ reflect.Type, prefix string) {
		for field := range typ.Fields() {
			name, tagged := field.Tag.Lookup("key")
			if !tagged {
				t.Errorf("%s.%s has no key", typ, field.Name)
				continue
			}
			if !written[prefix+name] {
				t.Errorf("%s is not in %s", prefix+name, example)
			}
			if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[config.Ladder]() {
				walk(field.Type, prefix+name+".")
			}
		}
	}
	walk(reflect.TypeFor[config.Config](), "")
}

func TestLaterSourcesOverrideEarlierOnes(t *testing.T) {
	path := write(t, `
rtmp: {address: ":1"}
http: {address: ":2"}
data_dir: /file
public_url: https://live.example.com/
ingest: {idle_timeout: 20s, max_bitrate: 6M}
transcode:
  ladder:
    - {height: 720, bitrate: 2500k, fps: 30}
    - {height: 480}
trusted_proxies: [10.1.2.3/8, "::1"]
`)
	cfg, _, err := config.Load(config.Sources{
		Path:    path,
		Environ: []string{"WEIR_HTTP_ADDRESS=:3", "WEIR_DATA_DIR=/env", "HOME=/root", "WEIR_CONFIG=elsewhere"},
		Flags:   map[string]string{"data_dir": "/flag"},
	})
	require.NoError(t, err)
	want := config.Default()
	want.PublicURL = "https://live.example.com"
	want.RTMP.Address, want.HTTP.Address, want.DataDir = ":1", ":3", "/flag"
	want.Ingest.IdleTimeout, want.Ingest.MaxBitrate = 20*time.Second, 6_000_000
	want.Transcode.Ladder = config.Ladder{Mode: config.LadderList, Rungs: []config.Rung{
		{Height: 720, Bitrate: 2_500_000, FPS: 30}, {Height: 480},
	}}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	require.Equal(t, want, cfg)
}

func TestListsFitIntoAVariable(t *testing.T) {
	cfg, _, err := config.Load(config.Sources{Environ: []string{
		"WEIR_STREAMS=studio:0123456789abcdef, stage:fedcba9876543210",
		"WEIR_TRANSCODE_LADDER=720p30:2500k,480p:1200k, 360p",
		"WEIR_TRUSTED_PROXIES=127.0.0.1,fd00::/8",
		"WEIR_CHANNELS=nature:river.mp4; forest.mp4, news:news.flv",
	}})
	require.NoError(t, err)
	require.Equal(t, []config.Stream{
		{Name: "studio", Key: "0123456789abcdef"}, {Name: "stage", Key: "fedcba9876543210"},
	}, cfg.Streams)
	require.Equal(t, "720p30:2500k,480p:1200k,360p", cfg.Transcode.Ladder.String())
	require.Equal(t, 30, cfg.Transcode.Ladder.Rungs[0].FPS)
	require.Len(t, cfg.TrustedProxies, 2)
	require.Equal(t, []config.Channel{
		{Name: "nature", Files: []string{"river.mp4", "forest.mp4"}}, {Name: "news", Files: []string{"news.flv"}},
	}, cfg.Channels)
}

func TestEveryKeyIsAFlag(t *testing.T) {
	flags := config.NewFlags()
	command := struct{ kong.Plugins }{kong.Plugins{flags.Struct()}}
	parser, err := kong.New(&command)
	require.NoError(t, err)
	_, err = parser.Parse([]string{"--rtmp.address=:0", "--data-dir", "x", "--ingest.max-connections-per-address=3"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"rtmp.address": ":0", "data_dir": "x", "ingest.max_connections_per_address": "3",
	}, flags.Given())
	cfg, _, err := config.Load(config.Sources{Flags: flags.Given()})
	require.NoError(t, err)
	require.Equal(t, 3, cfg.Ingest.MaxConnectionsPerAddress)
}

// TestReports compares what an operator reads with testdata/*.txt.
func TestReports(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			environ, err := os.ReadFile(strings.TrimSuffix(input, ".yaml") + ".env")
			if err != nil {
				environ = nil
			}
			_, warnings, err := config.Load(config.Sources{Path: input, Environ: strings.Split(strings.TrimSpace(string(environ)), "\n")})
			require.Error(t, err)
			lines := []string{err.Error()}
			for _, warning := range warnings {
				lines = append(lines, "warning: "+warning.String())
			}
			report := strings.Join(lines, "\n") + "\n"
			require.NotContains(t, report, "hunter2", "a key is shown")
			golden := strings.TrimSuffix(input, ".yaml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(report), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), report)
		})
	}
}

func TestMissingFileSaysWhatToDo(t *testing.T) {
	_, _, err := config.Load(config.Sources{Path: "nowhere.yaml"})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "weir.example.yaml")
}

func TestSecretsAreNeverShown(t *testing.T) {
	const secret = "hunter2hunter2hunter2"
	cfg := config.Default()
	cfg.Streams = []config.Stream{{Name: "studio", Key: secret}}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).LogAttrs(t.Context(), slog.LevelInfo, "config",
		slog.Any("config", cfg), slog.Any("stream", cfg.Streams[0]), slog.Any("key", cfg.Streams[0].Key))
	encoded, err := json.Marshal(cfg)
	require.NoError(t, err)
	for name, shown := range map[string]string{
		"String": cfg.String(), "%+v": fmt.Sprintf("%+v", cfg.Streams), "%#v": fmt.Sprintf("%#v", cfg.Streams),
		"log": log.String(), "JSON": string(encoded), "%q": fmt.Sprintf("%q", cfg.Streams),
	} {
		require.NotContains(t, shown, "hunter2", name)
		require.Contains(t, shown, "[redacted]", name)
	}
	require.Equal(t, secret, cfg.Streams[0].Key.Reveal())
}

// TestStringIsAFileAgain holds what check-config prints to what Load reads.
func TestStringIsAFileAgain(t *testing.T) {
	cfg := config.Default()
	cfg.Transcode.Ladder = config.Ladder{Mode: config.LadderList, Rungs: []config.Rung{{Height: 720, Bitrate: 2_500_000, FPS: 30}, {Height: 480}}}
	cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	cfg.Ingest.ResumeWindow = 90 * time.Second
	again, _, err := config.Load(config.Sources{Path: write(t, cfg.String())})
	require.NoError(t, err)
	again.Streams, again.Webhooks = nil, config.Webhooks{}
	require.Equal(t, cfg, again)
}

func TestCertificateFilesAreTried(t *testing.T) {
	cfg := config.Default()
	cfg.HTTPS.Address = ":8443"
	cfg.TLS = config.TLS{Mode: config.TLSFiles, Cert: "/nowhere/cert.pem", Key: "/nowhere/key.pem"}
	require.ErrorContains(t, cfg.Validate(), "cannot be used")
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
