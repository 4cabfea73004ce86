package verify

import (
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/httpserve"
	"weir/pkg/media"
	packager "weir/pkg/package"
	"weir/pkg/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// avcC720 is the decoder configuration of a 1280x720 clip, H.264 High 3.1.
const avcC720 = "0164001fffe1001b6764001facd9805005bb016a020202800001f480007530078c18cd01000568e97b2c8bfdf8f800"

// lane is one rendition on its way through the real packager into the store.
type lane struct {
	rendition *media.Rendition
	track     *media.Track
	segmenter *packager.Segmenter
	next      media.Ticks
}

// stream is a synthetic live stream that gains a segment whenever advance is
// called: no clock decides what a test sees.
type stream struct {
	mu      sync.Mutex
	tb      testing.TB
	st      *store.Stream
	lanes   []*lane
	period  *media.Period
	msn     uint64
	address string
}

func video(tb testing.TB, id string, bandwidth int) *lane {
	tb.Helper()
	config, err := hex.DecodeString(avcC720)
	if err != nil {
		tb.Fatal(err)
	}
	return &lane{
		track: &media.Track{
			Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, Config: config,
			Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30, Den: 1},
		},
		rendition: &media.Rendition{
			ID: id, Name: id, Kind: media.Video, Codecs: "avc1.64001f", Width: 1280, Height: 720, Bandwidth: bandwidth,
			Timescale: media.VideoTimescale, FrameRate: media.Rational{Num: 30, Den: 1},
		},
	}
}

func audio() *lane {
	return &lane{
		track: &media.Track{
			Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, Config: []byte{0x11, 0x90}, SampleRate: 48_000, Channels: 2,
		},
		rendition: &media.Rendition{
			ID: "audio", Name: "Audio", Kind: media.Audio, Codecs: "mp4a.40.2", SampleRate: 48_000, Channels: 2,
			Bandwidth: 20_000, Timescale: 48_000,
		},
	}
}

// newStream serves a stream that has seven segments already.
func newStream(tb testing.TB) *stream {
	tb.Helper()
	gateway := store.New(store.Options{})
	s := &stream{tb: tb, st: gateway.Open("main"), lanes: []*lane{video(tb, "source", 30_000), video(tb, "360p", 30_000), audio()}, msn: 1_795_000_000}
	var renditions []*media.Rendition
	for _, l := range s.lanes {
		l.segmenter = packager.NewSegmenter(packager.Config{Kind: l.track.Kind, PartTarget: 350 * time.Millisecond})
		renditions = append(renditions, l.rendition)
	}
	s.st.Declare(2, 0.35, renditions)
	s.begin()
	for range 7 {
		s.advance()
	}
	handler := httpserve.New(httpserve.Config{Store: gateway, Log: slog.New(slog.DiscardHandler)})
	var going sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whoever reloads finds one more segment.
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/main/index.m3u8") {
			s.advance()
		}
		// Whoever waits for a part gets it.
		if r.URL.Query().Has("_HLS_part") {
			going.Go(s.advance)
		}
		// Whoever waits for the open segment gets it.
		if start, ok := strings.CutSuffix(path.Base(r.URL.Path), ".m4s"); ok && r.Method == http.MethodGet {
			if at, err := strconv.ParseInt(start, 10, 64); err == nil {
				going.Go(func() { s.finish(path.Base(path.Dir(r.URL.Path)), media.Ticks(at)) })
			}
		}
		handler.ServeHTTP(w, r)
	}))
	tb.Cleanup(going.Wait)
	tb.Cleanup(server.Close)
	s.address = server.URL + "/live/main/"
	return s
}

// begin starts the stream's period.
func (s *stream) begin() {
	start := media.Ticks(s.msn) * 2 * media.Ticks(media.VideoTimescale)
	s.period = &media.Period{Start: start}
	for _, l := range s.lanes {
		l.next = media.Rescale(start, media.VideoTimescale, l.track.Timescale)
		if l.track.Kind == media.Audio {
			l.next -= l.next % 1024 // audio has a grid of its own
		}
	}
}

// advance publishes 2 s of everything.
func (s *stream) advance() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step()
}

// finish completes the segment of the rendition id that begins at start, if that
// is the open one.
func (s *stream) finish(id string, start media.Ticks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.st.Presentation().Window(id)
	if ok && len(w.Open) > 0 && w.Open[0].Start == start {
		s.step()
	}
}

func (s *stream) step() {
	b := media.Boundary{MSN: s.msn, PTS: media.Ticks(s.msn) * 2 * media.Ticks(media.VideoTimescale), Period: s.period}
	s.msn++
	end := b.PTS + 2*media.Ticks(media.VideoTimescale)
	for _, l := range s.lanes {
		s.take(l, l.segmenter.Boundary(b))
		// The unit nearest to the next boundary waits until that is announced.
		until := media.Rescale(end, media.VideoTimescale, l.track.Timescale) - l.track.FrameDuration()/2
		for index := 0; l.next < until; index++ {
			au := media.AccessUnit{Track: l.track, DTS: l.next, PTS: l.next, Duration: l.track.FrameDuration(), Sync: true, Data: []byte{0x21}}
			if l.track.Kind == media.Video {
				au.Sync = index == 0
				au.Data = []byte{0, 0, 0, 2, 0x41, 0}
				if au.Sync {
					au.Data[4] = 0x65
				}
			}
			events, err := l.segmenter.Push(au)
			if err != nil {
				s.tb.Error(err)
			}
			s.take(l, events)
			l.next += au.Duration
		}
	}
}

func (s *stream) take(l *lane, events []packager.Event) {
	for _, event := range events {
		switch e := event.(type) {
		case packager.InitChanged:
			s.st.SetInit(l.rendition.ID, e.Init)
		case packager.PartReady:
			s.st.AddPart(l.rendition.ID, e.Part, s.period)
		case packager.SegmentReady:
			s.st.AddSegment(l.rendition.ID, e.Segment)
		case packager.PartsDropped:
			s.st.DropParts(l.rendition.ID)
		}
	}
}
