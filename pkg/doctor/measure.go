package doctor

import (
	"fmt"
	"math"
	"strconv"
)

// Measure is one thing that is observed. Those that are true or not are 1 or 0.
type Measure uint8

// What is observed of the video.
const (
	// VideoMissing: audio comes alone.
	VideoMissing Measure = iota
	// KeyframeInterval is the distance of the last two IDR keyframes,
	// KeyframeSpread how much the last ten distances differ, but for the two
	// shortest and the two longest, and SinceKeyframe the media time since the
	// last one, all in seconds.
	KeyframeInterval
	KeyframeSpread
	SinceKeyframe
	// OpenGOPs counts keyframes that are no IDR since the last but one that was.
	OpenGOPs
	// Reorder is the most that a picture is shown after it is decoded, in
	// seconds.
	Reorder
	// VideoBitrate is that of the last half a minute or so, in bit/s, and
	// BitratePeak the highest of a GOP in that time, in percent of it.
	VideoBitrate
	BitratePeak
	// BitrateOfLeast and BitrateOfMost compare VideoBitrate with the advice for
	// the size, frame rate and codec, in percent.
	BitrateOfLeast
	BitrateOfMost
	// Width and Height are in pixels; AspectOff is how far their ratio is from
	// the nearest usual one, in percent.
	Width
	Height
	AspectOff
	// FrameRate is in frames per second, FrameRateOff how far it is from the
	// nearest usual one, in percent.
	FrameRate
	FrameRateOff
	VariableFrameRate
	// FramesMissing is the share of pictures that the frame rate promises and
	// that did not come, in percent, over the last ten seconds.
	FramesMissing
	FullRange
	// VideoStopped: audio goes on whose video does not.
	VideoStopped
	// Undecodable counts the pictures of the last minute that could not be decoded.
	Undecodable
	// Brightness is the mean of the decoded picture, in percent of white, and
	// Contrast its standard deviation. Still is for how many seconds no part of
	// the picture has changed.
	Brightness
	Contrast
	Still

	// What is observed of the audio.

	// AudioMissing: silence stands in for it.
	AudioMissing
	// AudioBitrate is in bit/s, AudioBitratePerChannel the same for one channel.
	AudioBitrate
	AudioBitratePerChannel
	SampleRate
	Channels
	// AudioLevel is the root mean square of the decoded audio in dBFS, and
	// Clipped the share of its samples at full scale, in percent.
	AudioLevel
	Clipped

	// What is observed of time.

	// AudioBehind is how much later audio arrives than video of the same time,
	// in seconds; below 0 it is earlier. AudioOffset is the same without its sign.
	AudioBehind
	AudioOffset
	// Delay is how far media time lies behind the clock on arrival, in seconds.
	Delay
	// Drift is by how much the encoder's clock differs from the server's, in
	// millionths; ClockOff is the same without its sign.
	Drift
	ClockOff
	// TimeRepairs and AudioClockRepairs count what had to be put right within
	// the last minute.
	TimeRepairs
	AudioClockRepairs
	// Reconnects counts the sessions that began within the last two minutes,
	// but the first.
	Reconnects

	// What is observed of the gateway.

	// MediaMissing: the stream goes on without media. Connected: its publisher is
	// there nevertheless.
	MediaMissing
	Connected
	// OnBackup: the backup publisher is on air.
	OnBackup
	// QueueDelay is how long access units wait for the stream, in seconds.
	QueueDelay
	// NotPlayable: not every player decodes the source. Offered: others get it
	// unchanged nevertheless.
	NotPlayable
	Offered
	// PassthroughLeft: the source cannot be cut into segments as it is.
	PassthroughLeft
	// CappedLines is what the top rendition is limited to, 0 for nothing.
	CappedLines
	// OtherTracks: there are tracks that are passed over.
	OtherTracks
	// RungsShed counts those that are encoded less, or not at all.
	RungsShed
	WorkerRestarts
	// TranscodingFails and TranscodingGivenUp: workers die again and again.
	TranscodingFails
	TranscodingGivenUp

	// What is observed of the viewers.

	// PlayersReporting counts those that tell how they fare, and PlayersStalled is
	// the share of them that has stood still in the last half minute, in percent.
	PlayersReporting
	PlayersStalled

	measures
)

