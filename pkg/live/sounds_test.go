package live_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
	"weir/pkg/media"
)

// polyglot is a publisher with further audio tracks.
type polyglot struct {
	*publisher
	tracks []*media.Track
	// sent counts the frames of each, and mute leaves them out.
	sent []int64
	mute []bool
}

// say names audio tracks of a session and makes those behind the first.
func (p *publisher) say(all ...ingest.AudioTrack) *polyglot {
	p.session.Metadata(ingest.Metadata{AudioTracks: all})
	many := &polyglot{publisher: p, sent: make([]int64, len(all)-1), mute: make([]bool, len(all)-1)}
	for _, one := range all[1:] {
		track := *p.audio
		track.Number = one.Number
		many.tracks = append(many.tracks, &track)
	}
	return many
}

// spoken is the payload of every frame of a track.
func spoken(number int) []byte { return fmt.Appendf(nil, "this is track %d", number) }

func (p *polyglot) send(t *testing.T, d time.Duration) {
	t.Helper()
	for range int(d / (40 * time.Millisecond)) {
		at := media.Ticks(p.frame * 40)
		for i, track := range p.tracks {
			for ; media.Ticks(p.sent[i]*1024/48) <= at; p.sent[i]++ {
				if p.mute[i] {
					continue
				}
				data := binary.BigEndian.AppendUint32(spoken(track.Number), uint32(p.sent[i]))
				if err := p.write(track, media.Ticks(p.sent[i]*1024/48), true, data); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.publisher.send(40 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// heard is one letter for each segment of an audio rendition: the number of the track
// that is in most of it, - for silence, g for a gap.
func heard(w *media.Window) string {
	var text strings.Builder
	for _, seg := range w.Segments {
		letter := "-"
		if seg.Gap {
			letter = "g"
		}
		for number := range 10 {
			count := 0
			for _, part := range seg.Parts {
				count += bytes.Count(part.Bytes, spoken(number))
			}
			if count > 60 { // of 94
				letter = strconv.Itoa(number)
			}
		}
		text.WriteString(letter)
	}
	return text.String()
}

// offers are the audio renditions of a view.
func offers(view *media.Presentation) string {
	var all []string
	for _, r := range view.Audio() {
		all = append(all, fmt.Sprintf("%s:%s:%s:%s", r.ID, r.Name, r.Language, r.Role))
	}
	return strings.Join(all, " ")
}

func window(t *testing.T, view *media.Presentation, id string) *media.Window {
	t.Helper()
	w, ok := view.Window(id)
	if !ok {
		t.Fatalf("there is no rendition %s", id)
	}
	return w
}

var languages = []ingest.AudioTrack{
	{Language: "de"}, {Number: 1, Language: "en"}, {Number: 4, Language: "de", Role: media.RoleDescription}, {Number: 5, Label: "Stadium"}, {Number: 6},
}

const languageOffers = "audio:Deutsch:de:main audio_2:English:en:alternate audio_3:Deutsch (audio description):de:description audio_4:Stadium::alternate audio_5:Audio::alternate"

// TestAudioTracksAreRenditions: each is one of its own, cut where all are.
func TestAudioTracksAreRenditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t).say(languages...)
		p.send(t, 9*time.Second)
		view := g.expectConsistent(t)
		if got := offers(view); got != languageOffers {
			t.Errorf("renditions %s", got)
		}
		for id, want := range map[string]string{"audio_2": "1111", "audio_3": "4444", "audio_4": "5555", "audio_5": "6666"} {
			w := window(t, view, id)
			if got := heard(w); got != want {
				t.Errorf("%s has %q, want %q", id, got, want)
			}
			for i, seg := range w.Segments {
				if of := window(t, view, "audio").Segments[i]; seg.MSN != of.MSN || seg.Start != of.Start || seg.Duration != of.Duration {
					t.Errorf("%s: segment %d at %d+%d, the default one's at %d+%d", id, seg.MSN, seg.Start, seg.Duration, of.Start, of.Duration)
				}
			}
		}
		if g.found("tracks_ignored") {
			t.Error("the creator is told that tracks are ignored")
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

// TestAudioTrackThatStopsAndReturns is silent meanwhile, at no cost for the others.
func TestAudioTrackThatStopsAndReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t).say(languages[:3]...)
		p.mute[1] = true // it begins late
		p.send(t, 6*time.Second)
		p.mute[0], p.mute[1] = true, false
		p.send(t, 8*time.Second)
		p.mute[0] = false
		p.send(t, 7*time.Second)
		view := g.expectConsistent(t)
		for _, w := range view.Windows {
			if got := letters(w); strings.Trim(got, "s") != "" || len(got) < 9 {
				t.Errorf("%s lists %q", w.Rendition.ID, got)
			}
		}
		if got := heard(window(t, view, "audio_2")); got != "111----111" {
			t.Errorf("audio_2 has %q", got)
		}
		if got := heard(window(t, view, "audio_3")); got != "---4444444" {
			t.Errorf("audio_3 has %q", got)
		}
	})
}

// TestPublisherReturnsWithOtherTracks: each finds its language again, and what it does
// not send is silent.
func TestPublisherReturnsWithOtherTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t).say(languages...)
		p.send(t, 5*time.Second)
		p.session.Close(ingest.End{Err: errReset})
		again := g.publish(t).say(ingest.AudioTrack{}, ingest.AudioTrack{Number: 7, Language: "de", Role: media.RoleDescription},
			ingest.AudioTrack{Number: 8}, ingest.AudioTrack{Number: 9, Language: "fr", Role: media.RoleIntelligibility})
		again.send(t, 7*time.Second)
		view := g.expectConsistent(t)
		if got := offers(view); got != languageOffers {
			t.Errorf("renditions %s", got)
		}
		for id, want := range map[string]string{"audio_2": "---", "audio_3": "777", "audio_4": "888", "audio_5": "---"} {
			w := window(t, view, id)
			if got := heard(w); !strings.HasSuffix(got, want) {
				t.Errorf("%s has %q, want %q at the end", id, got, want)
			}
			if got, of := letters(w), letters(window(t, view, "source")); got != of {
				t.Errorf("%s lists %q, the source %q", id, got, of)
			}
		}
		if !g.found("tracks_ignored") {
			t.Error("nobody says that French is not served")
		}
	})
}

