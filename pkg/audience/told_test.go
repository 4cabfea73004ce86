package audience

import (
	"testing"
	"time"
)

// said is what one player tells, at a time in seconds.
type said struct {
	at    float64
	kind  Kind
	words string
}

// play lets a player of the session one speak.
func play(a *Audience, all ...said) {
	for _, s := range all {
		words := `sid="one"`
		if s.words != "" {
			words += "," + s.words
		}
		a.Observe(at(s.at), asks("192.0.2.1").of("720p", s.kind, false).saying("%s", words))
	}
}

func TestStartup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says []said
		want time.Duration
	}{
		"told": {
			says: []said{{0, Index, ""}, {0.2, Playlist, "su"}, {0.4, Media, "su"}, {0.9, Media, "msd=620"}, {1.2, Media, "msd=999"}},
			want: 620 * time.Millisecond,
		},
		"told without the beginning": {
			says: []said{{3, Media, "msd=620"}}, want: 620 * time.Millisecond,
		},
		"from haste": {
			says: []said{{0, Index, "su"}, {0.2, Playlist, "su"}, {0.4, Media, "su"}, {0.6, Playlist, ""}, {0.9, Media, "bl=1200"}, {5, Media, ""}},
			want: 900 * time.Millisecond,
		},
		"one hasty request, as dash.js has": {
			says: []said{{0, Index, ""}, {0.3, Media, "su,bl=0"}, {0.4, Media, "bl=0"}, {0.8, Media, "bl=500"}},
			want: 800 * time.Millisecond,
		},
		"from the state": {
			says: []said{{0, Index, "sta=s"}, {0.3, Media, "sta=s"}, {0.7, Playlist, "sta=p"}},
			want: 700 * time.Millisecond,
		},
		"in the middle":       {says: []said{{0, Media, "bl=2000"}, {2, Media, "bl=2000"}}, want: -1},
		"after a long time":   {says: []said{{0, Index, ""}, {9, Playlist, "su"}, {18, Playlist, "su"}, {27, Playlist, "su"}, {36, Playlist, "su"}, {45, Playlist, "su"}, {54, Playlist, "su"}, {63, Media, ""}, {64, Media, ""}}, want: -1},
		"never":               {says: []said{{0, Index, ""}, {1, Playlist, "su"}}, want: -1},
		"asked again for all": {says: []said{{0, Index, "su"}, {1, Media, ""}, {5, Index, "su"}, {8, Media, ""}}, want: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := New()
			play(a, c.says...)
			now := c.says[len(c.says)-1].at
			if got := a.Figures(at(now), stream).Startup; got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
			h := a.Totals(stream).Startup
			if (h.Count == 1) != (c.want >= 0) || h.Count > 1 || h.Count == 1 && h.Sum != c.want.Seconds() {
				t.Errorf("the histogram has %+v, want one of %v", h, c.want)
			}
		})
	}
}

func TestStalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says  []said
		want  uint64
		stood time.Duration
	}{
		"none":                            {says: []said{{0, Media, ""}, {2, Media, ""}}},
		"one":                             {says: []said{{0, Media, ""}, {2, Media, "bs,su"}, {4, Media, ""}}, want: 1},
		"one, of both buffers":            {says: []said{{2, Media, "bs,ot=v"}, {2.2, Media, "bs,ot=a"}, {4.5, Media, ""}}, want: 1},
		"two":                             {says: []said{{2, Media, "bs"}, {5, Media, ""}, {7, Media, "bs"}}, want: 2},
		"one, long and told by its state": {says: []said{{2, Media, "sta=p"}, {3, Playlist, "sta=r"}, {6, Playlist, "sta=r"}, {9, Media, "sta=r,bs"}, {9.5, Media, "sta=p"}}, want: 1},
		"two, told by their state":        {says: []said{{2, Media, "sta=r"}, {3, Media, "sta=p"}, {8, Media, "sta=r"}}, want: 2},
		"how long": {
			says: []said{{2, Media, "bs,ot=v"}, {4, Media, "bsd=(800;v),ot=v"}, {4, Media, "bsd=(810;a),ot=a"}, {6, Media, "bsd=(200),ot=av"}},
			want: 1, stood: time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := New()
			play(a, c.says...)
			total := a.Totals(stream)
			if total.Stalls != c.want || total.StallTime != c.stood || total.Sessions != 1 {
				t.Errorf("%d stalls of %v, want %d of %v", total.Stalls, total.StallTime, c.want, c.stood)
			}
			stalled := 0
			if c.want > 0 {
				stalled = 1
			}
			now := c.says[len(c.says)-1].at
			if got := a.Figures(at(now), stream).Stalled; got != stalled {
				t.Errorf("%d viewers have stalled, want %d", got, stalled)
			}
		})
	}
}

func TestFiguresAndSamples(t *testing.T) {
	t.Parallel()
	a := New()
	for s := 0.0; s < 11; s += 0.5 {
		play(a, said{s, Media, "bl=1100,br=2600,ltc=1840,mtp=48000,dfa=7"}, said{s, Playlist, "mtp=48000"})
	}
	// What is not of the picture does not count for it.
	a.Observe(at(11), asks("192.0.2.1").of("audio", Media, true).saying(`sid="one",br=128,bl=900,dfa=9`))
	f := a.Figures(at(11), stream)
	if f.Latency != 1840*time.Millisecond || f.Buffer != 1100*time.Millisecond || f.Bitrate != 2_600_000 || f.Throughput != 48_000_000 {
		t.Errorf("%+v", f)
	}
	total := a.Totals(stream)
	for name, h := range map[string]Histogram{"latency": total.Latency, "buffer": total.Buffer, "bitrate": total.Bitrate, "throughput": total.Throughput} {
		if h.Count != 2 {
			t.Errorf("%s has %d samples of 11 s, want one for each 5 s", name, h.Count)
		}
	}
	if b := total.Latency.Buckets; b[1.5] != 0 || b[2] != 2 || b[30] != 2 {
		t.Errorf("1.84 s lie in %v", b)
	}
	if total.Dropped != 2 {
		t.Errorf("%d frames were dropped", total.Dropped)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var c counts
	for _, v := range []float64{0, 0.25, 0.26, 20, 21, 1e9} {
		c.add(startupBounds(), v)
	}
	h := c.read(startupBounds())
	if len(h.Buckets) != 11 || h.Count != 6 || h.Buckets[0.25] != 2 || h.Buckets[0.5] != 3 || h.Buckets[20] != 4 {
		t.Errorf("%+v", h)
	}
}
