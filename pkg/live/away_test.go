package live

import (
	"testing"
	"time"

	"weir/pkg/media"
)

// sound publishes audio alone, from where pictures would go on.
func (st *studio) sound(d time.Duration) {
	st.Helper()
	at := media.Ticks(st.frame) * 48_000 / 25
	for end := at + st.audio.Timescale.Ticks(d); at < end; at += 1024 {
		st.p.push(media.AccessUnit{Track: st.audio, DTS: at, PTS: at, Duration: 1024, Sync: true, Data: []byte{0x21}})
	}
	st.frame = 50 * (st.frame/50 + 1 + int(d/(2*time.Second)))
}

// Rungs that rest are told of gaps like the others when a publisher returns
// with audio alone, and are encoded again when video comes back.
func TestVideoStaysAwayWhileRungsRest(t *testing.T) {
	st := rested(t)
	st.p.finish()
	before := len(st.window("source").Segments)

	st.p = newPipeline(st.s, &intake{audio: st.audio})
	st.sound(9 * time.Second)
	st.p.reconcile(st.now)
	if len(st.p.crews) != 0 {
		t.Fatal("a worker has been started for audio")
	}
	st.p.finish()
	if got := st.kinds("audio"); got != "gggggggmmmmm" { // pictures came without audio
		t.Errorf("audio lists %q", got)
	}

	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
	st.send(151, 50)
	st.until("all rungs go on", func() bool {
		return st.lane("480p").next >= st.s.history.newest().MSN && st.lane("360p").next >= st.s.history.newest().MSN
	})
	for _, id := range []string{"source", "480p", "360p"} {
		kinds := st.kinds(id)
		if after := kinds[before:]; after != "gggggmmm" {
			t.Errorf("%s lists %q after the publisher returned, %q in all", id, after, kinds)
		}
		segments := st.window(id).Segments
		for i := 1; i < len(segments); i++ {
			if segments[i].MSN != segments[i-1].MSN+1 || segments[i].Duration <= 0 {
				t.Errorf("%s: segment %d of %d ticks follows %d", id, segments[i].MSN, segments[i].Duration, segments[i-1].MSN)
			}
		}
	}
}
