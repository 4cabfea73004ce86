package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// infoFile is beside the playlists of a recording. A folder without it is none.
const infoFile = "recording.json"

// Info is a recording, in the form that is kept beside it.
type Info struct {
	Stream string `json:"stream"`
	// Path is below the folder of recordings; index.m3u8 is there.
	Path      string    `json:"path"`
	StartedAt time.Time `json:"started_at"`
	// EndedAt is nil while it goes on.
	EndedAt *time.Time `json:"ended_at,omitempty"`
	// Duration is of what was recorded, in seconds.
	Duration float64 `json:"duration_s"`
	Bytes    uint64  `json:"bytes"`
	// Segments counts boundaries, whatever the number of renditions, and Missing
	// those that could not be recorded.
	Segments uint64 `json:"segments"`
	Missing  uint64 `json:"missing_segments,omitempty"`
	// Renditions are the folders of the playlists, the video's first.
	Renditions []string `json:"renditions"`
	// Interrupted: Weir was killed while it was recorded.
	Interrupted bool `json:"interrupted,omitempty"`
}

// nameForm is that of a recording's folder: its first moment, in UTC.
const nameForm = "2006-01-02T15-04-05Z"

// ofWeir tells the folders of recordings, and those that are being deleted, from
// whatever else is kept there. Of two that began in the same second one has a number.
func ofWeir(name string) bool {
	return regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?$`).MatchString(name)
}

func (d *disk) note(i Info) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("describe the recording %s: %w", i.Path, err)
	}
	return d.replace(path.Join(i.Path, infoFile), append(text, '\n'))
}

// list is every recording that is there, by stream, the oldest first. What cannot be
// read is left out, and told beside.
func (d *disk) list() (all []Info, err error) {
	streams, err := d.folders(".")
	for _, stream := range streams {
		names, failed := d.folders(stream)
		err = errors.Join(err, failed)
		for _, name := range names {
			if !ofWeir(name) {
				continue
			}
			i, failed := d.read(path.Join(stream, name))
			switch {
			case errors.Is(failed, fs.ErrNotExist):
			case failed != nil:
				err = errors.Join(err, failed)
			default:
				all = append(all, i)
			}
		}
	}
	return all, err
}

func (d *disk) read(folder string) (i Info, err error) {
	text, err := d.root.ReadFile(path.Join(folder, infoFile))
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	if err != nil {
		return Info{}, fmt.Errorf("read what the recording %s is: %w", folder, err)
	}
	i.Path = folder // somebody may have moved it
	return i, nil
}

// folders are the names of those in one, sorted; none of one that was deleted
// meanwhile.
func (d *disk) folders(in string) (names []string, err error) {
	entries, err := fs.ReadDir(d.root.FS(), in)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for recordings: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
