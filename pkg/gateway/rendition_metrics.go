package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/live"
	"weir/pkg/store"
)

// renditionCollector tells how far what viewers can ask for lies behind what
// happens. Its labels are the streams that are there and the ladder's rungs.
type renditionCollector struct {
	manager *live.Manager
	store   *store.Store
	delay   *prometheus.Desc
}

func newRenditionCollector(manager *live.Manager, windows *store.Store) *renditionCollector {
	return &renditionCollector{
		manager: manager, store: windows,
		delay: prometheus.NewDesc("weir_rendition_publish_delay_seconds",
			"How far the end of the newest part or segment lies behind the clock: what encoding and packaging take.",
			[]string{"stream", "rendition"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *renditionCollector) Describe(out chan<- *prometheus.Desc) { out <- c.delay }

// Collect implements prometheus.Collector.
func (c *renditionCollector) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	for _, st := range c.manager.Streams() {
		windows, ok := c.store.Stream(st.Name)
		if !ok || st.State != live.Live {
			continue // nothing comes, and the delay would only grow
		}
		for _, r := range renditions(windows, now) {
			if r.Latency != nil && !r.Resting {
				out <- prometheus.MustNewConstMetric(c.delay, prometheus.GaugeValue, *r.Latency, st.Name, r.ID)
			}
		}
	}
}
