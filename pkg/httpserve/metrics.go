package httpserve

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// kind says what a request asks for; it labels metrics, so the set is closed.
type kind string

const (
	kindMultivariant kind = "multivariant"
	kindManifest     kind = "manifest"
	kindPlaylist     kind = "playlist"
	kindInit         kind = "init"
	kindSegment      kind = "segment"
	kindPart         kind = "part"
	kindPreflight    kind = "preflight"
	kindPage         kind = "page"
	kindAsset        kind = "asset"
	kindProbe        kind = "probe"
	kindTime         kind = "time"
	kindMetrics      kind = "metrics"
	kindAPI          kind = "api"
	kindOther        kind = "other"
)

type metrics struct {
	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	renders  *prometheus.CounterVec
	held     prometheus.Gauge
	panics   prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		requests: counter("weir_http_requests_total", "Requests answered, by what was asked for and the status code.", "kind", "code"),
		bytes:    counter("weir_http_response_bytes_total", "Bytes of response bodies, by what was asked for.", "kind"),
		renders:  counter("weir_http_renders_total", "Playlists and manifests rendered: once per version, whatever the number of viewers.", "kind"),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "weir_http_held_requests", Help: "Requests held until what they ask for is there: a stream's first segments, the next playlist, part or rung.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_http_panics_total", Help: "Requests that ended in a panic. Always a bug.",
		}),
	}
	if registerer != nil {
		registerer.MustRegister(m.requests, m.bytes, m.renders, m.held, m.panics)
	}
	return m
}

func (m *metrics) answered(k kind, code int, bytes int64) { m.answeredMany(k, code, bytes, 1) }

// answeredMany counts as many answers of the same size.
func (m *metrics) answeredMany(k kind, code int, bytes int64, viewers int) {
	m.requests.WithLabelValues(string(k), strconv.Itoa(code)).Add(float64(viewers))
	m.bytes.WithLabelValues(string(k)).Add(float64(bytes) * float64(viewers))
}
