package gateway

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/live"
	"weir/pkg/record"
)

// openRecording opens the folder of recordings. It needs g.store.
func (g *gateway) openRecording(cfg config.Config) error {
	if cfg.Recording.Mode == config.RecordingOff {
		return nil
	}
	var err error
	if g.recordings, err = record.Open(cfg.RecordingFolder(), recordConfig(cfg.Recording), g.store, g.log); err != nil {
		return fmt.Errorf("recording.directory: %w, or set recording.mode to off", err)
	}
	return nil
}

func recordConfig(cfg config.Recording) record.Config {
	return record.Config{
		MaxAge: cfg.MaxAge, MaxSize: uint64(cfg.MaxSize), MinFree: uint64(cfg.MinFree), MaxLength: cfg.MaxLength,
	}
}

// wishes are the streams that are to be recorded now.
func (g *gateway) wishes() (wanted []record.Wish) {
	for _, st := range g.manager.Streams() {
		if since := g.recordedSince(st); !since.IsZero() {
			wanted = append(wanted, record.Wish{Stream: st.Name, Since: since})
		}
	}
	return wanted
}

func (g *gateway) recordedSince(st live.Status) time.Time {
	if g.cfg.Load().Recording.Mode == config.RecordingAll {
		return st.Broadcast
	}
	return st.Recorded
}

// recording is nil for a stream that is not being recorded.
func (g *gateway) recording(stream string) *api.StreamRecording {
	if g.recordings == nil {
		return nil
	}
	p, ok := g.recordings.Progress(stream)
	if !ok {
		return nil
	}
	out := &api.StreamRecording{Path: p.Path, Duration: rounded(p.Duration), Bytes: p.Bytes, Missing: p.Missing, Trouble: string(p.Trouble)}
	out.StartedAt = moment(p.StartedAt)
	return out
}

// recordingList is every recording in the API's words.
func (g *gateway) recordingList() ([]api.Recording, error) {
	if g.recordings == nil {
		return nil, nil
	}
	all, err := g.recordings.List()
	if err != nil {
		err = fmt.Errorf("list the recordings: %w", err)
	}
	return mapped(all, func(i record.Info) api.Recording {
		return api.Recording{
			Stream: i.Stream, Path: i.Path, StartedAt: i.StartedAt, EndedAt: i.EndedAt, Duration: rounded(i.Duration),
			Bytes: i.Bytes, Missing: i.Missing, Interrupted: i.Interrupted,
		}
	}), err
}

// recordingCollector tells how recordings fare.
type recordingCollector struct {
	recordings                           *record.Recorder // nil where nothing is recorded
	active, bytes, missed, deleted, free *prometheus.Desc
}

func newRecordingCollector(recordings *record.Recorder) *recordingCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("weir_recording"+name, help, labels, nil)
	}
	return &recordingCollector{
		recordings: recordings,
		active:     desc("s_active", "Streams that are being recorded now."),
		bytes:      desc("_bytes_total", "Bytes of media that were recorded."),
		missed:     desc("_missed_segments_total", "Segments that were not recorded: as the disk was too slow, had no room (full), or failed.", "reason"),
		deleted:    desc("s_deleted_total", "Recordings that were deleted, by the limit that they were over.", "limit"),
		free:       desc("_free_bytes", "What the disk of recordings had free when it was last asked."),
	}
}

// Describe implements prometheus.Collector.
func (c *recordingCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.active, c.bytes, c.missed, c.deleted, c.free} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *recordingCollector) Collect(out chan<- prometheus.Metric) {
	if c.recordings == nil {
		return
	}
	s := c.recordings.Stats()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	send(c.active, prometheus.GaugeValue, float64(s.Active))
	send(c.bytes, prometheus.CounterValue, float64(s.Bytes))
	send(c.free, prometheus.GaugeValue, float64(s.Free))
	for reason, count := range s.Missed {
		send(c.missed, prometheus.CounterValue, float64(count), string(reason))
	}
	for limit, count := range s.Deleted {
		send(c.deleted, prometheus.CounterValue, float64(count), string(limit))
	}
}
