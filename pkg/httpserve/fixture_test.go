package httpserve_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"weir/pkg/httpserve"
	"weir/pkg/media"
	"weir/pkg/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is a handler over a store of synthetic streams. The bytes in it are
// not CMAF: this package never looks into them.
type gateway struct {
	store    *store.Store
	registry *prometheus.Registry
	handler  *httpserve.Handler
	draining chan struct{}
	log      *bytes.Buffer
	level    slog.LevelVar // at debug each request is logged, and none answered directly
}

func newGateway(tb testing.TB, change func(*httpserve.Config)) *gateway {
	tb.Helper()
	g := &gateway{
		store: store.New(store.Options{}), registry: prometheus.NewRegistry(),
		draining: make(chan struct{}), log: &bytes.Buffer{},
	}
	cfg := httpserve.Config{
		Store: g.store, Registerer: g.registry, Draining: g.draining,
		Log:   slog.New(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: &g.level})),
		Clock: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC) },
	}
	if change != nil {
		change(&cfg)
	}
	g.handler = httpserve.New(cfg)
	return g
}

func (g *gateway) do(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return g.serve(r)
}

func (g *gateway) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	return w
}

func (g *gateway) get(path string, headers ...string) *httptest.ResponseRecorder {
	return g.do(http.MethodGet, path, headers...)
}

const (
	startMSN = 1_795_000_000
	hash     = "abc123"
)

// publisher writes segments of 2 s of all renditions, each of two parts.
type publisher struct {
	st     *store.Stream
	period *media.Period
	tracks []*media.Rendition
	msn    uint64
	size   int
}

func renditions() []*media.Rendition {
	return []*media.Rendition{
		{ID: "source", Name: "720p (source)", Kind: media.Video, Width: 1280, Height: 720, Bandwidth: 3_000_000, Timescale: 90_000, Passthrough: true},
		{ID: "360p", Name: "360p", Kind: media.Video, Width: 640, Height: 360, Bandwidth: 800_000, Timescale: 90_000},
		{ID: "audio", Name: "Audio", Kind: media.Audio, SampleRate: 48_000, Channels: 2, Bandwidth: 160_000, Timescale: 48_000},
	}
}

func (g *gateway) publish() *publisher {
	p := &publisher{st: g.store.Open("main"), period: &media.Period{Start: startMSN * 90_000}, tracks: renditions(), msn: startMSN, size: 10}
	p.st.Declare(2, 0.35, p.tracks)
	return p
}

// live publishes the stream main with segments of 20 bytes in every rendition.
func (g *gateway) live(segments int) *publisher {
	p := g.publish()
	p.describe("source", "360p", "audio")
	for range segments {
		p.segment("source", "360p", "audio")
	}
	return p
}

func (p *publisher) rendition(id string) *media.Rendition {
	for _, r := range p.tracks {
		if r.ID == id {
			return r
		}
	}
	panic("no rendition " + id)
}

func (p *publisher) describe(ids ...string) {
	for _, id := range ids {
		r := *p.rendition(id)
		r.Codecs = map[media.Kind]string{media.Video: "avc1.64001f", media.Audio: "mp4a.40.2"}[r.Kind]
		p.st.UpdateRendition(&r)
		p.st.SetInit(id, p.init(&r))
	}
}

func (*publisher) init(r *media.Rendition) *media.Init {
	track := &media.Track{
		Kind: r.Kind, Timescale: r.Timescale, Width: r.Width, Height: r.Height, SampleRate: r.SampleRate, Channels: r.Channels,
		FrameRate: media.Rational{Num: 30, Den: 1},
	}
	return &media.Init{Hash: hash, Bytes: []byte("init of " + r.ID), Codecs: r.Codecs, Track: track}
}

func (p *publisher) segment(ids ...string) {
	for _, id := range ids {
		r := p.rendition(id)
		start := media.Ticks(p.msn) * media.Ticks(r.Timescale) * 2
		seg := &media.Segment{MSN: p.msn, Start: start, Duration: 2 * media.Ticks(r.Timescale), Period: p.period, Init: p.init(r)}
		for i := range 2 {
			part := &media.Part{
				Serial: p.msn*2 + uint64(i), MSN: p.msn, Index: i, Independent: i == 0,
				Start: start + media.Ticks(i)*media.Ticks(r.Timescale), Duration: media.Ticks(r.Timescale),
				Bytes: bytes.Repeat([]byte{byte('a' + i)}, p.size),
			}
			p.st.AddPart(id, part, p.period)
			seg.Parts = append(seg.Parts, part)
			seg.Size += len(part.Bytes)
		}
		p.st.AddSegment(id, seg)
	}
	p.msn++
}

func segmentPath(id string, msn uint64, scale int) string {
	return fmt.Sprintf("/live/main/%s/%d.m4s", id, msn*uint64(scale)*2)
}

func (g *gateway) counter(tb testing.TB, name string, labels ...string) float64 {
	tb.Helper()
	families, err := g.registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	total := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			ok := true
			for _, l := range m.GetLabel() {
				for i := 0; i+1 < len(labels); i += 2 {
					ok = ok && (l.GetName() != labels[i] || l.GetValue() == labels[i+1])
				}
			}
			if ok {
				total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return total
}

func contains(w *httptest.ResponseRecorder, text string) bool {
	return bytes.Contains(w.Body.Bytes(), []byte(text))
}