// unit is the name and the unit of a measure.
func (m Measure) unit() (name, unit string) {
	u := units()[m]
	return u[0], u[1]
}

func units() [measures][2]string {
	return [measures][2]string{
		VideoMissing:     {"video_missing", ""},
		KeyframeInterval: {"keyframe_interval", "s"}, KeyframeSpread: {"keyframe_spread", "s"}, SinceKeyframe: {"since_keyframe", "s"},
		OpenGOPs: {"open_gops", ""}, Reorder: {"reorder_delay", "s"},
		VideoBitrate: {"video_bitrate", "bit/s"}, BitratePeak: {"bitrate_peak", "%"},
		BitrateOfLeast: {"bitrate_of_least_advised", "%"}, BitrateOfMost: {"bitrate_of_most_advised", "%"},
		Width: {"width", "px"}, Height: {"height", "px"}, AspectOff: {"aspect_off", "%"},
		FrameRate: {"frame_rate", "fps"}, FrameRateOff: {"frame_rate_off", "%"}, VariableFrameRate: {"variable_frame_rate", ""},
		FramesMissing: {"frames_missing", "%"}, FullRange: {"full_range", ""}, VideoStopped: {"video_stopped", ""}, Undecodable: {"undecodable", ""},
		Brightness: {"brightness", "%"}, Contrast: {"contrast", "%"}, Still: {"still", "s"},
		AudioMissing: {"audio_missing", ""}, AudioBitrate: {"audio_bitrate", "bit/s"}, AudioBitratePerChannel: {"audio_bitrate_per_channel", "bit/s"},
		SampleRate: {"sample_rate", "Hz"}, Channels: {"channels", ""},
		AudioLevel: {"audio_level", "dBFS"}, Clipped: {"clipped", "%"},
		AudioBehind: {"audio_behind", "s"}, AudioOffset: {"audio_offset", "s"}, Delay: {"delay", "s"},
		Drift: {"drift", "ppm"}, ClockOff: {"clock_off", "ppm"},
		TimeRepairs: {"time_repairs", ""}, AudioClockRepairs: {"audio_clock_repairs", ""}, Reconnects: {"reconnects", ""},
		MediaMissing: {"media_missing", ""}, Connected: {"connected", ""}, OnBackup: {"on_backup", ""},
		QueueDelay: {"queue_delay", "s"}, NotPlayable: {"not_playable", ""}, Offered: {"offered", ""},
		PassthroughLeft: {"passthrough_left", ""}, CappedLines: {"capped_lines", "px"}, OtherTracks: {"other_tracks", ""},
		RungsShed: {"rungs_shed", ""}, WorkerRestarts: {"worker_restarts", ""},
		TranscodingFails: {"transcoding_fails", ""}, TranscodingGivenUp: {"transcoding_given_up", ""},
		PlayersReporting: {"players_reporting", ""}, PlayersStalled: {"players_stalled", "%"},
	}
}

// text is a value as a message says it: "2.0 s", "6.1 Mb/s".
func text(value float64, unit string) string {
	switch unit {
	case "bit/s":
		if math.Abs(value) >= 1e6 {
			return fmt.Sprintf("%.1f Mb/s", value/1e6)
		}
		return fmt.Sprintf("%.0f kb/s", value/1e3)
	case "s":
		if math.Abs(value) < 0.95 {
			return fmt.Sprintf("%.2f s", value)
		}
		return fmt.Sprintf("%.1f s", value)
	case "Hz":
		return strconv.FormatFloat(value/1e3, 'f', -1, 64) + " kHz"
	case "fps":
		return strconv.FormatFloat(math.Round(value*100)/100, 'f', -1, 64) + " fps"
	case "px", "":
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	if unit == "%" && math.Abs(value) < 10 {
		return fmt.Sprintf("%.1f %s", value, unit)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}
