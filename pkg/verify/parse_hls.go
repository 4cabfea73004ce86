package verify

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grafov/m3u8"
)

var (
	errPlaylist = errors.New("not a playlist")
	errReaders  = errors.New("two readers understand the playlist differently")
	errPanic    = errors.New("the reader failed")
)

// maxEntries bounds what one playlist may list: 10 h of 2 s segments.
const maxEntries = 18_000

// guarded turns a library's panic over foreign bytes into an error.
func guarded(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("%w: %v", errPanic, cause)
	}
}

// parseMultivariant reads a multivariant playlist (RFC 8216bis, 4.4.6), which
// stands at address.
func parseMultivariant(address string, text []byte) (m multivariant, err error) {
	defer guarded(&err)
	base, err := url.Parse(address)
	if err != nil {
		return m, fmt.Errorf("read the address: %w", err)
	}
	if !bytes.HasPrefix(text, []byte("#EXTM3U")) {
		return m, fmt.Errorf("%w: it does not begin with #EXTM3U", errPlaylist)
	}
	if err = m.readAudio(base, text); err != nil {
		return m, err
	}
	text, err = m.readIFrames(base, text)
	if err != nil {
		return m, err
	}
	master := m3u8.NewMasterPlaylist()
	if err := master.DecodeFrom(bytes.NewReader(text), true); err != nil {
		return m, fmt.Errorf("read a multivariant playlist: %w", err)
	}
	m.independent = master.IndependentSegments()
	for _, v := range master.Variants {
		one, err := variantOf(base, v)
		if err != nil {
			return m, err
		}
		m.variants = append(m.variants, one)
	}
	if len(m.variants) == 0 {
		return m, fmt.Errorf("%w: it lists no variant", errPlaylist)
	}
	return m, nil
}

// readAudio reads EXT-X-MEDIA (4.4.6.1) of audio: the library's reader knows not all
// of it.
func (m *multivariant) readAudio(base *url.URL, text []byte) error {
	for line := range bytes.Lines(text) {
		attributes, isMedia := bytes.CutPrefix(line, []byte("#EXT-X-MEDIA:"))
		if !isMedia {
			continue
		}
		of := m3u8.DecodeAttributeList(string(bytes.TrimSpace(attributes)))
		if of["TYPE"] != "AUDIO" {
			continue
		}
		one := audioChoice{
			group: of["GROUP-ID"], name: of["NAME"], language: of["LANGUAGE"], characteristics: of["CHARACTERISTICS"],
			channels: of["CHANNELS"], isDefault: of["DEFAULT"] == "YES", autoselect: of["AUTOSELECT"] == "YES",
		}
		if of["URI"] != "" {
			var err error
			if one.url, err = resolve(base, of["URI"]); err != nil {
				return err
			}
		}
		m.audio = append(m.audio, one)
	}
	return nil
}

// readIFrames reads EXT-X-I-FRAME-STREAM-INF (4.4.6.3) and returns the text
// without it: the library gives its renditions of audio to those.
func (m *multivariant) readIFrames(base *url.URL, text []byte) (rest []byte, err error) {
	for line := range bytes.Lines(text) {
		attributes, isIFrames := bytes.CutPrefix(line, []byte("#EXT-X-I-FRAME-STREAM-INF:"))
		if !isIFrames {
			rest = append(rest, line...)
			continue
		}
		address, err := resolve(base, m3u8.DecodeAttributeList(string(bytes.TrimSpace(attributes)))["URI"])
		if err != nil {
			return nil, err
		}
		m.iframes = append(m.iframes, address)
	}
	return rest, nil
}

func variantOf(base *url.URL, v *m3u8.Variant) (variant, error) {
	address, err := resolve(base, v.URI)
	if err != nil {
		return variant{}, err
	}
	one := variant{url: address, bandwidth: int(v.Bandwidth), codecs: v.Codecs}
	if v.Resolution != "" {
		if _, err := fmt.Sscanf(v.Resolution, "%dx%d", &one.width, &one.height); err != nil {
			return one, fmt.Errorf("%w: RESOLUTION=%.20q", errPlaylist, v.Resolution)
		}
	}
	for _, alternative := range v.Alternatives {
		if alternative == nil || alternative.Type != "AUDIO" || alternative.GroupId != v.Audio || alternative.URI == "" {
			continue
		}
		address, err := resolve(base, alternative.URI)
		if err != nil {
			return one, err
		}
		one.audio = append(one.audio, address)
	}
	return one, nil
}

// resolve makes a URI of a playlist or MPD absolute.
func resolve(base *url.URL, uri string) (string, error) {
	u, err := base.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("read a URI: %w", err)
	}
	return u.String(), nil
}

