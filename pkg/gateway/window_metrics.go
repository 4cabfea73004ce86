package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/store"
)

// windowCollector tells how much media is in memory.
type windowCollector struct {
	windows *store.Store
	bytes   *prometheus.Desc
}

func newWindowCollector(windows *store.Store) *windowCollector {
	return &windowCollector{windows: windows, bytes: prometheus.NewDesc("weir_stream_window_bytes",
		"Media in memory that can be fetched: what the stream's playlists list, and what has left them not long ago.", []string{"stream"}, nil)}
}

// Describe implements prometheus.Collector.
func (c *windowCollector) Describe(out chan<- *prometheus.Desc) { out <- c.bytes }

// Collect implements prometheus.Collector.
func (c *windowCollector) Collect(out chan<- prometheus.Metric) {
	for _, name := range c.windows.Names() {
		if st, ok := c.windows.Stream(name); ok {
			out <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(st.Bytes()), name)
		}
	}
}
