package doctor

import (
	"slices"
	"time"
)

const (
	// short is how long a fault has to hold that one look could mistake, long
	// one that is normal for a while.
	short = 3 * time.Second
	long  = 15 * time.Second
	// settled is how long a fault has to be away before it is taken back.
	settled = 10 * time.Second
)

// Rules is the table, in the order in which findings are told. Codes are
// promised by the API: rows may come, codes stay.
func Rules() []Rule {
	return slices.Concat(sourceRules(), keyframeRules(), pictureRules(), soundRules(), arrivalRules(), gatewayRules(), viewerRules())
}

// sourceRules are about what is sent at all.
func sourceRules() []Rule {
	return []Rule{
		{
			Code: "no_media", Severity: Problem, Hop: Uplink, Title: "Nothing arrives",
			When: []Limit{is(MediaMissing), isNot(Connected)}, Always: true,
			Message: "Your encoder is not connected; viewers {viewers} until it is back.",
			Remedy:  "In OBS, look at the connection in the status bar and, if it does not reconnect by itself, stop and start the stream. A cable is steadier than Wi-Fi.",
		},
		{
			Code: "no_media", Severity: Problem, Hop: Uplink, Title: "Nothing arrives",
			When: []Limit{is(MediaMissing), is(Connected)}, Always: true,
			Message: "Your encoder is connected but sends nothing that can be shown; viewers {viewers} until it does.",
			Remedy:  "In OBS, look at Stats: an overloaded encoder or a congested uplink stops the stream. Stop and start it if it does not come back, with a lower bitrate.",
		},
		{
			Code: "on_backup", Severity: Warning, Hop: Encoder, Title: "The backup is on air",
			When: []Limit{is(OnBackup)}, Always: true,
			Message: "Viewers see your backup encoder: the primary one {primary}.",
			Remedy:  "Mend the primary encoder, or its connection. It goes on air again by itself when it has sent for 10 s what it should.",
		},
		{
			Code: "no_video", Severity: Info, Hop: Encoder, Title: "No video",
			When:    []Limit{is(VideoMissing)},
			Message: "No video arrives; viewers get audio alone. Video that comes later is offered from its next keyframe on, but players that are open by then stay with audio or, as dash.js does, stop and have to be reloaded.",
			Remedy:  "Nothing to do if you mean to send audio alone. Otherwise check in OBS that a scene with a video source is active, and start the stream again.",
		},
		{
			Code: "video_stopped", Severity: Problem, Hop: Encoder, Title: "Video has stopped",
			When:    []Limit{is(VideoStopped)},
			Message: "Audio arrives but video has stopped; viewers see the last picture and wait.",
			Remedy:  "In OBS, look at Stats: an overloaded encoder or a lost capture device stops the video. Restart the stream if it does not come back.",
		},
		{
			Code: "video_damaged", Severity: Warning, Hop: Encoder, Title: "Pictures cannot be decoded",
			When: []Limit{over(Undecodable, 4.5, 0.5)}, Gone: settled,
			Message:  "{undecodable} of the pictures of the last minute could not be decoded. Viewers of the encoded qualities see the picture stand still meanwhile.",
			Evidence: []Measure{Undecodable},
			Remedy:   "Over SRT, look at the packets lost on the way first, and raise the latency. Otherwise update the encoder, or use another one: in OBS, Settings → Output → Video Encoder.",
		},
		{
			Code: "no_audio", Severity: Warning, Hop: Encoder, Title: "No audio",
			When: []Limit{is(AudioMissing)}, After: short, Gone: short,
			Message: "No audio arrives; viewers get silence.",
			Remedy:  "In OBS, check that an audio source is in the mixer and not muted, and that Settings → Output → Audio Track is one that it feeds.",
		},
		{
			Code: "source_not_playable", Severity: Info, Hop: Encoder, Title: "Not every player can decode it",
			When:    []Limit{is(NotPlayable), is(Offered)},
			Message: "Not every player can decode your stream as it is: {reason}. Weir encodes it again for those, which costs CPU and a little quality, and offers it unchanged to the others.",
			Remedy:  "Nothing to do if the server has the CPU for it. Otherwise, in OBS, Settings → Output: encoder H.264.",
		},
		{
			Code: "source_not_playable", Severity: Warning, Hop: Encoder, Title: "Not every player can decode it",
			When:    []Limit{is(NotPlayable), isNot(Offered)},
			Message: "Not every player can decode your stream as it is: {reason}. Weir encodes it again, which costs CPU and a little quality.",
			Remedy:  "In OBS, Settings → Output: encoder H.264, profile high (or main). Settings → Advanced: Color Format NV12.",
		},
		{
			Code: "tracks_ignored", Severity: Info, Hop: Encoder, Title: "Tracks that nobody sees",
			When:    []Limit{is(OtherTracks)},
			Message: "Your encoder sends tracks that nobody sees or hears. Of video Weir serves the first track and those in H.264 that are smaller than it and have their keyframes where it has them; of audio those that were there when the stream began, as many as the server allows.",
			Remedy:  "In OBS, Settings → Stream: leave these tracks out of the Multitrack Video configuration, or switch it off; they cost you upload. All its encoders need the same keyframe interval, 2 s. For audio that was added while you were live, end the stream and begin anew.",
		},
	}
}