// parsePlaylist reads a media playlist (RFC 8216bis, 4.4.3 and 4.4.4), which
// stands at address. The library's reader knows neither EXT-X-GAP nor two
// discontinuities in a row, so the lines are read here, and the library's
// reading has to agree in what it knows.
func parsePlaylist(address string, text []byte) (p playlist, err error) {
	defer guarded(&err)
	base, err := url.Parse(address)
	if err != nil {
		return p, fmt.Errorf("read the address: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	if strings.TrimSpace(lines[0]) != "#EXTM3U" {
		return p, fmt.Errorf("%w: it does not begin with #EXTM3U", errPlaylist)
	}
	r := lineReader{base: base}
	for i, line := range lines[1:] {
		if err := r.read(strings.TrimSpace(line)); err != nil {
			return p, fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	r.number()
	return r.playlist, agree(r.playlist, r.uris, text)
}

// lineReader reads the lines of a media playlist one by one.
type lineReader struct {
	playlist

	base *url.URL
	uris []string
	// next is the segment whose tags are being read, init its EXT-X-MAP and
	// breaks the discontinuities so far.
	next   entry
	init   string
	breaks uint64
}

func (r *lineReader) read(line string) error {
	tag, value, _ := strings.Cut(line, ":")
	switch tag {
	case "#EXT-X-TARGETDURATION":
		return whole(value, &r.target)
	case "#EXT-X-MEDIA-SEQUENCE":
		return whole(value, &r.sequence)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		return whole(value, &r.discontinuity)
	case "#EXT-X-INDEPENDENT-SEGMENTS":
		r.independent = true
	case "#EXT-X-DISCONTINUITY":
		r.breaks++
	case "#EXT-X-ENDLIST":
		r.endlists++
	case "#EXT-X-GAP":
		r.next.gap = true
	case "#EXT-X-MAP":
		return r.initAt(value)
	case "#EXT-X-PROGRAM-DATE-TIME":
		return instant(value, &r.next.date)
	case "#EXTINF":
		return seconds(value, &r.next.duration)
	case "#EXT-X-BYTERANGE":
		length, _, _ := strings.Cut(value, "@")
		return whole(length, &r.next.bytes)
	default:
		if line != "" && line[0] != '#' {
			return r.segment(line)
		}
		return r.readLow(tag, value)
	}
	return nil
}

func (r *lineReader) initAt(attributes string) (err error) {
	uri := m3u8.DecodeAttributeList(attributes)["URI"]
	if uri == "" {
		return fmt.Errorf("%w: EXT-X-MAP without a URI", errPlaylist)
	}
	r.init, err = resolve(r.base, uri)
	return err
}

// segment takes the line that ends the tags of a segment.
func (r *lineReader) segment(uri string) (err error) {
	if len(r.entries) == maxEntries {
		return fmt.Errorf("%w: it has more than %d segments", errPlaylist, maxEntries)
	}
	if r.next.url, err = resolve(r.base, uri); err != nil {
		return err
	}
	r.afterEnd = r.afterEnd || r.endlists > 0
	r.next.init, r.next.period = r.init, r.breaks
	r.entries = append(r.entries, r.next)
	r.uris = append(r.uris, uri)
	r.next = entry{}
	return nil
}

// number gives every segment the numbers that the playlist's header counts from.
func (r *lineReader) number() {
	for i := range r.entries {
		r.entries[i].msn = r.sequence + uint64(r.skipped+i)
		r.entries[i].period += r.discontinuity
	}
	r.open = r.next.parts
}

func whole[T int | uint64](text string, into *T) error {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return fmt.Errorf("%w: %.20q is no whole number", errPlaylist, text)
	}
	*into = T(n)
	return nil
}

func seconds(text string, into *time.Duration) error {
	text, _, _ = strings.Cut(text, ",")
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(s) || s < 0 || s > 1e6 {
		return fmt.Errorf("%w: %.20q is no duration", errPlaylist, text)
	}
	*into = time.Duration(math.Round(s * float64(time.Second)))
	return nil
}

func instant(text string, into *time.Time) error {
	at, err := time.Parse("2006-01-02T15:04:05.999999999Z07:00", text)
	if err != nil {
		return fmt.Errorf("%w: %.40q is no date", errPlaylist, text)
	}
	*into = at
	return nil
}

// agree holds what the lines say to what the library reads. It gives tags behind
// the last URI, which belong to a segment that is not complete, to the last one.
func agree(p playlist, uris []string, text []byte) error {
	if len(uris) == 0 {
		return nil
	}
	end := "\n" + uris[len(uris)-1]
	if at := bytes.LastIndex(text, []byte(end)); at >= 0 {
		text = text[:at+len(end)]
	}
	other, err := m3u8.NewMediaPlaylist(0, 1024)
	if err != nil {
		return fmt.Errorf("make a reader: %w", err)
	}
	if err := other.DecodeFrom(bytes.NewReader(text), true); err != nil {
		return fmt.Errorf("read a media playlist: %w", err)
	}
	// The library raises the target duration to what it finds in the segments,
	// rounding up where the specification rounds to the nearest second.
	if int(other.Count()) != len(uris) || other.SeqNo != p.sequence {
		return fmt.Errorf("%w: %d segments from %d on, and %d from %d on", errReaders, other.Count(), other.SeqNo, len(uris), p.sequence)
	}
	for i, uri := range uris {
		s := other.Segments[i]
		if off := s.Duration - p.entries[i].duration.Seconds(); s.URI != uri || math.Abs(off) > 1e-6 {
			return fmt.Errorf("%w: segment %d is %.40s of %v s, and %.40s of %v", errReaders, i, s.URI, s.Duration, uri, p.entries[i].duration)
		}
	}
	return nil
}
