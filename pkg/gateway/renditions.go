package gateway

import (
	"time"

	"weir/pkg/api"
	"weir/pkg/media"
	"weir/pkg/store"
)

func renditions(st *store.Stream, now time.Time) []api.Rendition {
	p := st.Presentation()
	if p == nil {
		return nil
	}
	var out []api.Rendition
	for _, w := range p.Windows {
		r := w.Rendition
		out = append(out, api.Rendition{
			ID: r.ID, Name: r.Name, Kind: r.Kind.String(), Language: r.Language, Role: string(r.Role), Codecs: r.Codecs,
			Width: r.Width, Height: r.Height, FrameRate: r.FrameRate.Float(), Bandwidth: r.Bandwidth,
			Bitrate: bitrate(w), Latency: latency(w, now),
			Passthrough: r.Passthrough, Resting: st.Resting(r.ID), Segments: len(w.Segments), State: windowState(w),
		})
	}
	return out
}

// bitrate is that of the segments which have bytes, in bits per second.
func bitrate(w *media.Window) int {
	var bytes int
	var length time.Duration
	for _, s := range w.Segments {
		if s.Size > 0 {
			bytes += s.Size
			length += w.Rendition.Timescale.Duration(s.Duration)
		}
	}
	if length == 0 {
		return 0
	}
	return int(float64(bytes) * 8 / length.Seconds())
}

// latency is how far the end of the window's newest part lies behind now, in
// seconds: media time is Unix time. It is nil where nothing is live.
func latency(w *media.Window, now time.Time) *float64 {
	var end media.Ticks
	switch {
	case w.Ended:
		return nil
	case len(w.Open) > 0:
		last := w.Open[len(w.Open)-1]
		end = last.Start + last.Duration
	case len(w.Segments) > 0:
		last := w.Segments[len(w.Segments)-1]
		end = last.Start + last.Duration
	default:
		return nil
	}
	behind := now.Sub(time.Unix(0, 0)) - w.Rendition.Timescale.Duration(end)
	seconds := behind.Round(time.Millisecond).Seconds()
	return &seconds
}

func windowState(w *media.Window) api.State {
	switch {
	case w.Ended:
		return api.Ended
	case len(w.Segments) == 0:
		return api.Waiting
	}
	return api.Live
}
