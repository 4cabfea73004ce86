package live_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/package/hls"
)

// TestPartsAreOutWithTheirLastPicture: from the publisher's write to the list, no
// stage waits for the next picture. No time passes in the bubble meanwhile.
func TestPartsAreOutWithTheirLastPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(6 * time.Second); err != nil {
			t.Fatal(err)
		}
		const picture, fit = 40 * time.Millisecond, 8
		for range 100 {
			if err := p.write(p.video, media.Ticks(p.frame*40), p.frame%50 == 0, []byte{0, 0, 0, 1, 0x65}); err != nil {
				t.Fatal(err)
			}
			at := int(p.frame % 50)
			w, ok := g.presentation(t).Window("source")
			if want := (at + 1) / fit; !ok || len(w.Open) != want {
				t.Fatalf("%d parts are listed with picture %d of the segment, want %d", len(w.Open), at, want)
			}
			p.frame++
			advance(picture)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

// TestPartsFollowThePublisher: who comes back with frames at irregular times gets
// plain playlists, and parts again with the next publish that is regular.
func TestPartsFollowThePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		for _, irregular := range []bool{false, true, false} {
			p := g.publish(t)
			for range 150 {
				at := media.Ticks(p.frame * 40)
				if irregular {
					at += media.Ticks(p.frame * 7919 % 31)
				}
				for p.soundAt() <= media.Ticks(p.frame*40) {
					if err := p.write(p.audio, p.soundAt(), true, []byte{0x21}); err != nil {
						t.Fatal(err)
					}
					p.sound++
				}
				if err := p.write(p.video, at, p.frame%50 == 0, []byte{0, 0, 0, 1, 0x65}); err != nil {
					t.Fatal(err)
				}
				p.frame++
				advance(40 * time.Millisecond)
			}
			if got := hls.LowLatency(g.presentation(t)); got == irregular {
				t.Errorf("irregular frames: %v, parts: %v", irregular, got)
			}
			p.session.Close(ingest.End{OnPurpose: true})
			advance(time.Second)
		}
	})
}