// keyframeRules are about where viewers can start.
func keyframeRules() []Rule {
	const remedy = "In OBS, Settings → Output → Streaming: set Keyframe Interval to 2 s (not 0, which means auto)."
	return []Rule{
		{
			Code: "open_gop", Severity: Warning, Hop: Encoder, Title: "Open GOPs",
			When: []Limit{over(OpenGOPs, 0.5, 0.5)}, Gone: settled,
			Message:  "Your encoder makes open GOPs: pictures before a keyframe need it to be decoded, so viewers cannot start there.{consequence}",
			Evidence: []Measure{OpenGOPs},
			Remedy:   "In OBS with x264, remove open-gop from x264 Options; with x265, open-gop=0; elsewhere choose closed GOPs (IDR keyframes) every 2 s.",
		},
		{
			Code: "keyframe_interval", Severity: Warning, Hop: Encoder, Title: "Keyframes too far apart",
			When: []Limit{over(KeyframeInterval, 2.5, 2.2), under(OpenGOPs, 0.5, 0.5)}, Gone: settled,
			Message:  "Keyframes come every {keyframe_interval}; segments of 2 s need one every 2 s.{consequence}",
			Evidence: []Measure{KeyframeInterval},
			Remedy:   remedy,
		},
		{
			Code: "keyframe_interval", Severity: Warning, Hop: Encoder, Title: "Keyframes too far apart",
			When: []Limit{over(SinceKeyframe, 2.5, 2.5), under(OpenGOPs, 0.5, 0.5)}, Gone: settled,
			Message:  "The last keyframe came {since_keyframe} ago; segments of 2 s need one every 2 s.{consequence}",
			Evidence: []Measure{SinceKeyframe},
			Remedy:   remedy,
		},
		{
			Code: "keyframe_interval", Severity: Warning, Hop: Encoder, Title: "Keyframes too far apart",
			When:    []Limit{is(PassthroughLeft), under(OpenGOPs, 0.5, 0.5)},
			Message: "A keyframe came too late for a segment of 2 s.{consequence}",
			Remedy:  remedy,
		},
		{
			Code: "keyframe_interval_short", Severity: Info, Hop: Encoder, Title: "Keyframes too often",
			When: []Limit{under(KeyframeInterval, 0.95, 1.2)}, After: short, Gone: settled,
			Message:  "Keyframes come every {keyframe_interval}. Each costs many bits, so the picture is worse than it could be at this bitrate.",
			Evidence: []Measure{KeyframeInterval},
			Remedy:   remedy,
		},
		{
			Code: "keyframe_interval_irregular", Severity: Info, Hop: Encoder, Title: "Irregular keyframes",
			When: []Limit{over(KeyframeSpread, 0.3, 0.2), under(KeyframeInterval, 2.5, 2.5)}, After: short, Gone: settled,
			Message:  "Keyframes come at irregular distances that differ by {keyframe_spread}, so segments are not all of the same length.",
			Evidence: []Measure{KeyframeSpread, KeyframeInterval},
			Remedy:   "In OBS, Settings → Output → Streaming: set Keyframe Interval to 2 s; with x264, write scenecut=0 into x264 Options.",
		},
		{
			Code: "b_frames", Severity: Info, Hop: Encoder, Title: "Many B-frames",
			When: []Limit{over(Reorder, 0.25, 0.22)}, After: short, Gone: settled,
			Message:  "Pictures are shown up to {reorder_delay} after they are decoded, because of many B-frames. Viewers are later by as much.",
			Evidence: []Measure{Reorder},
			Remedy:   "In OBS, Settings → Output → Streaming: set B-Frames to 2 or less; with x264, write bframes=2 into x264 Options.",
		},
	}
}