// TestAudioTracksInAnAbsence: gaps are told of in all renditions.
func TestAudioTracksInAnAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t).say(languages[:2]...)
		p.send(t, 5*time.Second)
		p.session.Close(ingest.End{Err: errReset})
		advance(9 * time.Second)
		view := g.expectConsistent(t)
		for _, w := range view.Windows {
			if got, want := letters(w), letters(view.Windows[0]); got != want || !strings.Contains(got, "gg") {
				t.Errorf("%s lists %q, the first rendition %q", w.Rendition.ID, got, want)
			}
		}
	})
}

// TestTooManyAudioTracks: as many as are allowed are served, and the creator is told of
// the others.
func TestTooManyAudioTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		cfg := g.cfg
		cfg.AudioTracks = 2
		g.Configure(cfg)
		p := g.publish(t).say(languages...)
		p.send(t, 9*time.Second)
		view := g.expectConsistent(t)
		if got := offers(view); got != "audio:Deutsch:de:main audio_2:English:en:alternate" {
			t.Errorf("renditions %s", got)
		}
		if got := heard(window(t, view, "audio_2")); got != "1111" {
			t.Errorf("audio_2 has %q", got)
		}
		if !g.found("tracks_ignored") {
			t.Error("nobody says that tracks are ignored")
		}
	})
}

// TestStreamBeginsAnewWithOtherAudio: once it has ended, the set of renditions may be
// another one.
func TestStreamBeginsAnewWithOtherAudio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t).say(languages[:2]...)
		p.send(t, 5*time.Second)
		p.session.Close(ingest.End{OnPurpose: true})
		advance(time.Second)
		p = g.publish(t).say(ingest.AudioTrack{Language: "fr"}, ingest.AudioTrack{Number: 1, Language: "de"}, ingest.AudioTrack{Number: 2, Language: "fr"})
		p.send(t, 5*time.Second)
		if got := offers(g.expectConsistent(t)); got != "audio:Français:fr:main audio_2:Deutsch:de:alternate audio_3:Français 2:fr:alternate" {
			t.Errorf("renditions %s", got)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

// TestAudioTracksWithoutVideo: they are cut together.
func TestAudioTracksWithoutVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.radio(t).say(languages[:2]...)
		p.send(t, 14*time.Second)
		view := g.expectConsistent(t)
		if got := heard(window(t, view, "audio_2")); len(got) < 4 || strings.Trim(got, "1") != "" {
			t.Errorf("audio_2 has %q", got)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

// TestBackupWithFewerAudioTracks: while it is on air, what it lacks is silent.
func TestBackupWithFewerAudioTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		g.slate(live.SlateGap)
		primary := g.primary(t).say(languages[:3]...)
		backup := g.backup(t).say(ingest.AudioTrack{Language: "de"}, ingest.AudioTrack{Number: 1, Language: "de", Role: media.RoleDescription})
		primary.atOnce, backup.atOnce = true, true
		for range 6 * 25 {
			primary.send(t, 40*time.Millisecond)
			backup.send(t, 40*time.Millisecond)
			advance(40 * time.Millisecond)
		}
		for range 9 * 25 {
			backup.send(t, 40*time.Millisecond)
			advance(40 * time.Millisecond)
		}
		if g.onAir() != "backup" {
			t.Fatalf("on air is %s", g.onAir())
		}
		view := g.expectConsistent(t)
		for id, want := range map[string]string{"audio_2": "---", "audio_3": "111"} {
			w := window(t, view, id)
			if got := heard(w); !strings.HasSuffix(got, want) {
				t.Errorf("%s has %q, want %q at the end", id, got, want)
			}
			if got, of := letters(w), letters(window(t, view, "source")); got != of {
				t.Errorf("%s lists %q, the source %q", id, got, of)
			}
		}
	})
}
