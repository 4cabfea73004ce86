package gateway

import (
	"math"
	"time"

	"weir/pkg/api"
	"weir/pkg/audience"
	"weir/pkg/doctor"
	"weir/pkg/ingest"
	"weir/pkg/live"
	"weir/pkg/media"
	"weir/pkg/transcode"
)

// streams lists every stream in the API's words.
func (g *gateway) streams() []api.StreamStatus {
	var all []api.StreamStatus
	for _, st := range g.manager.Streams() {
		all = append(all, g.describe(st))
	}
	return all
}

// stream is one stream in the API's words.
func (g *gateway) stream(name string) (api.StreamStatus, bool) {
	st, ok := g.manager.Stream(name)
	if !ok {
		return api.StreamStatus{}, false
	}
	return g.describe(st), true
}

func (g *gateway) describe(st live.Status) api.StreamStatus {
	out := api.StreamStatus{
		Name: st.Name, State: api.State(st.State), Since: st.Since, OnAir: string(st.OnAir),
		Source: source(st), Worker: worker(st.Worker), Repairs: repairs(st.Repairs),
		URLs: api.StreamURLs(g.cfg.Load().PublicURL, st.Name),
	}
	out.Session, out.Standby = publisher(st.Session), publisher(st.Standby)
	if b := st.Backup; b != nil {
		out.Backup = &api.Backup{Protocol: b.Protocol, Encoder: b.Encoder, ConnectedAt: b.Since, OnAir: b.OnAir}
	}
	if s := st.Switched; s != nil {
		out.Switched = &api.Switch{At: s.At.UTC().Truncate(time.Millisecond), To: role(s.Backup), Reason: string(s.Reason)}
	}
	if a := st.Arrival; a != nil {
		out.Arrival = &api.Arrival{
			Bitrate: a.Bitrate, FrameRate: rounded(a.FrameRate), Bytes: a.Bytes,
			Delay: rounded(a.Delay.Seconds()), Jitter: rounded(a.Jitter.Seconds()),
		}
	}
	if windows, ok := g.store.Stream(st.Name); ok {
		out.Renditions = renditions(windows, time.Now())
	}
	out.Recording = g.recording(st.Name)
	out.Audience = watching(g.audience.Figures(time.Now(), st.Name))
	for _, f := range st.Findings {
		out.Health = append(out.Health, finding(f))
	}
	return out
}

// publisher is nil for none.
func publisher(s *live.SessionStatus) *api.Session {
	if s == nil {
		return nil
	}
	return &api.Session{Role: role(s.Backup), Protocol: s.Protocol, Encoder: s.Encoder, ConnectedAt: s.Since, Link: link(s.Link)}
}

func role(backup bool) api.Role {
	if backup {
		return api.RoleBackup
	}
	return api.RolePrimary
}

func finding(f doctor.Finding) api.Finding {
	out := api.Finding{
		Code: f.Code, Severity: string(f.Severity), Hop: string(f.Hop), Title: f.Title,
		Message: f.Message, Remedy: f.Remedy, Since: f.Since.UTC().Truncate(time.Millisecond),
	}
	for _, e := range f.Evidence {
		out.Evidence = append(out.Evidence, api.Evidence{Name: e.Name, Value: rounded(e.Value), Unit: e.Unit})
	}
	return out
}

func watching(f audience.Figures) api.Audience {
	out := api.Audience{Viewers: f.Viewers, AtLeast: f.AtLeast, Reporting: f.Reporting, Stalled: f.Stalled}
	if f.Latency >= 0 {
		out.Latency = new(rounded(f.Latency.Seconds()))
	}
	if f.Startup >= 0 {
		out.Startup = new(rounded(f.Startup.Seconds()))
	}
	return out
}

// rounded is to a thousandth.
func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

func source(st live.Status) *api.Source {
	if st.Video == nil && st.Audio == nil {
		return nil
	}
	out := &api.Source{}
	if st.Video != nil {
		out = &api.Source{
			Codec: string(st.Video.Codec), Profile: profile(st.Video),
			Width: st.Video.Width, Height: st.Video.Height,
			FrameRate: st.Video.FrameRate.Float(), Bitrate: st.SourceBitrate,
			KeyframeInterval: st.KeyframeInterval.Seconds(),
		}
	}
	if st.Audio != nil {
		out.Audio = &api.SourceAudio{
			Codec: string(st.Audio.Codec), SampleRate: st.Audio.SampleRate, Channels: st.Audio.Channels,
		}
		if st.Heard != nil {
			out.Audio.Level = new(math.Round(st.Heard.Level*10) / 10)
		}
	}
	out.AudioTracks = audioTracks(st.AudioTracks)
	return out
}

func audioTracks(all []live.AudioTrack) (out []api.AudioTrack) {
	for _, one := range all {
		track := api.AudioTrack{Rendition: one.Rendition, Served: string(one.Served)}
		if one.Served != live.ServedSilence {
			track.Number = new(one.Number)
		}
		if t := one.Track; t != nil {
			track.Codec, track.SampleRate, track.Channels = string(t.Codec), t.SampleRate, t.Channels
		}
		out = append(out, track)
	}
	return out
}

// profile names the H.264 profile (ITU-T H.264, A.2); empty for one that
// encoders for live streams do not use.
func profile(t *media.Track) string {
	if t.Codec != media.H264 || len(t.Config) < 2 {
		return ""
	}
	return map[byte]string{
		66: "baseline", 77: "main", 88: "extended", 100: "high",
		110: "high 10", 122: "high 4:2:2", 244: "high 4:4:4",
	}[t.Config[1]]
}

func worker(s *transcode.Stats) *api.Worker {
	if s == nil {
		return nil
	}
	state := "running"
	if s.PID == 0 {
		state = "restarting"
	}
	return &api.Worker{
		State: state, Restarts: s.Restarts, RealtimeRatio: s.Speed,
		Behind: s.Backlog.Seconds(), Shed: s.Shed, Restored: s.Restored,
	}
}

// repairs lists the kinds that have happened, by name.
func repairs(r ingest.Repairs) map[string]uint64 {
	out := make(map[string]uint64)
	for kind, count := range map[string]uint64{
		"wraps": r.Wraps, "jumps": r.Jumps, "track_jumps": r.TrackJumps, "blips": r.Blips,
		"parameter_changes": r.ParameterChanges, "restarts": r.Restarts,
		"duplicates": r.Duplicates, "nudged": r.Nudged, "composition_offsets": r.CompositionOffsets,
		"rate_changes": r.RateChanges, "grid_shifts": r.GridShifts,
		"clock_slews":      r.ClockSlews,
		"silence_inserted": r.SilenceInserted, "audio_repeated": r.AudioRepeated, "audio_dropped": r.AudioDropped,
		"waited_for_keyframe": r.WaitedForKeyframe, "unusable": r.Unusable,
	} {
		if count > 0 {
			out[kind] = count
		}
	}
	return out
}
