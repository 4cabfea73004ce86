package record

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestBroadcast: what was published is there, in the top rendition and audio, over a
// publisher's return, and closed when the stream ends.
func TestBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, t.TempDir(), Config{}, nil)
		p := newPublisher(b.windows, "main")
		began := p.at
		b.want(Wish{"main", began})
		p.publish(3)
		synctest.Wait()
		if now, ok := b.Progress("main"); !ok || now.Segments != 3 || now.Trouble != "" {
			t.Errorf("the recording is at %+v, %v", now, ok)
		}
		p.away(10 * time.Second)
		p.init("bb")
		p.publish(2)
		p.st.End()
		synctest.Wait()
		if _, ok := b.Progress("main"); ok {
			t.Error("it is still being recorded")
		}
		b.want()

		i, files := b.one(), texts(t, os.DirFS(b.folder))
		if want := "main/" + began.UTC().Format(nameForm); i.Path != want || i.Stream != "main" {
			t.Errorf("it is in %s, want %s", i.Path, want)
		}
		if i.Segments != 5 || i.Duration != 10 || i.EndedAt == nil || !i.EndedAt.Equal(p.at) || i.Interrupted || !slices.Equal(i.Renditions, []string{"source", "audio"}) {
			t.Errorf("it is described as %+v", i)
		}
		for _, id := range i.Renditions {
			lines := playable(t, files, i.Path, id)
			if count(lines, "#EXTINF:2.000000,") != 5 || count(lines, "#EXT-X-DISCONTINUITY") != 1 || count(lines, "#EXT-X-MAP") != 2 || count(lines, "#EXT-X-PROGRAM-DATE-TIME") != 2 {
				t.Errorf("%s:\n%s", id, strings.Join(lines, "\n"))
			}
		}
		if !strings.Contains(files[path.Join(i.Path, playlist)], "\nsource/index.m3u8\n") || strings.Contains(files[path.Join(i.Path, playlist)], "480p") {
			t.Errorf("it is listed as\n%s", files[path.Join(i.Path, playlist)])
		}
	})
}

// TestNextBroadcast: another one of the same stream is another recording, and what
// nobody wants is none.
func TestNextBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, t.TempDir(), Config{}, nil)
		p, private := newPublisher(b.windows, "main"), newPublisher(b.windows, "private")
		b.want(Wish{"main", p.at})
		p.publish(2)
		private.publish(1)
		p.st.End()
		b.want()
		p.away(time.Minute)
		b.want(Wish{"main", p.at}) // its publisher is connected, its media is on the way
		p.st.Resume()
		p.publish(3)
		b.stop()
		all := b.all()
		if len(all) != 2 || all[0].Segments != 2 || all[1].Segments != 3 || all[1].Stream != "main" {
			t.Errorf("%+v", all)
		}
	})
}

// TestFromTheMiddle: a key that records takes over, and what came before it is not
// recorded.
func TestFromTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, t.TempDir(), Config{}, nil)
		p := newPublisher(b.windows, "main")
		p.publish(4)
		b.want(Wish{"main", p.at.Add(100 * time.Millisecond)})
		p.publish(3)
		b.stop()
		if i := b.one(); i.Segments != 3 {
			t.Errorf("%+v", i)
		}
	})
}

// TestGaps: of a rendition alone they are gaps, of all they are left out.
func TestGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, t.TempDir(), Config{}, nil)
		p := newPublisher(b.windows, "main")
		b.want(Wish{"main", p.at})
		p.segment("audio") // the init segment of audio is named with the first that has bytes
		p.segment()
		p.segment("source", "audio")
		p.segment("source", "audio")
		p.segment()
		b.stop()
		i, files := b.one(), texts(t, os.DirFS(b.folder))
		video, audio := playable(t, files, i.Path, "source"), playable(t, files, i.Path, "audio")
		if count(video, "#EXTINF") != 3 || count(video, "#EXT-X-GAP") != 0 || count(video, "#EXT-X-DISCONTINUITY") != 1 {
			t.Errorf("video:\n%s", strings.Join(video, "\n"))
		}
		if count(audio, "#EXTINF") != 3 || count(audio, "#EXT-X-GAP") != 1 || count(audio, "#EXT-X-DISCONTINUITY") != 1 || count(audio, "#EXT-X-MAP") != 1 {
			t.Errorf("audio:\n%s", strings.Join(audio, "\n"))
		}
	})
}

// TestLong: a recording is followed by another one without a seam.
func TestLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, t.TempDir(), Config{MaxLength: 6 * time.Second}, nil)
		p := newPublisher(b.windows, "main")
		b.want(Wish{"main", p.at})
		p.publish(7)
		b.stop()
		all := b.all()
		if len(all) != 3 {
			t.Fatalf("%d recordings: %+v", len(all), all)
		}
		for n, i := range all {
			if i.EndedAt == nil || (n > 0 && !i.StartedAt.Equal(*all[n-1].EndedAt)) {
				t.Errorf("recording %d: %+v", n, i)
			}
		}
	})
}

// TestOnDemand: a rung that nobody watches is asked for, and waited for.
func TestOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, t.TempDir(), Config{}, nil)
		p := newPublisher(b.windows, "main")
		p.st.Rest("source", true)
		b.want(Wish{"main", p.at})
		before := *p
		p.segment()
		fill := p.st.Presentation().Windows[0].Segments[0]
		synctest.Wait()

		// The next one is promised.
		promised := *fill
		promised.MSN, promised.Start, promised.Parts, promised.Size, promised.Pending = before.msn+1, fill.Start+fill.Duration, nil, 0, true
		p.st.AddSegment("source", &promised)
		audio := *p.st.Presentation().Windows[2].Segments[0]
		audio.MSN, audio.Start = promised.MSN, audio.Start+audio.Duration
		p.st.AddSegment("audio", &audio)
		synctest.Wait()
		if start, ok := p.st.TakeWanted("source"); !ok || start != promised.Start {
			t.Errorf("it asked for %d, %v", start, ok)
		}
		if p.st.LastAsked("source").IsZero() || !p.st.LastAsked("480p").IsZero() {
			t.Error("it did not ask for what it records, or for what it does not")
		}
		filled := *fill
		filled.MSN, filled.Start = promised.MSN, promised.Start
		if !p.st.Fill("source", &filled) {
			t.Fatal("it could not be filled")
		}
		synctest.Wait()
		if now, _ := b.Progress("main"); now.Segments != 2 {
			t.Errorf("the recording is at %+v", now)
		}
	})
}
