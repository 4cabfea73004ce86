package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	dir := "--data-dir=" + t.TempDir()
	secret, told, err := call(t, nil, "keys", "create", dir, "--label=Ann", "--protocols=rtmps,srt", "--addresses=10.0.0.0/8",
		"--max-bitrate=8M", "--max-resolution=1920x1080", "--max-frame-rate=60", "--max-duration=4h", "--takeover=forbid", "--backup",
		"--ladder=720p:2500k,480p", "--expires-in=24h", "--srt-passphrase=ten letters", "studio")
	require.NoError(t, err)
	require.Regexp(t, `^studio_[a-z2-9]{28}\n$`, secret)
	id := regexp.MustCompile(`key ([0-9a-f]{8}) of stream studio`).FindStringSubmatch(told)
	require.Len(t, id, 2, told)

	list, _, err := call(t, nil, "keys", "list", dir)
	require.NoError(t, err)
	require.Regexp(t, id[1]+`  studio  active  .*  1        Ann\n$`, list)

	shown, _, err := call(t, nil, "keys", "show", dir, id[1])
	require.NoError(t, err)
	for _, line := range []string{"protocols", "10.0.0.0/8", "8M", "1920x1080", "60", "4h0m0s", "forbid", "720p:2500k,480p", "set", "backup"} {
		require.Contains(t, shown, line)
	}
	require.NotContains(t, shown, "ten letters")

	rotated, _, err := call(t, nil, "keys", "rotate", dir, "--json", "--overlap=1h", id[1])
	require.NoError(t, err)
	var answer struct {
		Key struct {
			State   string
			Secrets []struct{}
			Rules   struct{ Protocols []string }
		}
		Secret string
	}
	require.NoError(t, json.Unmarshal([]byte(rotated), &answer))
	require.Len(t, answer.Key.Secrets, 2)
	require.Equal(t, []string{"rtmps", "srt"}, answer.Key.Rules.Protocols)
	require.NotEqual(t, strings.TrimSpace(secret), answer.Secret)

	_, _, err = call(t, nil, "keys", "revoke", dir, id[1])
	require.NoError(t, err)
	list, _, err = call(t, nil, "keys", "list", dir, "--json")
	require.NoError(t, err)
	require.Contains(t, list, `"state": "revoked"`)
	require.NotContains(t, list, answer.Secret)
}

func TestKeysSayWhatIsWrong(t *testing.T) {
	dir := "--data-dir=" + t.TempDir()
	for says, args := range map[string][]string{
		`"Studio" is not a stream name`:     {"create", "Studio"},
		`"1080p" is no resolution`:          {"create", "--max-resolution=1080p", "main"},
		`is not a ladder`:                   {"create", "--ladder=tall", "main"},
		`is not a bit rate`:                 {"create", "--max-bitrate=fast", "main"},
		"there is no such stream key; weir": {"rotate", "ffffffff"},
		"weir keys list shows":              {"revoke", "ffffffff"},
		"show stream key ffffffff":          {"show", "ffffffff"},
		"an overlap of -1h0m0s":             {"rotate", "--overlap=-1h", "ffffffff"},
	} {
		_, _, err := call(t, nil, append([]string{"keys", args[0], dir}, args[1:]...)...)
		require.ErrorContains(t, err, says)
	}
}
