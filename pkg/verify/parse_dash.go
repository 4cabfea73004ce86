package verify

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
)

var errMPD = errors.New("not an MPD that a live player can use")

// wellFormed reports what is wrong with text as XML. The MPD library's own
// decoder does not come back from some texts that are not well-formed.
func wellFormed(text []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	elements := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && elements > 0 {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // parseManifest says what was read.
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
}

// decodeTimeout is far more than the largest MPD takes.
const decodeTimeout = 5 * time.Second

// decodeMPD reads text with the MPD library, whose decoder does not come back
// from some broken texts (fuzzing found two): then it gives up, and leaves the
// goroutine behind for as long as `weir verify` runs.
func decodeMPD(text []byte) (*mpd.MPD, error) {
	type outcome struct {
		read *mpd.MPD
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer guarded(&o.err)
		o.read, o.err = mpd.MPDFromBytes(text)
	}()
	select {
	case o := <-done:
		return o.read, o.err
	case <-time.After(decodeTimeout):
		return nil, fmt.Errorf("%w: it cannot be decoded within %v", errMPD, decodeTimeout)
	}
}

// parseManifest reads an MPD (ISO/IEC 23009-1) that stands at address. It knows
// what live streams in segments by time are made of: SegmentTemplate with $Time$
// and SegmentTimeline, and no BaseURL.
func parseManifest(address string, text []byte) (m manifest, err error) {
	defer guarded(&err)
	base, err := url.Parse(address)
	if err != nil {
		return m, fmt.Errorf("read the address: %w", err)
	}
	if err = wellFormed(text); err != nil {
		return m, fmt.Errorf("read the MPD: %w", err)
	}
	read, err := decodeMPD(text)
	if err != nil {
		return m, fmt.Errorf("read the MPD: %w", err)
	}
	m.kind, m.availability = read.GetType(), string(read.AvailabilityStartTime)
	if read.PublishTime != "" {
		if err := instant(string(read.PublishTime), &m.publish); err != nil {
			return m, fmt.Errorf("publishTime: %w", err)
		}
	}
	if err := m.readClock(base, read.UTCTimings); err != nil {
		return m, err
	}
	for _, p := range read.Periods {
		one, err := periodOf(base, p)
		if err != nil {
			return m, fmt.Errorf("read Period %s: %w", p.Id, err)
		}
		m.periods = append(m.periods, one)
	}
	if len(m.periods) == 0 {
		return m, fmt.Errorf("%w: it has no Period", errMPD)
	}
	return m, nil
}

func (m *manifest) readClock(base *url.URL, clocks []*mpd.DescriptorType) (err error) {
	if len(clocks) == 0 {
		return nil
	}
	m.clockScheme = string(clocks[0].SchemeIdUri)
	first, _, _ := strings.Cut(strings.TrimSpace(clocks[0].Value), " ")
	m.clock, err = resolve(base, first)
	return err
}

func periodOf(base *url.URL, p *mpd.Period) (period, error) {
	one := period{id: p.Id}
	if p.Start != nil {
		one.start = time.Duration(*p.Start)
	}
	for _, set := range p.AdaptationSets {
		read := setOf(set)
		for _, r := range set.Representations {
			one.representations = append(one.representations, representation{})
			last := &one.representations[len(one.representations)-1]
			var err error
			if *last, err = representationOf(base, set, r); err != nil {
				return one, fmt.Errorf("read Representation %s: %w", r.Id, err)
			}
			read.inits = append(read.inits, last.init)
		}
		one.sets = append(one.sets, read)
	}
	return one, nil
}

func setOf(set *mpd.AdaptationSetType) adaptationSet {
	one := adaptationSet{contentType: string(set.ContentType), language: set.Lang}
	if set.Id != nil {
		one.id = strconv.FormatUint(uint64(*set.Id), 10)
	}
	for _, role := range set.Roles {
		one.roles = append(one.roles, role.Value)
	}
	if len(set.Labels) > 0 {
		one.label = set.Labels[0].Value
	}
	return one
}

func representationOf(base *url.URL, set *mpd.AdaptationSetType, r *mpd.RepresentationType) (representation, error) {
	one := representation{
		id: r.Id, contentType: string(set.ContentType), codecs: r.Codecs,
		width: int(r.Width), height: int(r.Height), timescale: 1,
	}
	if one.codecs == "" {
		one.codecs = set.Codecs
	}
	template := r.SegmentTemplate
	if template == nil {
		template = set.SegmentTemplate
	}
	if template == nil || template.SegmentTimeline == nil || !strings.Contains(template.Media, "$Time$") {
		return one, fmt.Errorf("%w: it has no SegmentTemplate with $Time$ and SegmentTimeline", errMPD)
	}
	one.timescale = uint64(template.GetTimescale())
	if one.timescale == 0 {
		return one, fmt.Errorf("%w: timescale 0", errMPD)
	}
	if template.PresentationTimeOffset != nil {
		one.offset = *template.PresentationTimeOffset
	}
	name := strings.NewReplacer("$RepresentationID$", r.Id, "$Bandwidth$", strconv.FormatUint(uint64(r.Bandwidth), 10))
	var err error
	if one.init, err = resolve(base, name.Replace(template.Initialization)); err != nil {
		return one, err
	}
	one.entries, err = timeline(base, name.Replace(template.Media), template.SegmentTimeline.S)
	return one, err
}

// timeline lists the segments of a SegmentTimeline (5.3.9.6).
func timeline(base *url.URL, media string, elements []*mpd.S) ([]timed, error) {
	var all []timed
	var at uint64
	for _, s := range elements {
		if s.T != nil {
			at = *s.T
		}
		if s.R < 0 || s.D == 0 || len(all)+s.R >= maxEntries {
			return nil, fmt.Errorf("%w: S with d=%d, r=%d", errMPD, s.D, s.R)
		}
		for range s.R + 1 {
			address, err := resolve(base, strings.ReplaceAll(media, "$Time$", strconv.FormatUint(at, 10)))
			if err != nil {
				return nil, err
			}
			all = append(all, timed{time: at, duration: s.D, url: address})
			at += s.D
		}
	}
	return all, nil
}
