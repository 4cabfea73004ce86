package verify

import (
	"fmt"
	"time"

	"github.com/grafov/m3u8"
)

// low is what a media playlist says about low latency.
type low struct {
	// EXT-X-SERVER-CONTROL (RFC 8216bis, 4.4.3.8).
	blocks                            bool
	skipUntil, holdBack, partHoldBack time.Duration
	// partTarget is 0 in a playlist without parts.
	partTarget time.Duration
	// skipped is how many segments a delta update leaves out.
	skipped int
	// open are the parts behind the last complete segment.
	open []part
	// hint is the URL of the next part, "" if there is none.
	hint    string
	reports []report
}

// part is EXT-X-PART (4.4.4.9).
type part struct {
	url         string
	duration    time.Duration
	independent bool
	gap         bool
}

// report is EXT-X-RENDITION-REPORT (4.4.5.4); part is -1 if it names none.
type report struct {
	url  string
	msn  uint64
	part int
}

// readLow reads the tags of low latency.
func (r *lineReader) readLow(tag, value string) error {
	attributes := m3u8.DecodeAttributeList(value)
	switch tag {
	case "#EXT-X-SERVER-CONTROL":
		return r.control(attributes)
	case "#EXT-X-PART-INF":
		return seconds(attributes["PART-TARGET"], &r.partTarget)
	case "#EXT-X-SKIP":
		return whole(attributes["SKIPPED-SEGMENTS"], &r.skipped)
	case "#EXT-X-PART":
		return r.part(attributes)
	case "#EXT-X-PRELOAD-HINT":
		if attributes["TYPE"] == "PART" {
			return r.resolve(attributes, &r.hint)
		}
	case "#EXT-X-RENDITION-REPORT":
		return r.report(attributes)
	}
	return nil
}

func (r *lineReader) control(attributes map[string]string) error {
	r.blocks = attributes["CAN-BLOCK-RELOAD"] == "YES"
	for name, into := range map[string]*time.Duration{
		"CAN-SKIP-UNTIL": &r.skipUntil, "HOLD-BACK": &r.holdBack, "PART-HOLD-BACK": &r.partHoldBack,
	} {
		if text, ok := attributes[name]; ok {
			if err := seconds(text, into); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *lineReader) part(attributes map[string]string) error {
	if len(r.next.parts) == maxEntries {
		return fmt.Errorf("%w: a segment has more than %d parts", errPlaylist, maxEntries)
	}
	p := part{independent: attributes["INDEPENDENT"] == "YES", gap: attributes["GAP"] == "YES"}
	if err := seconds(attributes["DURATION"], &p.duration); err != nil {
		return err
	}
	if err := r.resolve(attributes, &p.url); err != nil {
		return err
	}
	r.next.parts = append(r.next.parts, p)
	return nil
}

func (r *lineReader) report(attributes map[string]string) error {
	one := report{part: -1}
	if err := r.resolve(attributes, &one.url); err != nil {
		return err
	}
	if err := whole(attributes["LAST-MSN"], &one.msn); err != nil {
		return err
	}
	if text, ok := attributes["LAST-PART"]; ok {
		if err := whole(text, &one.part); err != nil {
			return err
		}
	}
	r.reports = append(r.reports, one)
	return nil
}

func (r *lineReader) resolve(attributes map[string]string, into *string) (err error) {
	if attributes["URI"] == "" {
		return fmt.Errorf("%w: a tag without its URI", errPlaylist)
	}
	*into, err = resolve(r.base, attributes["URI"])
	return err
}
