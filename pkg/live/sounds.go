package live

import (
	"cmp"
	"fmt"
	"slices"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/transcode"
)

// defaultAudioTracks is how many audio tracks are renditions.
const defaultAudioTracks = 8

// sound is one of a publisher's audio tracks.
type sound struct {
	ingest.AudioTrack

	// track is nil while nothing has come of it.
	track *media.Track
}

// role is what the i-th of a publisher's tracks is for. The default one is what
// everybody hears who has not chosen, whatever it is.
func (s sound) role(i int) media.Role {
	if i == 0 {
		return media.RoleMain
	}
	return cmp.Or(s.Role, media.RoleAlternate)
}

// withinLimit is what is served of a publisher's audio tracks, the default one and
// those that it has named first.
func withinLimit(all []ingest.AudioTrack, most int) (kept []ingest.AudioTrack) {
	further := 0
	for _, one := range all {
		if one.Number != 0 {
			further++
		}
		if one.Number == 0 || further < cmp.Or(most, defaultAudioTracks) {
			kept = append(kept, one)
		}
	}
	return kept
}

// soundsOf lists the audio tracks of a session by their number; the default one is
// always there.
func (s *stream) soundsOf(in *intake) []sound {
	all := []sound{{track: in.audio}}
	if in.slate {
		return all
	}
	for _, one := range s.metadata.AudioTracks {
		if one.Number == 0 {
			all[0].AudioTrack = one
		} else {
			all = append(all, sound{one, in.sound(one.Number)})
		}
	}
	slices.SortStableFunc(all, func(a, b sound) int { return a.Number - b.Number })
	return all
}

// audioRenditions are those of the fixed set, the default one first.
func (p plan) audioRenditions(encodedBitrate int) []*media.Rendition {
	names := nameSounds(p.sounds)
	all := make([]*media.Rendition, len(p.sounds))
	for i, one := range p.sounds {
		track := cmp.Or(one.track, p.audio)
		average, rate, channels := track.Bitrate, track.SampleRate, track.Channels
		if !ingest.PlainAAC(track) {
			average, rate, channels = 0, transcode.SoundRate(rate), 2
		}
		average = cmp.Or(average, encodedBitrate)
		all[i] = &media.Rendition{
			ID: audioID, Kind: media.Audio, Name: names[i], Language: one.Language, Role: one.role(i),
			SampleRate: rate, Channels: channels,
			Bandwidth: int(float64(average) * declaredMargin), AverageBandwidth: average,
			Timescale: media.Timescale(rate), Passthrough: true,
		}
		if i > 0 {
			// What all of it is in, whether or not any comes: nobody is to wait for
			// one that cannot be encoded.
			all[i].ID, all[i].Codecs = fmt.Sprintf("%s_%d", audioID, i+1), "mp4a.40.2"
		}
	}
	return all
}

// nameSounds are the names that menus show, no two of them alike.
func nameSounds(sounds []sound) []string {
	names := make([]string, len(sounds))
	for i, one := range sounds {
		name := one.Label
		if name == "" {
			name = cmp.Or(ingest.LanguageName(one.Language), "Audio")
			switch one.Role {
			case media.RoleDescription:
				name += " (audio description)"
			case media.RoleIntelligibility:
				name += " (clear speech)"
			case media.RoleMain, media.RoleAlternate:
			}
		}
		names[i] = name
		for n := 2; slices.Contains(names[:i], names[i]); n++ {
			names[i] = fmt.Sprintf("%s %d", name, n)
		}
	}
	return names
}

// sameSounds reports whether the stream's audio renditions are those of p.
func (s *stream) sameSounds(p plan) bool {
	return slices.EqualFunc(s.audioLanes(), p.audioRenditions(0), func(l *lane, r *media.Rendition) bool {
		return l.rendition.Name == r.Name && l.rendition.Language == r.Language && l.rendition.Role == r.Role
	})
}

// audioLanes are the last ones, of which the default one is the first.
func (s *stream) audioLanes() []*lane { return s.lanes[s.firstAudio():] }

// videoLanes are those before them.
func (s *stream) videoLanes() []*lane { return s.lanes[:s.firstAudio()] }

func (s *stream) firstAudio() int {
	i := slices.IndexFunc(s.lanes, func(l *lane) bool { return l.rendition.Kind == media.Audio })
	if i < 0 {
		return len(s.lanes)
	}
	return i
}

// bindVoices finds a track of the publisher for each audio rendition. The default one
// stays the default one. Of the others a rendition gets the one in its language and
// role, or one of which that is not known; without any it is silent.
func (p *pipeline) bindVoices() {
	left := slices.Clone(p.plan.sounds)
	p.voices = nil
	for _, l := range p.stream.audioLanes() {
		p.voices = append(p.voices, &voice{lane: l, number: -1})
	}
	bind := func(voices []*voice, fits func(*media.Rendition, sound) bool) {
		for _, v := range voices {
			i := slices.IndexFunc(left, func(one sound) bool { return v.number < 0 && fits(v.lane.rendition, one) })
			if i >= 0 {
				v.number, v.track = left[i].Number, left[i].track
				left = slices.Delete(left, i, i+1)
			}
		}
	}
	bind(p.voices[:1], func(_ *media.Rendition, one sound) bool { return one.Number == 0 })
	bind(p.voices[1:], func(r *media.Rendition, one sound) bool { return one.Language == r.Language && one.role(1) == r.Role })
	bind(p.voices[1:], func(r *media.Rendition, one sound) bool {
		return (one.Language == "" || r.Language == "") && one.role(1) == r.Role
	})
	p.unused = p.unused || len(left) > 0
	for _, v := range p.voices {
		switch {
		case v.number < 0:
			v.silence()
		case v.track != nil:
			p.startAudio(v, v.track)
		}
	}
}

// audioTracks is what the audio renditions are made of.
func (p *pipeline) audioTracks() []AudioTrack {
	all := make([]AudioTrack, len(p.voices))
	for i, v := range p.voices {
		all[i] = AudioTrack{Rendition: v.lane.rendition.ID, Served: ServedPassthrough, Number: v.number, Track: v.track}
		switch {
		case v.quiet != nil:
			all[i].Served = ServedSilence
		case v.worker != nil:
			all[i].Served = ServedEncoded
		}
	}
	return all
}
