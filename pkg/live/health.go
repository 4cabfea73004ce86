package live

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// Severity says how much a finding matters to viewers.
type Severity string

// The severities, mildest first.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Problem Severity = "error"
)

// Finding is one thing that the creator should know, in words for the
// creator, with the setting that mends it.
type Finding struct {
	// Code is stable and in snake case, for machines.
	Code     string
	Severity Severity
	Message  string
	Remedy   string
}

func findUnplayable(reason string, offered bool) Finding {
	if offered {
		return Finding{
			Code: "source_not_playable", Severity: Info,
			Message: fmt.Sprintf("Not every player can decode your stream as it is: %s. Weir encodes it again for those, which costs CPU and a little quality, and offers it unchanged to the others.", reason),
			Remedy:  "Nothing to do if the server has the CPU for it. Otherwise, in OBS, Settings → Output: encoder H.264.",
		}
	}
	return Finding{
		Code: "source_not_playable", Severity: Warning,
		Message: fmt.Sprintf("Not every player can decode your stream as it is: %s. Weir encodes it again, which costs CPU and a little quality.", reason),
		Remedy:  "In OBS, Settings → Output: encoder H.264, profile high (or main). Settings → Advanced: colour format NV12.",
	}
}

// What Weir does about a source that it cannot cut into segments as it is.
const (
	encodesAgain = " Weir encodes the top rendition again, which costs CPU and a little quality."
	withdraws    = " Weir encodes H.264 for all players and does not offer your own picture any more."
)

func findKeyframes(interval time.Duration, consequence string) Finding {
	f := Finding{
		Code: "keyframe_interval", Severity: Warning,
		Message: fmt.Sprintf("Keyframes come every %.1f s; segments of 2 s need one every 2 s.", interval.Seconds()),
		Remedy:  "In OBS, Settings → Output → Streaming: set Keyframe Interval to 2 s (not 0, which means auto).",
	}
	if interval == 0 {
		f.Message = "No second keyframe came within 2.5 s; segments of 2 s need one every 2 s."
	}
	f.Message += cmp.Or(consequence, " Viewers start later and lag further behind.")
	return f
}

func findOpenGOP(consequence string) Finding {
	return Finding{
		Code: "open_gop", Severity: Warning,
		Message: "Your encoder makes open GOPs: pictures before a keyframe need it to be decoded, so viewers cannot start there." + consequence,
		Remedy:  "In OBS with x264, remove open-gop from x264 Options; with x265, open-gop=0; elsewhere choose closed GOPs (IDR keyframes) every 2 s.",
	}
}

func findCapped(height int) Finding {
	return Finding{
		Code: "top_rendition_capped", Severity: Warning,
		Message: fmt.Sprintf("The top rendition is limited to %d lines: this machine has too few cores to encode your full picture.", height),
		Remedy:  "Mend the encoder setting named above, so that your own picture can be offered unchanged.",
	}
}

func findNoAudio() Finding {
	return Finding{
		Code: "no_audio", Severity: Warning,
		Message: "No audio arrives; viewers get silence.",
		Remedy:  "In OBS, check that an audio source is in the mixer and not muted, and that Settings → Output → Audio Track is one that it feeds.",
	}
}

func findNoVideo() Finding {
	return Finding{
		Code: "no_video", Severity: Info,
		Message: "No video arrives; viewers get audio alone. Video that comes later is offered from its next keyframe on, but players that are open by then stay with audio or, as dash.js does, stop and have to be reloaded.",
		Remedy:  "Nothing to do if you mean to send audio alone. Otherwise check in OBS that a scene with a video source is active, and start the stream again.",
	}
}

func findOtherTracks() Finding {
	return Finding{
		Code: "tracks_ignored", Severity: Info,
		Message: "Your encoder sends several tracks of a kind; Weir uses the first one of each and makes the other qualities itself.",
		Remedy:  "In OBS, Settings → Stream: switch Multitrack Video off; it costs you upload that nobody sees.",
	}
}

func findFrozen() Finding {
	return Finding{
		Code: "video_stopped", Severity: Problem,
		Message: "Audio arrives but video has stopped; viewers see the last picture and wait.",
		Remedy:  "In OBS, look at Stats: an overloaded encoder or a lost capture device stops the video. Restart the stream if it does not come back.",
	}
}

func findVariableRate() Finding {
	return Finding{
		Code: "variable_frame_rate", Severity: Info,
		Message: "Frames come at irregular times.",
		Remedy:  "In OBS, Settings → Video: choose a common FPS value; if frames are dropped, lower the encoder's load.",
	}
}

