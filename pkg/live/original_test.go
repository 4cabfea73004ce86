package live

import (
	"strings"
	"testing"

	"weir/pkg/doctor"
	"weir/pkg/media"
)

// followed waits until the encoded top rendition has what the source has, and
// holds the original's segments to its own.
func (st *studio) followed() {
	st.Helper()
	top := st.lane("source")
	st.until("the top rendition goes on", func() bool { return top.next >= st.s.history.newest().MSN })
	original, source := st.window("original").Segments, st.window("source").Segments
	if len(original) < len(source)-1 {
		st.Fatalf("the original lists %d segments, the source %d", len(original), len(source))
	}
	for i := range min(len(original), len(source)) {
		a, b := original[i], source[i]
		if a.MSN != b.MSN || a.Start != b.Start || a.Period != b.Period {
			st.Errorf("the original lists segment %d at %d, the source %d at %d", a.MSN, a.Start, b.MSN, b.Start)
		}
	}
}

// What not every player decodes is offered to those that do, beside an H.264
// ladder with the same segments.
func TestOriginalStandsBesideTheLadder(t *testing.T) {
	t.Parallel()
	for codec, named := range map[media.Codec]string{media.HEVC: "hvc1.1.6.L93.90", media.AV1: "av01.0.05M.08"} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			st := openStudio(t, Demand{}, codec, playWorker)
			st.send(251, 50)
			st.followed()
			var ids []string
			for _, l := range st.s.lanes {
				ids = append(ids, l.rendition.ID)
			}
			if got := strings.Join(ids, " "); got != "source 480p 360p original audio" {
				t.Errorf("renditions %s", got)
			}
			r := st.lane("original").rendition
			if r.Codecs != named || !r.Passthrough || r.Name != "720p ("+strings.ToUpper(string(codec))+")" {
				t.Errorf("the original is %+v", r)
			}
			if got := st.lane("source").rendition; got.Passthrough || !strings.HasPrefix(got.Codecs, "avc1") {
				t.Errorf("the top rendition is %+v", got)
			}
			if f := st.found("source_not_playable"); f.Severity != doctor.Info || !strings.Contains(f.Message, "offers it unchanged") {
				t.Errorf("the finding is %+v", f)
			}
		})
	}
}

// Without keyframes for 2 s segments the ladder goes on alone, until the next
// publish.
func TestOriginalIsWithdrawn(t *testing.T) {
	t.Parallel()
	st := openStudio(t, Demand{}, media.HEVC, playWorker)
	st.send(101, 50)
	st.followed()
	st.send(250, 1_000_000)
	if st.p.plan.servesSource() {
		t.Fatal("the original is still offered")
	}
	st.followed()
	if got := st.kinds("original"); !strings.HasPrefix(got, "mm") || strings.Trim(got[2:], "g") != "" || len(got) < 5 {
		t.Errorf("the original lists %q, want two segments and then gaps", got)
	}
	if got := st.kinds("source"); strings.Trim(got, "m") != "" {
		t.Errorf("the top rendition lists %q", got)
	}
	if f := st.found("keyframe_interval"); !strings.Contains(f.Message, "does not offer your own picture") {
		t.Errorf("the finding is %+v", f)
	}
	st.p.finish()
	st.frame = 50 * (st.frame/50 + 1)
	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
	st.send(101, 50)
	st.followed()
	if got := st.kinds("original"); !strings.HasSuffix(got, "m") {
		t.Errorf("after another publish the original lists %q", got)
	}
}

// The set of renditions stays: who comes back with H.264 leaves gaps where the
// original was, and who began with H.264 has no original.
func TestOriginalOfAnotherPublisher(t *testing.T) {
	t.Parallel()
	st := openStudio(t, Demand{}, media.AV1, playWorker)
	st.send(101, 50)
	st.followed()
	st.p.finish()
	other := *st.video
	other.Codec, other.Config = media.H264, decoderConfig(media.H264)
	before := len(st.s.lanes)
	st.frame = 50 * (st.frame/50 + 1)
	st.video = &other
	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
	st.send(151, 50)
	st.followed()
	if !st.p.plan.passthrough || len(st.s.lanes) != before || !strings.HasSuffix(st.kinds("original"), "g") {
		t.Errorf("passthrough %v, %d renditions, the original lists %q", st.p.plan.passthrough, len(st.s.lanes), st.kinds("original"))
	}

	st = newStudio(t, Demand{})
	st.send(101, 50)
	st.p.finish()
	other.Codec, other.Config = media.AV1, decoderConfig(media.AV1)
	st.frame = 50 * (st.frame/50 + 1)
	st.video = &other
	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
	if st.p.plan.original || st.s.original() != nil {
		t.Error("a stream that began without an original was given one")
	}
}