// pictureRules are about size, rate and what is to be seen.
func pictureRules() []Rule {
	return []Rule{
		{
			Code: "bitrate_high", Severity: Warning, Hop: Encoder, Title: "Bitrate above the advice",
			When: []Limit{over(BitrateOfMost, 150, 135)}, After: long, Gone: settled,
			Message:  "You send {video_bitrate} for {width}×{height} at {frame_rate}. Viewers hardly see what is above the advice, and their networks and yours have to carry it.",
			Evidence: []Measure{VideoBitrate, BitrateOfMost, Width, Height, FrameRate},
			Remedy:   "In OBS, Settings → Output → Streaming → Bitrate: 6000 Kbps for 1080p at 30 fps, 9000 at 60, 3500 and 5000 for 720p.",
		},
		{
			Code: "bitrate_low", Severity: Info, Hop: Encoder, Title: "Bitrate below the advice",
			When: []Limit{under(BitrateOfLeast, 50, 60)}, After: long, Gone: settled,
			Message:  "You send {video_bitrate} for {width}×{height} at {frame_rate}. If the picture moves, it gets blocky; a smaller picture looks better at this bitrate.",
			Evidence: []Measure{VideoBitrate, BitrateOfLeast, Width, Height, FrameRate},
			Remedy:   "In OBS, Settings → Output → Streaming: raise Bitrate if your uplink has it; otherwise lower Settings → Video → Output (Scaled) Resolution. Nothing to do while you show a still picture.",
		},
		{
			Code: "bitrate_swings", Severity: Info, Hop: Encoder, Title: "Bitrate swings",
			When: []Limit{over(BitratePeak, 200, 170)}, After: short, Gone: settled,
			Message:  "The bitrate swings: at times it is {bitrate_peak} of its mean, {video_bitrate}. Viewers whose networks just carry the mean stall at the peaks.",
			Evidence: []Measure{BitratePeak, VideoBitrate},
			Remedy:   "In OBS, Settings → Output → Streaming: set Rate Control to CBR.",
		},
		{
			Code: "resolution_unusual", Severity: Info, Hop: Encoder, Title: "Unusual picture size",
			When:     []Limit{over(AspectOff, 2.5, 2.5)},
			Message:  "The picture is {width}×{height}, which is no usual shape. Viewers see it between black bars, and some players stretch it.",
			Evidence: []Measure{Width, Height, AspectOff},
			Remedy:   "In OBS, Settings → Video: set Base (Canvas) and Output (Scaled) Resolution to 1920x1080 or 1280x720.",
		},
		{
			Code: "frame_rate_unusual", Severity: Info, Hop: Encoder, Title: "Unusual frame rate",
			When:     []Limit{over(FrameRateOff, 1.5, 1.5), isNot(VariableFrameRate)},
			Message:  "{frame_rate} is no usual frame rate. Screens show it unevenly.",
			Evidence: []Measure{FrameRate, FrameRateOff},
			Remedy:   "In OBS, Settings → Video → Common FPS Values: choose 30 or 60.",
		},
		{
			Code: "variable_frame_rate", Severity: Info, Hop: Encoder, Title: "Variable frame rate",
			When:    []Limit{is(VariableFrameRate)},
			Message: "Frames come at irregular times.",
			Remedy:  "In OBS, Settings → Video: choose a common FPS value; if frames are dropped, lower the encoder's load.",
		},
		{
			Code: "colour_range_full", Severity: Warning, Hop: Encoder, Title: "Full colour range",
			When:    []Limit{is(FullRange)},
			Message: "Your pictures use the full colour range. Many players and TVs take them for limited: blacks are crushed and whites burn out.",
			Remedy:  "In OBS, Settings → Advanced → Video: set Color Range to Limited, Color Space to Rec. 709.",
		},
		{
			Code: "video_black", Severity: Warning, Hop: Encoder, Title: "Black picture",
			When: []Limit{under(Brightness, 3, 4), under(Contrast, 1, 1.5)}, After: 5 * time.Second, Gone: 2 * time.Second,
			Message:  "The picture is black.",
			Evidence: []Measure{Brightness, Contrast},
			Remedy:   "In OBS, check that the active scene has a visible source. A game or screen capture that stays black: run OBS as administrator, or choose another Capture Method.",
		},
		{
			Code: "video_frozen", Severity: Warning, Hop: Encoder, Title: "Frozen picture",
			When: []Limit{over(Still, 20, 2), over(Contrast, 1, 1)}, Gone: 2 * time.Second,
			Message:  "Nothing in the picture has moved for {still}.",
			Evidence: []Measure{Still},
			Remedy:   "Nothing to do if you show a still picture. Otherwise, in OBS, open the properties of the camera or capture source and choose Deactivate, then Activate.",
		},
	}
}