func findLate(behind time.Duration) Finding {
	return Finding{
		Code: "uplink_slow", Severity: Warning,
		Message: fmt.Sprintf("Your stream arrives %.1f s late: the uplink carries less than the bitrate that you send.", behind.Seconds()),
		Remedy:  "In OBS, Settings → Output: lower the video bitrate to two thirds of your measured upload speed, or use a cable instead of Wi-Fi.",
	}
}

func findWorker(restarts uint64, reason string) Finding {
	return Finding{
		Code: "worker_restarted", Severity: Info,
		Message: fmt.Sprintf("The transcoding worker was restarted %d times; last: %s.", restarts, reason),
		Remedy:  "Nothing to do if it stays rare. Otherwise send the log lines around it to your operator.",
	}
}

func findOverload(shed []string) Finding {
	return Finding{
		Code: "overload", Severity: Warning,
		Message: "The server is too busy to encode all renditions in real time; for now it encodes " + strings.Join(shed, ", ") + ".",
		Remedy:  "Nothing to change in your encoder. Operator: give the machine more CPU, set transcode.rungs to on_demand, or choose fewer rungs or a faster preset.",
	}
}

const transcodingRemedy = "Stop and start the stream in your encoder to try again. Operator: the log lines of the worker say more; report them with `weir version`."

func findTranscodingGivenUp(reason string) Finding {
	return Finding{
		Code: "transcoding_failed", Severity: Problem,
		Message: fmt.Sprintf("Transcoding was given up because its worker died again and again; last: %s. Viewers get your own picture alone, in no other quality.", reason),
		Remedy:  transcodingRemedy,
	}
}

func findTranscodingFails(kind, reason string) Finding {
	return Finding{
		Code: "transcoding_failed", Severity: Problem,
		Message: fmt.Sprintf("The worker that encodes your %s dies again and again; last: %s. Weir goes on trying; until then viewers see the stream stand still.", kind, reason),
		Remedy:  transcodingRemedy,
	}
}

// keyframesTooFar is the distance above which 2 s segments are impossible.
const keyframesTooFar = media.Ticks(2.5 * 90_000)

// findings watches one session for what its creator should know.
type findings struct {
	unplayable string
	capped     bool
	// encoded is true once the top rendition is encoded in place of the source,
	// withdrawn once the source is not offered beside the ladder any more.
	encoded, withdrawn bool

	lastKey, interval media.Ticks
	last              media.Ticks
	variable          bool
	// recovers counts the keyframes that are no IDR pictures since the last one.
	recovers int
	// size counts the bytes since the last keyframe; bitrate is what they
	// made between the last two.
	size, bitrate int
}

// video looks at one access unit of the source.
func (f *findings) video(au media.AccessUnit) {
	f.last = au.PTS
	f.variable = !au.Track.FrameRate.Known()
	if au.Recovery {
		f.recovers++
	}
	if !au.Sync {
		f.size += len(au.Data)
		return
	}
	f.recovers = 0
	if interval := au.PTS - f.lastKey; f.lastKey != 0 && !au.Discontinuity && interval > 0 {
		f.interval = interval
		f.bitrate = int(int64(f.size) * 8 * int64(media.VideoTimescale) / int64(interval))
	}
	f.lastKey, f.size = au.PTS, len(au.Data)
}

// consequence says what became of a source that cannot be cut as it is, empty
// while it can.
func (f *findings) consequence() string {
	switch {
	case f.encoded:
		return encodesAgain
	case f.withdrawn:
		return withdraws
	}
	return ""
}

// sinceKey is the time from the last keyframe to the newest picture.
func (f *findings) sinceKey() media.Ticks { return f.last - f.lastKey }

// list is what stands now.
func (f *findings) list(now time.Time, plan plan, repairs ingest.Repairs) []Finding {
	var all []Finding
	if f.unplayable != "" {
		all = append(all, findUnplayable(f.unplayable, plan.original))
	}
	consequence := f.consequence()
	if plan.source == nil {
		all = append(all, findNoVideo())
	} else if f.recovers > 0 && consequence != "" {
		all = append(all, findOpenGOP(consequence))
	} else if consequence != "" || max(f.interval, f.sinceKey()) > keyframesTooFar {
		all = append(all, findKeyframes(media.VideoTimescale.Duration(f.interval), consequence))
	}
	if f.capped {
		all = append(all, findCapped(min(plan.top.Width, plan.top.Height)))
	}
	if repairs.Silent {
		all = append(all, findNoAudio())
	}
	if f.variable {
		all = append(all, findVariableRate())
	}
	if repairs.Frozen {
		all = append(all, findFrozen())
	} else if behind := now.Sub(media.VideoTimescale.Time(f.last)); f.last != 0 && behind > lateUplink {
		all = append(all, findLate(behind))
	}
	return all
}

// lateUplink is how far media may fall behind the clock before it is called
// slow; encoders send in bursts of up to a second.
const lateUplink = 2 * time.Second
