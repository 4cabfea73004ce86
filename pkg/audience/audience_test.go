package audience

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const stream = "main"

// at is s seconds after the tests began.
func at(s float64) time.Time {
	return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
}

// asks is a request for a part of the rendition 720p from a browser at an address.
func asks(client string) Request {
	return Request{
		Stream: stream, Rendition: "720p", Kind: Media, Client: netip.MustParseAddr(client),
		Header: http.Header{"User-Agent": {"browser"}},
	}
}

func (r Request) by(agent string) Request {
	r.Header = maps.Clone(r.Header)
	r.Header.Set("User-Agent", agent)
	return r
}

// saying adds client data, in the form of a query.
func (r Request) saying(format string, a ...any) Request {
	r.Header = maps.Clone(r.Header)
	r.Header.Set("CMCD-Session", fmt.Sprintf(format, a...))
	return r
}

func (r Request) of(rendition string, kind Kind, audio bool) Request {
	r.Rendition, r.Kind, r.Audio = rendition, kind, audio
	return r
}

func viewers(t *testing.T, a *Audience, s float64, want int) Figures {
	t.Helper()
	f := a.Figures(at(s), stream)
	if f.Viewers != want {
		t.Errorf("after %v s: %d viewers, want %d", s, f.Viewers, want)
	}
	return f
}

func TestViewersWithoutWords(t *testing.T) {
	t.Parallel()
	a := New()
	viewers(t, a, 0, 0)
	a.Observe(at(0), asks("192.0.2.1").of("", Index, false))
	viewers(t, a, 0, 0) // to ask for the index is not to watch
	for s := range 5 {
		a.Observe(at(float64(s)), asks("192.0.2.1"))
		a.Observe(at(float64(s)), asks("192.0.2.1").of("720p", Playlist, false))
	}
	a.Observe(at(4), asks("192.0.2.1").by("television"))
	a.Observe(at(6), asks("192.0.2.2"))
	viewers(t, a, 6, 3)
	viewers(t, a, 14, 3)
	viewers(t, a, 15.5, 1)
	viewers(t, a, 17, 0)
	if f := a.Figures(at(0), "another"); f.Viewers != 0 || f.Latency >= 0 {
		t.Errorf("a stream that nobody watches has %+v", f)
	}
}

func TestViewersBySession(t *testing.T) {
	t.Parallel()
	a := New()
	a.Observe(at(0), asks("192.0.2.1").of("", Index, false).saying(`sid="one"`))
	viewers(t, a, 0, 0)
	a.Observe(at(1), asks("192.0.2.1").saying(`sid="one"`))
	a.Observe(at(1), asks("192.0.2.1").saying(`sid="two"`))
	a.Observe(at(1), asks("192.0.2.1")) // what a player asks without saying who it is
	f := viewers(t, a, 1, 2)
	if f.Reporting != 2 || f.AtLeast {
		t.Errorf("%+v", f)
	}
	a.Observe(at(9), asks("192.0.2.1"))
	viewers(t, a, 10, 2)
	viewers(t, a, 12, 1) // both have gone, and somebody is there
}

func TestRenditions(t *testing.T) {
	t.Parallel()
	a := New()
	one, two := asks("192.0.2.1"), asks("192.0.2.2")
	a.Observe(at(0), one.of("720p", Playlist, false))
	a.Observe(at(0), one.of("480p", Playlist, false)) // looked at, and not played
	a.Observe(at(0), one.of("audio", Media, true))
	a.Observe(at(0), two.of("480p", Media, false))
	f := viewers(t, a, 0, 2)
	if want := map[string]int{"720p": 1, "480p": 1, "audio": 1}; !maps.Equal(f.Renditions, want) {
		t.Errorf("%v, want %v", f.Renditions, want)
	}
	a.Observe(at(2), one.of("480p", Media, false))
	f = viewers(t, a, 2, 2)
	if want := map[string]int{"720p": 0, "480p": 2, "audio": 1}; !maps.Equal(f.Renditions, want) {
		t.Errorf("%v, want %v", f.Renditions, want)
	}
	for i := range 2 * maxRenditions {
		a.Observe(at(3), two.of(fmt.Sprint("made up ", i), Media, false))
	}
	if f = viewers(t, a, 4, 2); len(f.Renditions) != maxRenditions {
		t.Errorf("%d renditions are counted", len(f.Renditions))
	}
}

