package doctor

// arrivalRules are about when media comes, and with which times. Where access
// units wait for the stream itself, the way to it is not judged.
func arrivalRules() []Rule {
	const uplink = "In OBS, Settings → Output: lower the video bitrate to two thirds of your measured upload speed, or use a cable instead of Wi-Fi."
	onTime := under(QueueDelay, 0.5, 0.5)
	// Audio waits while it is judged whether its video has stopped.
	moving := isNot(VideoStopped)
	return []Rule{
		{
			Code: "uplink_slow", Severity: Problem, Hop: Uplink, Title: "Uplink too slow",
			When: []Limit{over(Delay, 6, 4), onTime, moving}, After: short, Gone: short,
			Message:  "Your stream arrives {delay} late: the uplink carries less than the bitrate that you send. Viewers stall.",
			Evidence: []Measure{Delay, VideoBitrate}, Remedy: uplink,
		},
		{
			Code: "uplink_slow", Severity: Warning, Hop: Uplink, Title: "Uplink too slow",
			When: []Limit{over(Delay, 2, 1.5), onTime, moving}, After: short, Gone: short,
			Message:  "Your stream arrives {delay} late: the uplink carries less than the bitrate that you send.",
			Evidence: []Measure{Delay, VideoBitrate}, Remedy: uplink,
		},
		{
			Code: "uplink_drops_frames", Severity: Warning, Hop: Uplink, Title: "Frames dropped before the uplink",
			When: []Limit{over(FramesMissing, 3, 1), over(Delay, 0.7, 0.4), onTime, moving}, After: short, Gone: short,
			Message:  "{frames_missing} of your frames are missing while the rest arrives {delay} late: your encoder drops frames because the uplink is too slow. The picture jumps.",
			Evidence: []Measure{FramesMissing, Delay}, Remedy: uplink,
		},
		{
			Code: "encoder_overload", Severity: Warning, Hop: Encoder, Title: "Encoder overloaded",
			When: []Limit{over(FramesMissing, 3, 1), under(Delay, 0.4, 0.7), onTime}, After: short, Gone: settled,
			Message:  "{frames_missing} of your frames are missing while the rest arrives in time: your computer cannot encode or render them all. The picture jumps.",
			Evidence: []Measure{FramesMissing, Delay},
			Remedy:   "In OBS, look at View → Stats. Frames missed due to rendering lag: limit the game's frame rate, run OBS as administrator. Skipped due to encoding lag: choose a hardware encoder (NVENC, QuickSync, AMD) or a faster CPU Usage Preset, or a lower resolution or FPS.",
		},
		{
			Code: "av_offset", Severity: Warning, Hop: Encoder, Title: "Audio and video apart",
			When: []Limit{over(AudioOffset, 0.5, 0.4), onTime}, After: settled, Gone: settled,
			Message:  "Audio comes {audio_behind} after video of the same time (before it, if that is below 0). If viewers hear what they do not see yet, this is why.",
			Evidence: []Measure{AudioBehind},
			Remedy:   "In OBS, Edit → Advanced Audio Properties: set Sync Offset to 0 ms for each source, and restart the stream.",
		},
		{
			Code: "clock_drift", Severity: Info, Hop: Encoder, Title: "Clock drifts",
			When: []Limit{over(ClockOff, 500, 300), onTime}, After: short, Gone: settled,
			Message:  "Your encoder's clock differs from the server's by {drift}: after an hour your stream is out of step by as many times 3.6 ms.",
			Evidence: []Measure{Drift},
			Remedy:   "In OBS, set all devices and Settings → Audio to 48 kHz, and untick Use Device Timestamps on USB microphones and cameras. Let the computer set its clock by itself.",
		},
		{
			Code: "audio_clock", Severity: Info, Hop: Encoder, Title: "Audio clock is wrong",
			When: []Limit{over(AudioClockRepairs, 5.5, 1.5)}, After: short, Gone: settled,
			Message:  "Audio runs faster or slower than its own times say: Weir repeated or left out {audio_clock_repairs} pieces of 21 ms within the last minute. Viewers may hear clicks.",
			Evidence: []Measure{AudioClockRepairs},
			Remedy:   "In OBS, Settings → Audio: set Sample Rate to 48 kHz, and the same in the system's settings of each microphone and capture device.",
		},
		{
			Code: "time_repairs", Severity: Warning, Hop: Encoder, Title: "Wrong timestamps",
			When: []Limit{over(TimeRepairs, 4.5, 0.5)}, Gone: settled,
			Message:  "Your encoder's timestamps are wrong: Weir had to repair {time_repairs} within the last minute. Viewers may see jumps.",
			Evidence: []Measure{TimeRepairs},
			Remedy:   "Update the encoder. In OBS, look for a media source or capture device whose removal ends it, and untick Use Device Timestamps on cameras.",
		},
		{
			Code: "reconnect_loop", Severity: Problem, Hop: Uplink, Title: "The connection breaks again and again",
			When: []Limit{over(Reconnects, 2.5, 0.5)}, Gone: settled, Always: true,
			Message:  "Your encoder connected again {reconnects} times within the last two minutes. Viewers see the stream stand still each time.",
			Evidence: []Measure{Reconnects},
			Remedy:   "Check that no second encoder uses the same key. Use a cable instead of Wi-Fi, lower the bitrate in Settings → Output, and switch off a VPN or firewall that ends long connections.",
		},
	}
}

