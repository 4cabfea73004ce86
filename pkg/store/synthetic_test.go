package store_test

import (
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/store"
)

const (
	scale = media.VideoTimescale
	video = "720p"
	audio = "audio"
)

// writer feeds one rendition with segments that look like the packager's.
type writer struct {
	st     *store.Stream
	id     string
	init   *media.Init
	period *media.Period
	msn    uint64
	serial uint64
	at     media.Ticks
	open   []*media.Part
}

func newWriter(st *store.Stream) *writer {
	w := &writer{st: st, id: video, msn: 1_795_000_000, at: 1_795_000_000 * 90_000}
	w.period = &media.Period{Start: w.at}
	w.setInit("a0")
	return w
}

func (w *writer) setInit(hash string) {
	w.init = &media.Init{Hash: hash, Bytes: []byte(hash), Codecs: "avc1.64001f", Track: &media.Track{Kind: media.Video, Timescale: scale}}
	w.st.SetInit(w.id, w.init)
}

func (w *writer) part(d time.Duration) *media.Part {
	p := &media.Part{
		Serial: w.serial, MSN: w.msn, Index: len(w.open), Start: w.at, Duration: scale.Ticks(d),
		Independent: len(w.open) == 0, Bytes: []byte{byte(w.serial)},
	}
	w.serial++
	w.open = append(w.open, p)
	w.at += p.Duration
	w.st.AddPart(w.id, p, w.period)
	return p
}

func (w *writer) drop() {
	if len(w.open) > 0 {
		w.at = w.open[0].Start
	}
	w.open = nil
	w.st.DropParts(w.id)
}

// complete closes the open segment.
func (w *writer) complete() *media.Segment {
	seg := &media.Segment{MSN: w.msn, Start: w.open[0].Start, Period: w.period, Init: w.init, Parts: w.open}
	for _, p := range w.open {
		seg.Duration += p.Duration
		seg.Size += len(p.Bytes)
	}
	w.open = nil
	w.msn++
	w.st.AddSegment(w.id, seg)
	return seg
}

func (w *writer) segment(d time.Duration) *media.Segment {
	const parts = 6
	for range parts {
		w.part(d / parts)
	}
	return w.complete()
}

// gap gives up the open segment, of which parts may be there already.
func (w *writer) gap(d time.Duration) {
	if len(w.open) > 0 {
		w.at = w.open[0].Start
	}
	w.open = nil
	w.st.AddSegment(w.id, &media.Segment{
		MSN: w.msn, Start: w.at, Duration: scale.Ticks(d), Period: w.period, Init: w.init, Gap: true,
	})
	w.msn++
	w.at += scale.Ticks(d)
}

func declared(tb testing.TB, opts store.Options) (*store.Stream, *writer) {
	tb.Helper()
	st := store.New(opts).Open("main")
	st.Declare(2, 0.35, []*media.Rendition{
		{ID: video, Kind: media.Video, Timescale: scale},
		{ID: audio, Kind: media.Audio, Timescale: 48_000},
	})
	return st, newWriter(st)
}

func window(tb testing.TB, st *store.Stream, id string) *media.Window {
	tb.Helper()
	w, ok := st.Presentation().Window(id)
	if !ok {
		tb.Fatalf("no window %q", id)
	}
	return w
}
