package live_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
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
