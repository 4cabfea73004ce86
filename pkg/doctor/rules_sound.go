package doctor

import "time"

// soundRules are about what is to be heard.
func soundRules() []Rule {
	return []Rule{
		{
			Code: "audio_silent", Severity: Warning, Hop: Encoder, Title: "Silence",
			When: []Limit{under(AudioLevel, -60, -55), isNot(AudioMissing)}, After: long, Gone: 2 * time.Second,
			Message:  "Audio arrives, but it is silent.",
			Evidence: []Measure{AudioLevel},
			Remedy:   "In OBS, look at the Audio Mixer: the source is muted, or its meter does not move. In Settings → Audio choose the right device.",
		},
		{
			Code: "audio_clipping", Severity: Warning, Hop: Encoder, Title: "Audio clips",
			When: []Limit{over(Clipped, 1, 0.3)}, After: short, Gone: settled,
			Message:  "Audio is too loud: {clipped} of its samples are at the limit, which viewers hear as distortion.",
			Evidence: []Measure{Clipped, AudioLevel},
			Remedy:   "In OBS, pull the source's slider in the Audio Mixer down until its meter stays out of the red, or add the Limiter filter at -3 dB.",
		},
		{
			Code: "audio_bitrate_low", Severity: Info, Hop: Encoder, Title: "Audio bitrate below the advice",
			When: []Limit{under(AudioBitratePerChannel, 40_000, 44_000), over(AudioBitrate, 12_000, 12_000), isNot(AudioMissing)}, After: long, Gone: settled,
			Message:  "Audio has {audio_bitrate} for {channels} channel(s); music and voices sound dull.",
			Evidence: []Measure{AudioBitrate, Channels},
			Remedy:   "In OBS, Settings → Output → Audio: set Audio Bitrate to 160.",
		},
		{
			Code: "audio_bitrate_high", Severity: Info, Hop: Encoder, Title: "Audio bitrate above the advice",
			When: []Limit{over(AudioBitrate, 340_000, 330_000), under(Channels, 2.5, 2.5)}, After: long, Gone: settled,
			Message:  "Audio has {audio_bitrate}. Nobody hears what is above 320 kb/s, and viewers' networks have to carry it in every quality.",
			Evidence: []Measure{AudioBitrate},
			Remedy:   "In OBS, Settings → Output → Audio: set Audio Bitrate to 160.",
		},
		{
			Code: "audio_sample_rate", Severity: Info, Hop: Encoder, Title: "Unusual sample rate",
			When:     []Limit{over(SampleRate, 48_000, 48_000), isNot(AudioMissing)},
			Message:  "Audio has {sample_rate}; players and TVs expect 48 kHz and convert it.",
			Evidence: []Measure{SampleRate},
			Remedy:   "In OBS, Settings → Audio: set Sample Rate to 48 kHz.",
		},
		{
			Code: "audio_sample_rate", Severity: Info, Hop: Encoder, Title: "Unusual sample rate",
			When:     []Limit{under(SampleRate, 48_000, 48_000), isNot(AudioMissing)},
			Message:  "Audio has {sample_rate}; players and TVs expect 48 kHz and convert it.",
			Evidence: []Measure{SampleRate},
			Remedy:   "In OBS, Settings → Audio: set Sample Rate to 48 kHz.",
		},
		{
			Code: "audio_mono", Severity: Info, Hop: Encoder, Title: "Mono audio",
			When:    []Limit{under(Channels, 1.5, 1.5), isNot(AudioMissing)},
			Message: "Audio is mono.",
			Remedy:  "Nothing to do for a voice alone. Otherwise, in OBS, Settings → Audio: set Channels to Stereo.",
		},
		{
			Code: "audio_surround", Severity: Info, Hop: Encoder, Title: "Surround audio",
			When:     []Limit{over(Channels, 2.5, 2.5)},
			Message:  "Audio has {channels} channels; Weir mixes them down to stereo, as many players cannot.",
			Evidence: []Measure{Channels},
			Remedy:   "In OBS, Settings → Audio: set Channels to Stereo, and make the mix yourself.",
		},
	}
}
