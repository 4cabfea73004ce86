package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// playlist is what a viewer reads in a media playlist.
type playlist struct {
	target int
	// first is the number of the first segment, listed are the last ones that are
	// there: a delta update leaves some out.
	first, skipped int
	segments       []segment
	// open are the parts of the segment that is not complete.
	open []part
	// hint is the serial number of the next part, -1 if there is none.
	hint int
}

// segment is a complete one; only those near the edge list their parts.
type segment struct {
	uri     string
	seconds float64
	parts   []part
}

type part struct {
	serial  int
	seconds float64
}

// next is the number of the segment that is open or comes next.
func (p *playlist) next() int { return p.first + p.skipped + len(p.segments) }

// parsePlaylist reads Weir's playlists, and no others.
func parsePlaylist(body []byte) (p playlist, err error) {
	p.hint = -1
	var seconds float64
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		tag, value, _ := bytes.Cut(line, []byte(":"))
		switch string(tag) {
		case "":
		case "#EXT-X-TARGETDURATION":
			p.target, err = strconv.Atoi(string(value))
		case "#EXT-X-MEDIA-SEQUENCE":
			p.first, err = strconv.Atoi(string(value))
		case "#EXT-X-SKIP":
			p.skipped, err = strconv.Atoi(attribute(value, "SKIPPED-SEGMENTS="))
		case "#EXTINF":
			seconds, err = strconv.ParseFloat(strings.TrimSuffix(string(value), ","), 64)
		case "#EXT-X-PART":
			var one part
			one, err = parsePart(value)
			p.open = append(p.open, one)
		case "#EXT-X-PRELOAD-HINT":
			p.hint, err = serialOf(attribute(value, `URI="`))
		default:
			if line[0] != '#' {
				p.segments = append(p.segments, segment{uri: string(line), seconds: seconds, parts: p.open})
				p.open = nil
			}
		}
		if err != nil {
			return p, fmt.Errorf("read the playlist's line %q: %w", line, err)
		}
	}
	if p.target == 0 {
		return p, fmt.Errorf("%w: no playlist", errSyntax)
	}
	return p, nil
}

func parsePart(value []byte) (part, error) {
	seconds, err := strconv.ParseFloat(attribute(value, "DURATION="), 64)
	if err != nil {
		return part{}, err
	}
	serial, err := serialOf(attribute(value, `URI="`))
	return part{serial: serial, seconds: seconds}, err
}

// attribute is the text between a name and the next comma or quotation mark.
func attribute(value []byte, name string) string {
	_, rest, _ := bytes.Cut(value, []byte(name))
	if end := bytes.IndexAny(rest, `,"`); end >= 0 {
		rest = rest[:end]
	}
	return string(rest)
}

func serialOf(uri string) (int, error) {
	return strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(uri, "part-"), ".m4s"))
}
