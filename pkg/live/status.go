package live

import (
	"time"

	"weir/pkg/doctor"
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
	// Broadcast is when the first session since the stream's end began, Recorded when
	// the first of those whose keys have the rule record went on air; zero for none.
	Broadcast, Recorded time.Time
	// OnAir is what the renditions are made of.
	OnAir OnAir
	// Absences counts how often the timeline has gone on without media, and
	// Absent is how long that was.
	Absences uint64
	Absent   time.Duration
	// Session is the publisher on air, nil while nobody publishes, and Standby the one
	// that stands by beside it.
	Session, Standby *SessionStatus
	// Backup is nil while no backup publisher is connected; Switches counts how often
	// the publisher that stood by has gone on air, by reason, and Switched is the last
	// time, nil before the first.
	Backup   *BackupStatus
	Switches map[SwitchReason]uint64
	Switched *Switch
	// Video and Audio are the source's tracks, nil until known. AudioTracks is what
	// each audio rendition is made of, the default one first.
	Video, Audio *media.Track
	AudioTracks  []AudioTrack
	// KeyframeInterval is the distance of the last two keyframes.
	KeyframeInterval time.Duration
	// SourceBitrate is the video's, measured between the last two keyframes,
	// in bits per second.
	SourceBitrate int
	// Arrival is nil while nobody publishes.
	Arrival    *Arrival
	Renditions []*media.Rendition
	// Delays are those of the renditions' segments, in their order.
	Delays []Delays
	// Heard is how loud the source's audio is, nil while no worker decodes it.
	Heard *transcode.Heard
	// Worker is nil while no video is encoded.
	Worker   *transcode.Stats
	Repairs  ingest.Repairs
	Findings []doctor.Finding
	// AccessUnits and Rejected count what came in and what the segmenters
	// could not use, since the gateway started.
	AccessUnits, Rejected uint64
}

// SessionStatus describes a publisher that is connected.
type SessionStatus struct {
	Protocol, Encoder string
	Since             time.Time
	// Backup is true where it came with a backup's key.
	Backup bool
	// Link is nil where the protocol does not know how the network does.
	Link *ingest.Link
}

// BackupStatus describes the backup publisher.
type BackupStatus struct {
	Protocol, Encoder string
	Since             time.Time
	OnAir             bool
}

// AudioTrack is what an audio rendition is made of.
type AudioTrack struct {
	Rendition string
	Served    Served
	// Number is the source's track, and Track what came of it, nil for nothing yet.
	Number int
	Track  *media.Track
}

// Served is how a rendition is made of a track.
type Served string

// The ways.
const (
	ServedPassthrough Served = "passthrough"
	ServedEncoded     Served = "encoded"
	// ServedSilence: the source has no track for it.
	ServedSilence Served = "silence"
)

// publishStatus makes the stream's state visible to the API.
func (s *stream) publishStatus() {
	st := &Status{
		Name: s.name, State: s.state, Since: s.since, OnAir: s.onAir(),
		Absences: s.absences, Absent: s.absent, Repairs: s.repairs, AccessUnits: s.units,
		Backup: s.describeBackup(), Switches: s.switches, Switched: s.switched,
	}
	now := time.Now()
	st.Broadcast, st.Recorded = s.broadcast, s.recordedSince(now)
	if s.session != nil {
		st.Session, st.Arrival = s.describe(), new(s.arrival.look(now))
	}
	if s.standby != nil {
		st.Standby = s.standby.describe()
	}
	for _, l := range s.lanes {
		st.Renditions, st.Delays = append(st.Renditions, l.rendition), append(st.Delays, l.delays)
		st.Rejected += l.rejected
	}
	if s.absence != nil {
		st.Absent += now.Sub(s.absence.began)
		st.Video, st.Audio = s.aired.source, s.aired.audio
	} else if p := s.pipeline; p != nil {
		st.Video, st.Audio, st.Worker = p.plan.source, p.plan.audio, p.worker()
		st.AudioTracks = p.audioTracks()
		st.KeyframeInterval = media.VideoTimescale.Duration(s.vitals.keys.interval)
		st.SourceBitrate, st.Heard = s.vitals.keys.rate, p.heard()
	}
	seen := s.observe(now, st.Arrival)
	st.Findings = s.doctor.Look(now, &seen)
	s.status.Store(st)
}

// describe is of a seat that is taken.
func (f *seat) describe() *SessionStatus {
	out := &SessionStatus{
		Protocol: f.session.request.Protocol, Encoder: f.encoder(), Since: f.session.began, Backup: f.session.backup(),
	}
	if look := f.session.request.Link; look != nil {
		out.Link = new(look())
	}
	return out
}

// encoder is what the publisher's software calls itself, if it says so.
func (f *seat) encoder() string {
	if f.metadata.Encoder != "" {
		return f.metadata.Encoder
	}
	return f.session.request.Encoder
}
