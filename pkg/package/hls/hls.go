// Package hls writes HLS playlists (RFC 8216bis) as pure functions from an
// immutable presentation to bytes. It reads no clock: what a playlist says
// depends on what was published, so every viewer and every cache gets the same
// bytes.
//
// The text is written here rather than by a playlist library: it has to be the
// same at every rendering, with exact durations and tags in a fixed order. The
// tests read it back with an independent parser.
package hls

import (
	"fmt"
	"strings"

	"weir/pkg/media"
)

// version is EXT-X-VERSION (8): 6 for EXT-X-MAP, 7 because CMAF players expect
// what came with it.
const version = 7

// audioGroup names the one group of audio renditions.
const audioGroup = "audio"

// Multivariant writes the playlist that lists every rendition (4.4.6), the
// video renditions in the order of the presentation, then audio alone.
func Multivariant(p *media.Presentation) []byte {
	var b strings.Builder
	header(&b)
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	audio := audioOf(p)
	if audio != nil {
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME=%q,DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"%d\",URI=%q\n",
			audioGroup, audio.Name, audio.Channels, playlistURI(audio))
	}
	for _, w := range p.Windows {
		if w.Rendition.Kind == media.Video {
			variant(&b, w.Rendition, audio)
		}
	}
	if audio != nil {
		variant(&b, nil, audio)
	}
	return []byte(b.String())
}

// variant writes EXT-X-STREAM-INF (4.4.6.2) of a video rendition with its
// audio, or of audio alone. BANDWIDTH counts both.
func variant(b *strings.Builder, video, audio *media.Rendition) {
	var bandwidth, average int
	var codecs []string
	known := true
	for _, r := range []*media.Rendition{video, audio} {
		if r == nil {
			continue
		}
		bandwidth += r.Bandwidth
		average += r.AverageBandwidth
		codecs = append(codecs, r.Codecs)
		known = known && r.Codecs != ""
	}
	fmt.Fprintf(b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d", bandwidth, average)
	if known { // half of them would say that there is no more to decode
		fmt.Fprintf(b, ",CODECS=%q", strings.Join(codecs, ","))
	}
	uri := audio
	if video != nil {
		uri = video
		fmt.Fprintf(b, ",RESOLUTION=%dx%d", video.Width, video.Height)
		if video.FrameRate.Known() {
			fmt.Fprintf(b, ",FRAME-RATE=%.3f", video.FrameRate.Float())
		}
	}
	if audio != nil {
		fmt.Fprintf(b, ",AUDIO=%q", audioGroup)
	}
	fmt.Fprintf(b, "\n%s\n", playlistURI(uri))
}

// MediaPlaylist writes the playlist of one rendition of p (4.4.3, 4.4.4).
func MediaPlaylist(p *media.Presentation, w *media.Window) []byte {
	var b strings.Builder
	header(&b)
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n", p.TargetDuration)
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	if len(w.Segments) > 0 {
		first := w.Segments[0]
		fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n", first.MSN)
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", first.Period.Sequence)
	}
	var last *media.Segment
	for _, seg := range w.Segments {
		segment(&b, timescale(seg, w), seg, last)
		last = seg
	}
	if w.Ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return []byte(b.String())
}

// segment writes one media segment with the tags that change at it; last is
// the one before, nil for the first.
func segment(b *strings.Builder, scale media.Timescale, seg, last *media.Segment) {
	if last != nil {
		// A period without segments in this window still counts (4.4.3.3).
		for n := last.Period.Sequence; n < seg.Period.Sequence; n++ {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
	}
	if seg.Init != nil && (last == nil || last.Init == nil || last.Init.Hash != seg.Init.Hash) {
		fmt.Fprintf(b, "#EXT-X-MAP:URI=\"init-%s.mp4\"\n", seg.Init.Hash)
	}
	fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", scale.Time(seg.Start).Format("2006-01-02T15:04:05.000Z07:00"))
	if seg.Gap {
		b.WriteString("#EXT-X-GAP\n")
	}
	fmt.Fprintf(b, "#EXTINF:%.6f,\n%d.m4s\n", scale.Duration(seg.Duration).Seconds(), seg.Start)
}

// timescale is that of a segment of w. Its own init segment knows it best: a
// publisher may come back with another sampling rate.
func timescale(seg *media.Segment, w *media.Window) media.Timescale {
	if seg.Init != nil {
		return seg.Init.Track.Timescale
	}
	return w.Rendition.Timescale
}

func header(b *strings.Builder) {
	fmt.Fprintf(b, "#EXTM3U\n#EXT-X-VERSION:%d\n", version)
}

func playlistURI(r *media.Rendition) string { return r.ID + "/index.m3u8" }

func audioOf(p *media.Presentation) *media.Rendition {
	for _, w := range p.Windows {
		if w.Rendition.Kind == media.Audio {
			return w.Rendition
		}
	}
	return nil
}