// gatewayRules are about the server's own part.
func gatewayRules() []Rule {
	const (
		operator = "Nothing to change in your encoder. Operator: give the machine more CPU, set transcode.rungs to on_demand, or choose fewer rungs or a faster preset."
		again    = "Stop and start the stream in your encoder to try again. Operator: the log lines of the worker say more; report them with `weir version`."
	)
	return []Rule{
		{
			Code: "top_rendition_capped", Severity: Warning, Hop: Gateway, Title: "Top quality limited",
			When:     []Limit{over(CappedLines, 0, 0)},
			Message:  "The top rendition is limited to {capped_lines} lines: this machine has too few cores to encode your full picture.",
			Evidence: []Measure{CappedLines},
			Remedy:   "Mend the encoder setting named above, so that your own picture can be offered unchanged.",
		},
		{
			Code: "transcoding_failed", Severity: Problem, Hop: Gateway, Title: "Transcoding has failed",
			When:    []Limit{is(TranscodingGivenUp)},
			Message: "Transcoding was given up because its worker died again and again; last: {error}. Viewers get your own picture alone, in no other quality.",
			Remedy:  again,
		},
		{
			Code: "transcoding_failed", Severity: Problem, Hop: Gateway, Title: "Transcoding fails",
			When:    []Limit{is(TranscodingFails)},
			Message: "The worker that encodes your {kind} dies again and again; last: {error}. Weir goes on trying; until then viewers see the stream stand still.",
			Remedy:  again,
		},
		{
			Code: "server_behind", Severity: Problem, Hop: Gateway, Title: "The server cannot keep up",
			When: []Limit{over(QueueDelay, 0.5, 0.2)}, After: short, Gone: settled,
			Message:  "What arrives waits {queue_delay} in the server before it is dealt with. Viewers stall.",
			Evidence: []Measure{QueueDelay},
			Remedy:   operator,
		},
		{
			Code: "overload", Severity: Warning, Hop: Gateway, Title: "The server is too busy",
			When:     []Limit{over(RungsShed, 0.5, 0.5)},
			Message:  "The server is too busy to encode all renditions in real time; for now it encodes {shed}.",
			Evidence: []Measure{RungsShed},
			Remedy:   operator,
		},
		{
			Code: "worker_restarted", Severity: Info, Hop: Gateway, Title: "Transcoder restarted",
			When:     []Limit{over(WorkerRestarts, 0.5, 0.5)},
			Message:  "The transcoding worker was restarted {worker_restarts} times; last: {error}.",
			Evidence: []Measure{WorkerRestarts},
			Remedy:   "Nothing to do if it stays rare. Otherwise send the log lines around it to your operator.",
		},
	}
}
