package config

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// LadderMode says where the rungs come from.
type LadderMode string

// The ladder modes.
const (
	// LadderAuto derives the rungs from the source.
	LadderAuto LadderMode = "auto"
	// LadderSource offers the source alone and encodes nothing.
	LadderSource LadderMode = "source"
	// LadderList takes the rungs from the configuration.
	LadderList LadderMode = "list"
)

// Ladder says which renditions are encoded. Its text is "auto", "source", or
// the rungs as in "1080p60:6M,720p:2500k,480p".
type Ladder struct {
	Mode LadderMode
	// Rungs are what LadderList encodes, and empty otherwise.
	Rungs []Rung
}

// Source reports whether the source alone is offered and nothing is encoded.
func (l Ladder) Source() bool { return l.Mode == LadderSource }

// Rung is one encoded rendition.
type Rung struct {
	// Height is in lines; in portrait it is the width.
	Height int
	// Bitrate 0 leaves the choice to Weir.
	Bitrate Bitrate
	// FPS is the most frames per second; 0 leaves the choice to Weir.
	FPS int
}

// String is the text form, "720p30:2500k".
func (r Rung) String() string {
	s := strconv.Itoa(r.Height) + "p"
	if r.FPS != 0 {
		s += strconv.Itoa(r.FPS)
	}
	if r.Bitrate != 0 {
		s += ":" + r.Bitrate.String()
	}
	return s
}

// UnmarshalText reads the text form.
func (r *Rung) UnmarshalText(text []byte) error {
	size, rate, rated := strings.Cut(strings.TrimSpace(string(text)), ":")
	part := regexp.MustCompile(`^(\d{1,5})p(\d{0,3})$`).FindStringSubmatch(size)
	if part == nil {
		return errors.New("is not a rung")
	}
	rung := Rung{}
	rung.Height, _ = strconv.Atoi(part[1])
	if part[2] != "" {
		rung.FPS, _ = strconv.Atoi(part[2])
	}
	if rated {
		if err := rung.Bitrate.UnmarshalText([]byte(rate)); err != nil {
			return errors.New("has a wrong bit rate")
		}
	}
	*r = rung
	return nil
}

// ParseLadder reads and checks the text form. The error lists every mistake.
func ParseLadder(text string) (Ladder, error) {
	v := validator{cfg: Default()}
	v.problems = decodeLadder(&v.cfg.Transcode.Ladder, "ladder", text)
	if len(v.problems) == 0 {
		v.ladder()
	}
	return v.cfg.Transcode.Ladder, v.problems.err()
}

// String is the text form.
func (l Ladder) String() string {
	if l.Mode != LadderList {
		return string(l.Mode)
	}
	rungs := make([]string, len(l.Rungs))
	for i, r := range l.Rungs {
		rungs[i] = r.String()
	}
	return strings.Join(rungs, ",")
}
