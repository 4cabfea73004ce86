package record

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/media"
	"weir/pkg/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const segment = 2 * time.Second

// publisher puts segments into a store as a stream does, at real time.
type publisher struct {
	st     *store.Stream
	period *media.Period
	inits  map[string]*media.Init
	msn    uint64
	at     time.Time
}

func renditions() []*media.Rendition {
	return []*media.Rendition{
		{
			ID: "source", Kind: media.Video, Name: "1080p", Codecs: "avc1.640028", Width: 1920, Height: 1080,
			FrameRate: media.Rational{Num: 30, Den: 1}, Bandwidth: 6_000_000, AverageBandwidth: 5_000_000, Timescale: media.VideoTimescale,
		},
		{ID: "480p", Kind: media.Video, Name: "480p", Codecs: "avc1.64001f", Width: 854, Height: 480, Bandwidth: 1, AverageBandwidth: 1, Timescale: media.VideoTimescale},
		{ID: "audio", Kind: media.Audio, Name: "Audio", Codecs: "mp4a.40.2", Channels: 2, Bandwidth: 130_000, AverageBandwidth: 128_000, Timescale: 48_000},
	}
}

func newPublisher(windows *store.Store, name string) *publisher {
	p := &publisher{st: windows.Open(name), at: time.Now(), msn: uint64(time.Now().Unix()), period: &media.Period{}, inits: make(map[string]*media.Init)}
	p.st.Declare(2, 0.35, renditions())
	p.init("aa")
	return p
}

// init has another init segment from the next segment on.
func (p *publisher) init(mark string) {
	for _, r := range renditions() {
		hash := fmt.Sprintf("%s%010x", mark, len(r.ID))
		p.inits[r.ID] = &media.Init{Hash: hash, Bytes: []byte("init " + hash), Codecs: r.Codecs, Track: &media.Track{Kind: r.Kind, Timescale: r.Timescale}}
		p.st.SetInit(r.ID, p.inits[r.ID])
	}
}

// segment adds one to each rendition; those that are named get a gap.
func (p *publisher) segment(gaps ...string) {
	for _, r := range renditions() {
		seg := &media.Segment{MSN: p.msn, Start: r.Timescale.At(p.at), Duration: r.Timescale.Ticks(segment), Period: p.period, Init: p.inits[r.ID]}
		if seg.Gap = strings.Contains(strings.Join(gaps, " "), r.ID); !seg.Gap {
			bytes := fmt.Appendf(nil, "%s %d", r.ID, seg.Start)
			seg.Parts, seg.Size = []*media.Part{{Bytes: bytes[:3]}, {Bytes: bytes[3:]}}, len(bytes)
		}
		p.st.AddSegment(r.ID, seg)
	}
	p.msn++
	p.at = p.at.Add(segment)
}

// publish adds n segments, each when its time has come.
func (p *publisher) publish(n int) {
	for range n {
		<-time.After(segment) // in a bubble, where that takes no time
		p.segment()
	}
}

// away lets time pass, and begins another period.
func (p *publisher) away(d time.Duration) {
	<-time.After(d)
	p.at = p.at.Add(d)
	p.period = &media.Period{Sequence: p.period.Sequence + 1}
}

// bench is a recorder that runs, and what it is to record.
type bench struct {
	t *testing.T
	*Recorder
	windows *store.Store
	log     *strings.Builder
	folder  string

	mu     sync.Mutex
	wishes []Wish
	stop   func()
}

func newBench(t *testing.T, folder string, cfg Config, change func(*disk)) *bench {
	t.Helper()
	d, err := openDisk(folder)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(d)
	}
	b := &bench{t: t, windows: store.New(store.Options{}), log: &strings.Builder{}, folder: folder}
	b.Recorder = newRecorder(d, cfg, b.windows, slog.New(slog.NewTextHandler(b.log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		over <- b.Run(ctx, func() []Wish {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.wishes
		})
	}()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// want is what is to be recorded from now on.
func (b *bench) want(wishes ...Wish) {
	b.mu.Lock()
	b.wishes = wishes
	b.mu.Unlock()
	<-time.After(look)
	synctest.Wait()
}

// texts are all files below a folder, by their names.
func texts(t *testing.T, folder fs.FS) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(folder, name)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// all are the recordings that there are, as another start of Weir finds them.
func (b *bench) all() []Info {
	b.t.Helper()
	d, err := openDisk(b.folder)
	if err != nil {
		b.t.Fatal(err)
	}
	defer d.root.Close()
	all, err := d.list()
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// one is the only recording that there is.
func (b *bench) one() Info {
	b.t.Helper()
	all := b.all()
	if len(all) != 1 {
		b.t.Fatalf("%d recordings, want 1: %+v", len(all), all)
	}
	return all[0]
}

// playable checks that a playlist of a recording is closed and whole, and returns
// its lines.
func playable(t *testing.T, files map[string]string, recording, rendition string) []string {
	t.Helper()
	folder := path.Join(recording, rendition)
	text := files[path.Join(folder, playlist)]
	if !strings.HasSuffix(text, "\n#EXT-X-ENDLIST\n") || !strings.Contains(text, "\n#EXT-X-PLAYLIST-TYPE:VOD\n") {
		t.Errorf("the playlist of %s is not closed:\n%s", rendition, text)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	gap := false
	for _, line := range lines {
		gap = gap || line == "#EXT-X-GAP"
		if strings.HasPrefix(line, "#") {
			continue
		}
		if got, want := files[path.Join(folder, line)], rendition+" "+strings.TrimSuffix(line, ".m4s"); got != want && !gap {
			t.Errorf("%s/%s has %q, want %q", rendition, line, got, want)
		}
		gap = false
	}
	if n := bytes.Count([]byte(text), []byte("#EXT-X-ENDLIST")); n != 1 {
		t.Errorf("%d ends", n)
	}
	return lines
}

func count(lines []string, prefix string) (n int) {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}
