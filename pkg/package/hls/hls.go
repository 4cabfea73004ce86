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
	"slices"
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
	renditions := make([]*media.Rendition, len(p.Windows))
	for i, w := range p.Windows {
		renditions[i] = w.Rendition
	}
	choices(&b, renditions, query)
	for _, w := range p.Windows {
		if form != Plain && w.Rendition.Kind == media.Video && w.Rendition.Codecs != "" {
			iframeVariant(&b, w.Rendition)
		}
	}
	return []byte(b.String())
}

// choices writes the variants and the audio renditions that they name.
func choices(b *strings.Builder, renditions []*media.Rendition, query string) {
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	var videos, audio []*media.Rendition
	for _, r := range renditions {
		if r.Kind == media.Video {
			videos = append(videos, r)
		} else {
			audio = append(audio, r)
		}
	}
	sounds(b, audio, query)
	for _, r := range videos {
		variant(b, r, audio, query)
	}
	if len(audio) > 0 {
		variant(b, nil, audio, query)
	}
}

// sounds writes EXT-X-MEDIA (4.4.6.1) of every audio rendition. Players choose by
// language and characteristics among those with AUTOSELECT, so of those that share
// both only the first has it.
func sounds(b *strings.Builder, audio []*media.Rendition, query string) {
	type choice struct{ language, characteristics string }
	known := map[choice]bool{}
	for i, r := range audio {
		one := choice{r.Language, characteristics(r.Role)}
		fmt.Fprintf(b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME=%q", audioGroup, r.Name)
		if r.Language != "" {
			fmt.Fprintf(b, ",LANGUAGE=%q", r.Language)
		}
		fmt.Fprintf(b, ",DEFAULT=%s,AUTOSELECT=%s", yes(i == 0), yes(!known[one]))
		if one.characteristics != "" {
			fmt.Fprintf(b, ",CHARACTERISTICS=%q", one.characteristics)
		}
		fmt.Fprintf(b, ",CHANNELS=\"%d\",URI=%q\n", r.Channels, playlistURI(r)+query)
		known[one] = true
	}
}

func yes(is bool) string {
	if is {
		return "YES"
	}
	return "NO"
}

// characteristics are the Uniform Type Identifiers of a role.
func characteristics(role media.Role) string {
	switch role {
	case media.RoleDescription:
		return "public.accessibility.describes-video"
	case media.RoleIntelligibility:
		return "public.accessibility.enhances-speech-intelligibility"
	case media.RoleMain, media.RoleAlternate:
	}
	return ""
}

// variant writes EXT-X-STREAM-INF (4.4.6.2) of a video rendition with audio, or of
// audio alone. BANDWIDTH counts both, of audio the rendition that takes most.
func variant(b *strings.Builder, video *media.Rendition, audio []*media.Rendition, query string) {
	var bandwidth, average int
	var codecs []string
	for _, r := range audio {
		bandwidth, average = max(bandwidth, r.Bandwidth), max(average, r.AverageBandwidth)
		if r.Codecs != "" && !slices.Contains(codecs, r.Codecs) {
			codecs = append(codecs, r.Codecs)
		}
	}
	known := len(audio) == 0 || audio[0].Codecs != ""
	if video != nil {
		bandwidth, average = bandwidth+video.Bandwidth, average+video.AverageBandwidth
		codecs = append([]string{video.Codecs}, codecs...)
		known = known && video.Codecs != ""
	}
	fmt.Fprintf(b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d", bandwidth, average)
	if known { // half of them would say that there is no more to decode
		fmt.Fprintf(b, ",CODECS=%q", strings.Join(codecs, ","))
	}
	uri := video
	if video == nil {
		uri = audio[0]
	} else {
		fmt.Fprintf(b, ",RESOLUTION=%dx%d", video.Width, video.Height)
		if video.FrameRate.Known() {
			fmt.Fprintf(b, ",FRAME-RATE=%.3f", video.FrameRate.Float())
		}
	}
	if len(audio) > 0 {
		fmt.Fprintf(b, ",AUDIO=%q", audioGroup)
	}
	fmt.Fprintf(b, "\n%s%s\n", playlistURI(uri), query)
}

func header(b *strings.Builder, version int) {
	fmt.Fprintf(b, "#EXTM3U\n#EXT-X-VERSION:%d\n", version)
}

func playlistURI(r *media.Rendition) string { return r.ID + "/index.m3u8" }
