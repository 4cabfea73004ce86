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

// Form is one of the ways to write a playlist.
type Form uint8

const (
	// Full has everything that is known. Players that do not know a tag pass
	// over it.
	Full Form = iota
	// Plain is for players that stumble over what they do not know: no parts,
	// no I-frame playlists.
	Plain
	// Delta is Full without the segments that a player knows already (6.2.5.1).
	Delta
)

// plainQuery takes the plain form from the multivariant playlist on to the
// others.
const plainQuery = "?ll=0"

// version is EXT-X-VERSION (8): 6 for EXT-X-MAP, 7 because CMAF players expect
// what came with it. EXT-X-SKIP asks for deltaVersion.
const (
	version      = 7
	deltaVersion = 9
)

// audioGroup names the one group of audio renditions.
const audioGroup = "audio"

// Multivariant writes the playlist that lists every rendition (4.4.6), the
// video renditions in the order of the presentation, then audio alone, and the
// I-frame playlists. Delta is as Full.
func Multivariant(p *media.Presentation, form Form) []byte {
	var b strings.Builder
	header(&b, version)
	query := ""
	if form == Plain {
		query = plainQuery
	}
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	audio := audioOf(p)
	if audio != nil {
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME=%q,DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"%d\",URI=%q\n",
			audioGroup, audio.Name, audio.Channels, playlistURI(audio)+query)
	}
	for _, w := range p.Windows {
		if w.Rendition.Kind == media.Video {
			variant(&b, w.Rendition, audio, query)
		}
	}
	if audio != nil {
		variant(&b, nil, audio, query)
	}
	for _, w := range p.Windows {
		if form != Plain && w.Rendition.Kind == media.Video && w.Rendition.Codecs != "" {
			iframeVariant(&b, w.Rendition)
		}
	}
	return []byte(b.String())
}

// variant writes EXT-X-STREAM-INF (4.4.6.2) of a video rendition with its
// audio, or of audio alone. BANDWIDTH counts both.
func variant(b *strings.Builder, video, audio *media.Rendition, query string) {
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
	fmt.Fprintf(b, "\n%s%s\n", playlistURI(uri), query)
}

func header(b *strings.Builder, version int) {
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