// TestLongSegments: whoever asks each ten seconds is there all the time.
func TestLongSegments(t *testing.T) {
	t.Parallel()
	a := New()
	r := asks("192.0.2.1")
	r.Target = 10 * time.Second
	a.Observe(at(0), r)
	viewers(t, a, 24, 1)
	viewers(t, a, 26, 0)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	a := New()
	for i := range 2 * MaxPerAddress {
		a.Observe(at(0), asks(fmt.Sprintf("2001:db8::%x", i)).saying(`sid="%d"`, i))
	}
	if f := viewers(t, a, 0, MaxPerAddress); !f.AtLeast {
		t.Error("viewers were not counted, and it does not say so")
	}
	a.Observe(at(0), asks("2001:db8:0:1::1"))
	viewers(t, a, 1, MaxPerAddress+1)
	if f := viewers(t, a, 20, 0); f.AtLeast {
		t.Error("nobody was left out of late")
	}
	for i := range MaxViewers {
		a.Observe(at(30), asks(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()))
	}
	if f := viewers(t, a, 30, MaxViewers); f.AtLeast {
		t.Error("all of them are counted")
	}
	a.Observe(at(31), asks("192.0.2.1"))
	if f := viewers(t, a, 31, MaxViewers); !f.AtLeast {
		t.Error("one viewer was not counted, and it does not say so")
	}
	a.Observe(at(50), asks("192.0.2.1")) // takes the room of one who has gone
	viewers(t, a, 50, 1)
	a.Forget(at(51), func(string) bool { return true })
	if n := a.viewers.Load(); n != 1 {
		t.Errorf("%d viewers are kept, of whom one is left", n)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	a := New()
	for _, name := range []string{"kept", "gone"} {
		r := asks("192.0.2.1")
		r.Stream = name
		a.Observe(at(0), r)
	}
	old := a.crowd("gone")
	a.Forget(at(1), func(stream string) bool { return stream == "kept" })
	if got := a.Streams(); len(got) != 1 || got[0] != "kept" || a.viewers.Load() != 1 {
		t.Errorf("%v with %d viewers are left", got, a.viewers.Load())
	}
	r := asks("192.0.2.1")
	a.crowds.Store(&map[string]*crowd{"gone": old}) // a request that found it just before
	r.Stream = "gone"
	a.Observe(at(1), r)
	if n := a.viewers.Load(); n != 1 {
		t.Errorf("a viewer of a stream that is gone takes room: %d", n)
	}
	a.crowds.Store(&map[string]*crowd{"kept": newCrowd(&a.viewers)})
}

// TestAgainstAList compares with the plainest way to count: a list of who was
// last seen when.
func TestAgainstAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := New()
		type who struct {
			client, agent, sid string
		}
		list := make(map[who]float64)
		now := 0.0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now += rapid.Float64Range(0, 3).Draw(t, "pause")
			w := who{
				client: rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}).Draw(t, "client"),
				agent:  rapid.SampledFrom([]string{"a", "b"}).Draw(t, "agent"),
				sid:    rapid.SampledFrom([]string{"", "", "x", "y"}).Draw(t, "sid"),
			}
			r := asks(w.client).by(w.agent)
			if w.sid != "" {
				w.sid += w.client + w.agent
				r = r.saying(`sid="%s"`, w.sid)
			}
			a.Observe(at(now), r)
			list[w] = now
			if rapid.Bool().Draw(t, "sweeps") {
				a.Forget(at(now), func(string) bool { return true })
			}
		}
		now += rapid.Float64Range(0, 12).Draw(t, "wait")
		want := 0
		for w, seen := range list {
			told := false
			for other, seen := range list {
				told = told || other.sid != "" && other.client == w.client && other.agent == w.agent && at(now).Sub(at(seen)) <= Window
			}
			if at(now).Sub(at(seen)) <= Window && (w.sid != "" || !told) {
				want++
			}
		}
		if got := a.Figures(at(now), stream); got.Viewers != want {
			t.Fatalf("%d viewers, want %d of %v", got.Viewers, want, list)
		}
		a.Forget(at(now+11), func(string) bool { return true })
		if n := a.viewers.Load(); n != 0 {
			t.Fatalf("%d viewers are kept when all have gone", n)
		}
	})
}

// part is what hls.js sends with a part.
func part(client string) Request {
	r := asks(client)
	r.Header = http.Header{
		"User-Agent":  {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"},
		"Cmcd-Object": {"br=2628,d=333,ot=v,tb=6000"}, "Cmcd-Status": {"rtp=13100"},
		"Cmcd-Request": {"bl=1100,dl=1100,ltc=1840,mtp=48000"},
		"Cmcd-Session": {`sf=h,sid="6e2fb550-c457-11e9-bb97-` + client + `",st=ll`},
	}
	return r
}

func TestNoAllocation(t *testing.T) {
	a := New()
	told, silent := part("192.0.2.1"), asks("192.0.2.2")
	for _, r := range []Request{told, silent} {
		s := 0.0
		a.Observe(at(s), r)
		if n := testing.AllocsPerRun(200, func() { s += 0.1; a.Observe(at(s), r) }); n > 0 {
			t.Errorf("%v allocations for a viewer that is known", n)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	for name, of := range map[string]func(string) Request{"told": part, "silent": asks} {
		b.Run(name, func(b *testing.B) {
			a := New()
			all := make([]Request, 5000)
			for i := range all {
				all[i] = of(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
				a.Observe(at(0), all[i])
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i = (i + 1) % len(all) {
					a.Observe(at(1), all[i])
				}
			})
		})
	}
}

func BenchmarkFigures(b *testing.B) {
	a := New()
	for i := range 10_000 {
		a.Observe(at(0), part(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String()))
	}
	for s := 0; b.Loop(); s = (s + 2) % 8 {
		_ = a.Figures(at(float64(s)), stream)
	}
}
