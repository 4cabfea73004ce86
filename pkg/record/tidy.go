package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"weir/pkg/package/hls"
)

// Limit is why a recording was deleted.
type Limit string

// The limits.
const (
	LimitAge  Limit = "max_age"
	LimitSize Limit = "max_size"
)

// keepTidy deletes what is too old or too much, and ends what a gateway that was
// killed has left, until ctx ends.
func (r *Recorder) keepTidy(ctx context.Context) {
	tick := time.NewTicker(tidying)
	defer tick.Stop()
	for ctx.Err() == nil {
		r.tidyUp(time.Now())
		select {
		case <-tick.C:
		case <-r.tidy:
		case <-ctx.Done():
		}
	}
}

func (r *Recorder) tidyUp(now time.Time) {
	if free, err := r.disk.free(); err == nil {
		r.free.Store(free)
	}
	for _, e := range r.disk.leftovers() {
		if err := r.disk.root.RemoveAll(e); err != nil {
			r.log.Error("a deleted recording is still there", slog.Any("error", err))
		}
	}
	// Listed before those that grow are asked for: one that begins in between is not
	// listed, and one that ends in between is read again.
	all, err := r.disk.list()
	if err != nil {
		r.log.Error("some recordings cannot be read", slog.Any("error", err))
	}
	growing := r.active()
	for i, one := range all {
		switch now, grows := growing[one.Path]; {
		case one.EndedAt != nil:
		case grows:
			all[i] = now
		default:
			all[i] = r.recover(one)
		}
	}
	for _, one := range overdue(all, *r.cfg.Load(), now) {
		if err := r.disk.delete(one.Path); err != nil {
			r.log.Error("a recording cannot be deleted", slog.Any("error", err))
			continue
		}
		r.deleted[one.limit].Add(1)
		r.log.Info("recording deleted", slog.String("folder", one.Path), slog.String("limit", "recording."+string(one.limit)))
	}
}

// due is a recording that is to be deleted.
type due struct {
	Info
	limit Limit
}

// overdue are the recordings that limits leave no room for, the oldest first. Those
// that go on count, and stay.
func overdue(all []Info, cfg Config, now time.Time) (gone []due) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Info) int { return a.StartedAt.Compare(b.StartedAt) })
	var total uint64
	for _, i := range all {
		total += i.Bytes
	}
	for _, i := range all {
		switch {
		case i.EndedAt == nil:
			continue
		case cfg.MaxAge > 0 && now.Sub(*i.EndedAt) > cfg.MaxAge:
			gone = append(gone, due{i, LimitAge})
		case cfg.MaxSize > 0 && total > cfg.MaxSize:
			gone = append(gone, due{i, LimitSize})
		default:
			continue
		}
		total -= i.Bytes
	}
	return gone
}

// recover ends a recording that nobody writes any more.
func (r *Recorder) recover(i Info) Info {
	i, err := r.disk.read(i.Path)
	if err != nil || i.EndedAt != nil {
		return i
	}
	found, err := r.disk.survey(i)
	if err == nil {
		err = r.disk.close(found, int(found.Segments))
	}
	if err != nil {
		r.log.Error("a recording that was interrupted cannot be ended", slog.String("folder", i.Path), slog.Any("error", err))
		return i
	}
	r.log.Info("a recording that was interrupted is ended", slog.String("stream", i.Stream), slog.String("folder", i.Path),
		slog.Float64("seconds", found.Duration))
	return found
}

// survey is what there is of a recording that was interrupted: as many entries as
// every playlist has whole, and files for.
func (d *disk) survey(i Info) (Info, error) {
	most := math.MaxInt
	lists := make([][]entry, len(i.Renditions))
	for n, id := range i.Renditions {
		folder := path.Join(i.Path, id)
		text, err := d.root.ReadFile(path.Join(folder, playlist))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return i, fmt.Errorf("read the recording %s: %w", i.Path, err)
		}
		closed, _ := hls.CloseRecording(text, math.MaxInt)
		lists[n] = entries(string(closed))
		most = min(most, d.whole(folder, lists[n]))
	}
	if len(lists) == 0 {
		most = 0
	}
	i.Segments, i.Bytes, i.Duration, i.Interrupted = uint64(most), 0, 0, true
	end := i.StartedAt
	for n, list := range lists {
		for _, e := range list[:most] {
			i.Bytes += e.size
			if n == 0 {
				i.Duration += e.seconds
			}
			if e.written.After(end) {
				end = e.written
			}
		}
	}
	i.EndedAt = &end
	return i, nil
}

// entry is one of a playlist.
type entry struct {
	seconds float64
	uri     string
	gap     bool
	// size and written are of its file.
	size    uint64
	written time.Time
}

// entries reads those of a playlist that this package has written.
func entries(text string) (all []entry) {
	var next entry
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "#EXT-X-GAP":
			next.gap = true
		case strings.HasPrefix(line, "#EXTINF:"):
			_, _ = fmt.Sscanf(line, "#EXTINF:%f,", &next.seconds)
		case line != "" && !strings.HasPrefix(line, "#"):
			next.uri = line
			all = append(all, next)
			next = entry{}
		}
	}
	return all
}

// whole is how many entries, from the first on, have their files. After a power
// failure the newest may be empty.
func (d *disk) whole(folder string, list []entry) int {
	for i := range list {
		if list[i].gap {
			continue
		}
		stat, err := d.root.Stat(path.Join(folder, list[i].uri))
		if err != nil || stat.Size() == 0 {
			return i
		}
		list[i].size, list[i].written = uint64(stat.Size()), stat.ModTime().UTC()
	}
	return len(list)
}

// leftovers are folders that were not deleted to the end.
func (d *disk) leftovers() (names []string) {
	all, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), deleted) {
			names = append(names, e.Name())
		}
	}
	return names
}
