package live

import (
	"slices"
	"strings"
	"testing"

	"weir/pkg/media"
)

// choir is a studio whose publisher sends further tracks.
type choir struct {
	*studio
	others []*media.Track
	// off is by how many pictures the keyframes of the others are late.
	off int
	// mute leaves out the others' pictures.
	mute bool
}

func newChoir(t *testing.T, codec media.Codec, sizes ...int) *choir {
	t.Helper()
	c := &choir{studio: furnishStudio(t, Demand{}, codec, playWorker)}
	for i, lines := range sizes {
		c.others = append(c.others, &media.Track{
			Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, Config: decoderConfig(media.H264),
			Width: lines * 16 / 9, Height: lines, FrameRate: media.Rational{Num: 25, Den: 1}, Number: i + 1,
		})
	}
	c.p = newPipeline(c.s, &intake{video: c.video, audio: c.audio, others: c.others})
	return c
}

func (c *choir) sing(pictures, gop int) {
	c.Helper()
	for range pictures {
		at, frame := media.Ticks(c.frame)*3600, c.frame
		c.picture(gop)
		for _, t := range c.others {
			if !c.mute {
				c.p.push(media.AccessUnit{
					Track: t, DTS: at, PTS: at, Duration: 3600, Sync: (frame-c.off)%gop == 0, Data: []byte{0, 0, 0, 1, 0x65, byte(t.Number)},
				})
			}
		}
		c.take()
		if c.frame%50 == 0 {
			c.until("the workers keep up", c.keptUp)
		}
	}
}

func (c *choir) ids() (ids []string) {
	for _, l := range c.s.lanes {
		ids = append(ids, l.rendition.ID)
	}
	return ids
}

// sameCuts fails where a rendition's segments are not the source's.
func (c *choir) sameCuts(id string) {
	c.Helper()
	source, rung := c.window("source").Segments, c.window(id).Segments
	if len(rung) < len(source)-2 {
		c.Fatalf("%s lists %d segments, the source %d", id, len(rung), len(source))
	}
	for i := range min(len(rung), len(source)) {
		if a, b := rung[i], source[i]; a.MSN != b.MSN || a.Start != b.Start || a.Period != b.Period {
			c.Errorf("%s lists segment %d at %d, the source %d at %d", id, a.MSN, a.Start, b.MSN, b.Start)
		}
	}
}

// TestTracksAreRungs: what the publisher sends is served as it is, and only what
// is missing of the ladder is encoded.
func TestTracksAreRungs(t *testing.T) {
	t.Parallel()
	for codec, want := range map[media.Codec]string{
		media.H264: "source 600p 480p 368p 160p audio", media.HEVC: "source 600p 480p 368p 160p original audio",
	} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			c := newChoir(t, codec, 600, 368, 160, 1080)
			c.sing(251, 50)
			if got := strings.Join(c.ids(), " "); got != want {
				t.Fatalf("renditions %s", got)
			}
			var encoded []string
			for _, l := range c.p.rungs {
				encoded = append(encoded, l.rendition.ID)
			}
			wantEncoded := []string{"480p"}
			if codec == media.HEVC {
				wantEncoded = []string{"source", "480p"}
			}
			if !slices.Equal(encoded, wantEncoded) {
				t.Errorf("encoded are %v", encoded)
			}
			c.until("480p goes on", func() bool { return c.lane("480p").next >= c.s.history.newest().MSN })
			for _, id := range []string{"600p", "368p", "160p", "480p"} {
				c.sameCuts(id)
				if got := c.kinds(id); strings.Trim(got, "m") != "" || len(got) < 4 {
					t.Errorf("%s lists %q", id, got)
				}
			}
			if r := c.lane("368p").rendition; !r.Passthrough || r.Width != 654 || r.Height != 368 || c.lane("480p").rendition.Passthrough {
				t.Errorf("368p is %+v", r)
			}
			if !c.p.unused {
				t.Error("the track that is larger than the source is not noticed")
			}
		})
	}
}

