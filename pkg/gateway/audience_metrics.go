package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/audience"
)

// audienceCollector tells how many watch, and what their players say.
type audienceCollector struct {
	audience *audience.Audience

	viewers, sessions, stalls, stalled, dropped, unreadable *prometheus.Desc
	startup, latency, buffer, bitrate, throughput           *prometheus.Desc
}

func newAudienceCollector(a *audience.Audience) *audienceCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("weir_"+name, help, labels, nil)
	}
	return &audienceCollector{
		audience:   a,
		viewers:    desc("stream_viewers", "Who asked for something of the stream in the last seconds.", "stream"),
		sessions:   desc("player_sessions_total", "Playbacks whose players tell how they fare (CMCD).", "stream"),
		stalls:     desc("player_stalls_total", "Waits for data while playing, as players tell.", "stream"),
		stalled:    desc("player_stall_seconds_total", "How long those lasted, of players that say so.", "stream"),
		dropped:    desc("player_dropped_frames_total", "Frames that came too late to be shown, as players tell.", "stream"),
		startup:    desc("player_startup_seconds", "From the first request to the first picture, as players tell.", "stream"),
		latency:    desc("player_latency_seconds", "How far behind the live edge players are; a sample each 5 s of each.", "stream"),
		buffer:     desc("player_buffer_seconds", "What players have ahead; a sample each 5 s of each.", "stream"),
		bitrate:    desc("player_bitrate_bits_per_second", "Of what players play; a sample each 5 s of each.", "stream"),
		throughput: desc("player_throughput_bits_per_second", "What players measure of their connection; a sample each 5 s of each.", "stream"),
		unreadable: desc("player_unreadable_total", "Requests whose client data (CMCD) broke its syntax."),
	}
}

// Describe implements prometheus.Collector.
func (c *audienceCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.viewers, c.sessions, c.stalls, c.stalled, c.dropped, c.unreadable,
		c.startup, c.latency, c.buffer, c.bitrate, c.throughput,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *audienceCollector) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	spread := func(d *prometheus.Desc, h audience.Histogram, stream string) {
		out <- prometheus.MustNewConstHistogram(d, h.Count, h.Sum, h.Buckets, stream)
	}
	now := time.Now()
	send(c.unreadable, prometheus.CounterValue, float64(c.audience.Unreadable()))
	for _, stream := range c.audience.Streams() {
		send(c.viewers, prometheus.GaugeValue, float64(c.audience.Figures(now, stream).Viewers), stream)
		t := c.audience.Totals(stream)
		send(c.sessions, prometheus.CounterValue, float64(t.Sessions), stream)
		send(c.stalls, prometheus.CounterValue, float64(t.Stalls), stream)
		send(c.stalled, prometheus.CounterValue, t.StallTime.Seconds(), stream)
		send(c.dropped, prometheus.CounterValue, float64(t.Dropped), stream)
		spread(c.startup, t.Startup, stream)
		spread(c.latency, t.Latency, stream)
		spread(c.buffer, t.Buffer, stream)
		spread(c.bitrate, t.Bitrate, stream)
		spread(c.throughput, t.Throughput, stream)
	}
}
