package hls

import (
	"bytes"
	"fmt"
	"strings"

	"weir/pkg/media"
)

// A recording's media playlist grows by whole entries, each in one piece, and so is
// a playlist at any time: of type EVENT (4.4.3.5) while more follows, of type VOD
// once it is closed.
const (
	growing  = "#EXT-X-PLAYLIST-TYPE:EVENT\n"
	complete = "#EXT-X-PLAYLIST-TYPE:VOD\n"
	endList  = "#EXT-X-ENDLIST\n"
)

// RecordingMultivariant writes the playlist that lists the renditions of a
// recording, video before audio. It stays true while the recording grows.
func RecordingMultivariant(renditions []*media.Rendition) []byte {
	var b strings.Builder
	header(&b, version)
	choices(&b, renditions, "")
	return []byte(b.String())
}

// RecordingHead begins the media playlist of a recording.
func RecordingHead(targetDuration int) []byte {
	var b strings.Builder
	header(&b, version)
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n%s#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA-SEQUENCE:0\n", targetDuration, growing)
	return []byte(b.String())
}

// RecordingEntry is what a segment of the rendition r adds to the media playlist of
// a recording. Breaks is true where it does not go on from the entry before, mapped
// where that one has the same init segment. A segment without bytes is a gap.
func RecordingEntry(r *media.Rendition, seg *media.Segment, first, breaks, mapped bool) []byte {
	var b strings.Builder
	w := &media.Window{Rendition: r}
	if breaks && !first {
		b.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	gap := len(seg.Parts) == 0
	if !mapped && !gap {
		initTag(&b, seg)
	}
	if first || breaks {
		date(&b, w, seg)
	}
	if gap {
		b.WriteString("#EXT-X-GAP\n")
	}
	extinf(&b, w, seg)
	segmentURI(&b, seg)
	return []byte(b.String())
}

// CloseRecording makes a media playlist whose recording is over of one that grows,
// or was cut off somewhere: its first most entries, as far as they are whole, and
// the end. Entries is how many those are. What is closed stays as it is.
func CloseRecording(playlist []byte, most int) (closed []byte, entries int) {
	end := 0
	for at := 0; entries < most; {
		line := bytes.IndexByte(playlist[at:], '\n')
		if line < 0 {
			break
		}
		if text := playlist[at : at+line]; len(text) > 0 && text[0] != '#' {
			end = at + line + 1
			entries++
		}
		at += line + 1
	}
	closed = bytes.Replace(bytes.Clone(playlist[:end]), []byte(growing), []byte(complete), 1)
	return append(closed, endList...), entries
}
