package live

import (
	"slices"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/transcode"
)

// State is where a stream stands for its viewers.
type State string

// The states of a stream.
const (
	// Waiting: a publisher is connected, its first segment is on the way.
	Waiting State = "waiting"
	// Live: segments appear.
	Live State = "live"
	// Reconnecting: the publisher was lost and may come back.
	Reconnecting State = "reconnecting"
	// Ended: the publisher ended the stream, or did not come back in time.
	Ended State = "ended"
)

// Status is an immutable view of a stream for the API and metrics. It holds
// no key and no address.
type Status struct {
	Name  string
	State State
	Since time.Time
	// Session is nil while nobody publishes.
	Session *SessionStatus
	// Video and Audio are the source's tracks, nil until known.
	Video, Audio *media.Track
	// KeyframeInterval is the distance of the last two keyframes.
	KeyframeInterval time.Duration
	// SourceBitrate is the video's, measured between the last two keyframes,
	// in bits per second.
	SourceBitrate int
	// Arrival is nil while nobody publishes.
	Arrival    *Arrival
	Renditions []*media.Rendition
	// Worker is nil while no video is encoded.
	Worker   *transcode.Stats
	Repairs  ingest.Repairs
	Findings []Finding
	// AccessUnits and Rejected count what came in and what the segmenters
	// could not use, since the gateway started.
	AccessUnits, Rejected uint64
}

// SessionStatus describes the publisher that is connected.
type SessionStatus struct {
	Protocol, Encoder string
	Since             time.Time
}

// publishStatus makes the stream's state visible to the API.
func (s *stream) publishStatus() {
	st := &Status{
		Name: s.name, State: s.state, Since: s.since,
		Repairs: s.repairs, AccessUnits: s.units,
	}
	if s.session != nil {
		st.Session = &SessionStatus{
			Protocol: s.session.request.Protocol, Encoder: s.encoder(), Since: s.session.began,
		}
		st.Arrival = new(s.arrival.look(time.Now()))
	}
	for _, l := range s.lanes {
		st.Renditions = append(st.Renditions, l.rendition)
		st.Rejected += l.rejected
	}
	if p := s.pipeline; p != nil {
		p.describe(st, time.Now())
		if s.metadata.OtherTracks {
			st.Findings = append(st.Findings, findOtherTracks())
		}
	}
	s.status.Store(st)
}

// encoder is what the publisher's software calls itself, if it says so.
func (s *stream) encoder() string {
	if s.metadata.Encoder != "" {
		return s.metadata.Encoder
	}
	return s.session.request.Encoder
}

// shed names the rungs that are slowed down or left out, as "720p at half its
// frame rate".
func (p *pipeline) shed() []string {
	var all []string
	for _, c := range p.crews {
		for i, pace := range c.worker.Stats().Paces {
			switch l := c.lanes[i]; {
			case l == nil:
			case pace == transcode.PaceHalf:
				all = append(all, l.rendition.Name+" at half its frame rate")
			case pace == transcode.PaceOff:
				all = append(all, l.rendition.Name+" not at all")
			}
		}
	}
	return all
}

// describe adds what only a live session knows.
func (p *pipeline) describe(st *Status, now time.Time) {
	st.Video, st.Audio = p.plan.source, p.plan.audio
	st.KeyframeInterval = media.VideoTimescale.Duration(p.findings.interval)
	st.SourceBitrate = p.findings.bitrate
	st.Findings = slices.Clip(p.findings.list(now, p.plan, st.Repairs))
	if f, ok := p.transcoding(); ok {
		st.Findings = append(st.Findings, f)
	}
	if len(p.crews) == 0 {
		return
	}
	worker := p.crews[len(p.crews)-1].worker.Stats()
	st.Worker = &worker
	if shed := p.shed(); len(shed) > 0 {
		st.Findings = append(slices.Clip(st.Findings), findOverload(shed))
	}
	if worker.Restarts > 0 {
		st.Findings = append(slices.Clip(st.Findings), findWorker(worker.Restarts, worker.LastError))
	}
}
