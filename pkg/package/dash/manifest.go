package dash

import (
	"bytes"
	"fmt"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/pkg/media"
)

const (
	// epoch is availabilityStartTime of every stream.
	epoch = "1970-01-01T00:00:00Z"
	// presentationDelay keeps players three segments behind the newest one,
	// as HLS players are by their own rule (RFC 8216bis, 6.3.3).
	presentationDelay = 3
	// segmentsAhead is how many segments' worth of media a player should have
	// before it starts (minBufferTime).
	segmentsAhead = 1
	// utcTiming is the scheme of a clock read by HTTP GET (5.8.4.11).
	utcTiming = "urn:mpeg:dash:utc:http-iso:2014"
)

// Options are what a manifest says beside the presentation.
type Options struct {
	// TimeURL is where players read the clock; "/time" if empty.
	TimeURL string
	// Window is timeShiftBufferDepth; 30 s if 0.
	Window time.Duration
	// LowLatency lists the open segments as well, for players that play what is
	// not complete. Once a stream has ended it makes no difference.
	LowLatency bool
}

func (o Options) withDefaults() Options {
	if o.TimeURL == "" {
		o.TimeURL = "/time"
	}
	if o.Window == 0 {
		o.Window = 30 * time.Second
	}
	return o
}

// Manifest writes the MPD of p: dynamic while it is live, static once it has
// ended. The error is the XML encoder's and means a bug.
func Manifest(p *media.Presentation, opts Options) ([]byte, error) {
	opts = opts.withDefaults()
	isLow := opts.LowLatency && !p.Ended
	published := publishTime(p)
	if isLow {
		p, published = withOpen(p), lowPublishTime(p)
	}
	periods := periodsOf(p)
	target := time.Duration(p.TargetDuration) * time.Second
	m := mpd.NewMPD(mpd.DYNAMIC_TYPE)
	m.Profiles = mpd.ListOfProfilesType("").AddProfile(mpd.PROFILE_LIVE)
	m.MinBufferTime = new(mpd.Duration(segmentsAhead * target))
	m.MaxSegmentDuration = new(mpd.Duration(longest(p)))
	if p.Ended {
		makeStatic(m, periods)
	} else {
		m.AvailabilityStartTime = epoch
		m.PublishTime = dateTime(published)
		m.MinimumUpdatePeriod = new(mpd.Duration(target))
		m.TimeShiftBufferDepth = new(mpd.Duration(opts.Window))
		m.SuggestedPresentationDelay = new(mpd.Duration(presentationDelay * target))
		m.UTCTimings = []*mpd.DescriptorType{mpd.NewDescriptor(utcTiming, opts.TimeURL, "")}
	}
	for i, period := range periods {
		m.AppendPeriod(period.element(p, i, periods))
	}
	if isLow {
		lowLatency(m, p)
		for i, period := range periods {
			period.describeLow(m.Periods[i], p, opts.TimeURL)
		}
	}
	var out bytes.Buffer
	if _, err := m.Write(&out, "", true); err != nil {
		return nil, fmt.Errorf("write the MPD of stream %s: %w", p.Name, err)
	}
	return out.Bytes(), nil
}

// dateTime is t in UTC to the millisecond.
func dateTime(t time.Time) mpd.DateTime {
	return mpd.DateTime(t.Format("2006-01-02T15:04:05.000Z07:00"))
}

// makeStatic turns m into the MPD of a recording (5.3.1.2): it lasts as long
// as its periods, which then follow each other from 0.
func makeStatic(m *mpd.MPD, periods []period) {
	m.Type = new(mpd.STATIC_TYPE)
	var total time.Duration
	for _, p := range periods {
		total += p.duration()
	}
	m.MediaPresentationDuration = new(mpd.Duration(total))
}

// publishTime (5.3.1.2) has to grow with every change, and only publishing
// changes an MPD: it is the time up to which the newest rendition is published,
// less a millisecond for each segment that another one still lacks. One that
// has none yet lacks all of the window, so that its first does not turn the
// time back.
func publishTime(p *media.Presentation) time.Time {
	var newest, oldest uint64
	var at time.Time
	for _, w := range p.Windows {
		if n := len(w.Segments); n > 0 {
			seg := w.Segments[n-1]
			newest = max(newest, seg.MSN)
			if first := w.Segments[0].MSN; oldest == 0 || first < oldest {
				oldest = first
			}
			if end := timescale(seg, w).Time(seg.Start + seg.Duration); end.After(at) {
				at = end
			}
		}
	}
	var lacking uint64
	for _, w := range p.Windows {
		if n := len(w.Segments); n > 0 {
			lacking += newest - w.Segments[n-1].MSN
		} else {
			lacking += newest - oldest + 1
		}
	}
	return at.Add(-time.Duration(lacking) * time.Millisecond)
}

// longest is the longest segment of all.
func longest(p *media.Presentation) time.Duration {
	d := time.Duration(p.TargetDuration) * time.Second
	for _, w := range p.Windows {
		for _, seg := range w.Segments {
			d = max(d, timescale(seg, w).Duration(seg.Duration))
		}
	}
	return d
}
