package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weir/pkg/config"
)

func TestReload(t *testing.T) {
	running := config.Default()
	running.Streams = []config.Stream{{Name: "main", Key: "0123456789abcdef0"}}
	next := running
	next.HTTP.Address, next.DataDir, next.Log.Format = ":9090", "/elsewhere", "json"
	next.Log.LevelName, next.Ingest.ResumeWindow = "debug", 5*time.Minute
	next.Streams = []config.Stream{{Name: "main", Key: "another-key-of-main"}}

	merged, changes := running.Reload(next)
	require.Equal(t, ":8080", merged.HTTP.Address, "listeners stay until a restart")
	require.Equal(t, running.DataDir, merged.DataDir)
	require.Equal(t, "text", merged.Log.Format)
	require.Equal(t, "debug", merged.Log.LevelName)
	require.Equal(t, 5*time.Minute, merged.Ingest.ResumeWindow)
	require.Equal(t, "another-key-of-main", merged.Streams[0].Key.Reveal())

	waiting := map[string]bool{}
	for _, c := range changes {
		waiting[c.Key] = c.Restart
		require.NotContains(t, fmt.Sprint(c), "another-key", "changes are logged")
	}
	require.Equal(t, map[string]bool{
		"http.address": true, "data_dir": true, "log.format": true,
		"log.level": false, "ingest.resume_window": false, "streams": false,
	}, waiting)

	_, again := merged.Reload(next)
	require.Len(t, again, 3, "what waits for a restart is named each time")
	_, none := next.Reload(next)
	require.Empty(t, none)
}
