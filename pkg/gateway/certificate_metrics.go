package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/certificate"
)

// certificateCollector tells when the TLS certificate ends.
type certificateCollector struct {
	source *certificate.Source // nil where nothing speaks TLS
	expiry *prometheus.Desc
}

func newCertificateCollector(source *certificate.Source) *certificateCollector {
	return &certificateCollector{source: source, expiry: prometheus.NewDesc("weir_tls_certificate_expiry_timestamp_seconds",
		"When the TLS certificate ends, as Unix time; 0 while a CA has not given it.", []string{"mode", "name"}, nil)}
}

// Describe implements prometheus.Collector.
func (c *certificateCollector) Describe(out chan<- *prometheus.Desc) { out <- c.expiry }

// Collect implements prometheus.Collector.
func (c *certificateCollector) Collect(out chan<- prometheus.Metric) {
	if c.source == nil {
		return
	}
	for _, e := range c.source.Expiries() {
		var ends float64
		if !e.NotAfter.IsZero() {
			ends = float64(e.NotAfter.Unix())
		}
		out <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, ends, e.Mode, e.Name)
	}
}