// TestStrayTracks: a track whose keyframes stand elsewhere, or that ends, is
// encoded from the next period on.
func TestStrayTracks(t *testing.T) {
	t.Parallel()
	for name, strays := range map[string]func(*choir){
		"other keyframes": func(c *choir) { c.off = 3 },
		"nothing more":    func(c *choir) { c.mute = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChoir(t, media.H264, 360)
			c.sing(101, 50)
			c.sameCuts("360p")
			strays(c)
			c.sing(600, 50)
			if len(c.p.branches) > 0 || c.lane("360p").rendition.Passthrough {
				t.Fatalf("360p is still served as it comes: %+v", c.lane("360p").rendition)
			}
			c.until("360p goes on", func() bool { return c.lane("360p").next >= c.s.history.newest().MSN })
			c.sameCuts("360p")
			got := c.kinds("360p")
			if !strings.HasPrefix(got, "mm") || !strings.HasSuffix(got, "mmmm") || strings.Count(got, "g") > 5 {
				t.Errorf("360p lists %q", got)
			}
			if got := c.kinds("source"); strings.Trim(got, "m") != "" {
				t.Errorf("the source lists %q", got)
			}
			periods := map[*media.Period]*media.Init{}
			for _, seg := range c.window("360p").Segments {
				if before := periods[seg.Period]; before != nil && !seg.Gap && before != seg.Init {
					t.Errorf("segment %d has another init than the one before it in its period", seg.MSN)
				}
				if !seg.Gap {
					periods[seg.Period] = seg.Init
				}
			}
		})
	}
}

// TestOneMissedKeyframe costs a track one segment.
func TestOneMissedKeyframe(t *testing.T) {
	t.Parallel()
	c := newChoir(t, media.H264, 360)
	c.sing(100, 50)
	c.mute = true
	c.sing(1, 50)
	c.mute = false
	c.sing(200, 50)
	if got := c.kinds("360p"); !strings.HasPrefix(got, "mmgm") || len(c.p.branches) != 1 {
		t.Errorf("360p lists %q, and there are %d branches", got, len(c.p.branches))
	}
	c.sameCuts("360p")
}

// TestTracksOfAPublisherThatLeavesPassthrough are encoded like the rest.
func TestTracksOfAPublisherThatLeavesPassthrough(t *testing.T) {
	t.Parallel()
	c := newChoir(t, media.H264, 360)
	c.sing(101, 50)
	c.sing(250, 1_000_000)
	if len(c.p.branches) > 0 || len(c.p.rungs) != 3 {
		t.Fatalf("%d branches, %d encoded", len(c.p.branches), len(c.p.rungs))
	}
	c.until("all go on", func() bool { return c.lane("360p").next >= c.s.history.newest().MSN })
	c.sameCuts("360p")
	if got := c.kinds("360p"); strings.Count(got, "g") > 1 {
		t.Errorf("360p lists %q", got)
	}
}

// TestTracksComeAndGo with the publishers of one stream: its renditions stay.
func TestTracksComeAndGo(t *testing.T) {
	t.Parallel()
	c := newChoir(t, media.H264, 540)
	c.sing(101, 50)
	before := strings.Join(c.ids(), " ")
	for _, others := range [][]*media.Track{nil, c.others} {
		c.p.finish()
		c.frame = 50 * (c.frame/50 + 1)
		c.others = others
		c.p = newPipeline(c.s, &intake{video: c.video, audio: c.audio, others: others})
		c.sing(151, 50)
		c.until("all go on", func() bool { return c.lane("540p").next >= c.s.history.newest().MSN })
		if got := strings.Join(c.ids(), " "); got != before || c.lane("540p").rendition.Passthrough != (others != nil) {
			t.Errorf("with %d further tracks: renditions %s, before %s; 540p is %+v", len(others), got, before, c.lane("540p").rendition)
		}
		c.sameCuts("540p")
	}
}
