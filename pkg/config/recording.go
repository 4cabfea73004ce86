package config

import (
	"path/filepath"
	"time"
)

// Recording says what is written to disk, and how much of it is kept.
type Recording struct {
	Mode string `key:"mode" change:"restart" enum:"off,keys,all" help:"What is recorded. keys: streams whose stream key says so (weir keys create --record). all: every stream. off: none, whatever keys say."`
	// Folder is "" for one in the data folder, see Config.RecordingFolder.
	Folder    string        `key:"directory" change:"restart" help:"The folder of recordings, each with HLS playlists that play from any web server. Empty: recordings, in data_dir."`
	MaxAge    time.Duration `key:"max_age" help:"How long ago a recording may have ended before it is deleted, such as 720h. 0: for ever."`
	MaxSize   Size          `key:"max_size" help:"How much all recordings may take, such as 500G: the oldest are deleted. 0: no limit."`
	MinFree   Size          `key:"min_free" help:"How much of the disk stays free: when there is less, nothing is recorded, and streams go on."`
	MaxLength time.Duration `key:"max_length" help:"How long a recording lasts before another one follows without a seam."`
}

// The modes of Recording that are not only words.
const (
	RecordingOff  = "off"
	RecordingKeys = "keys"
	RecordingAll  = "all"
)

// RecordingFolder is where recordings are kept.
func (c Config) RecordingFolder() string {
	if c.Recording.Folder != "" {
		return c.Recording.Folder
	}
	return filepath.Join(c.DataDir, "recordings")
}

func (v *validator) recording() {
	r := v.cfg.Recording
	v.lasts("recording.max_age", r.MaxAge, 0, 100*365*24*time.Hour)
	v.lasts("recording.max_length", r.MaxLength, time.Minute, 7*24*time.Hour)
}
