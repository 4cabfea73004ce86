package gateway

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/webhook"
)

// webhookScrape is how long a scrape waits for the database.
const webhookScrape = 2 * time.Second

// webhookCollector tells how webhooks fare.
type webhookCollector struct {
	hooks                              *webhook.Hooks
	attempts, lost, waiting, receivers *prometheus.Desc
}

func newWebhookCollector(hooks *webhook.Hooks) *webhookCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("weir_webhook_"+name, help, labels, nil)
	}
	return &webhookCollector{
		hooks:     hooks,
		attempts:  desc("attempts_total", "Attempts to deliver an event to a webhook, by what came of them.", "result"),
		lost:      desc("events_lost_total", "Events that a webhook will not get: given_up after a day, or dropped as too many waited.", "reason"),
		waiting:   desc("waiting_events", "Events that wait to be delivered to webhooks."),
		receivers: desc("receivers", "Webhooks, by how they fare.", "state"),
	}
}

// Describe implements prometheus.Collector.
func (c *webhookCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.attempts, c.lost, c.waiting, c.receivers} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *webhookCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), webhookScrape)
	defer cancel()
	s, err := c.hooks.Stats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(c.waiting, err)
		return
	}
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	send(c.attempts, prometheus.CounterValue, float64(s.Delivered), "delivered")
	send(c.attempts, prometheus.CounterValue, float64(s.Failed), "failed")
	send(c.lost, prometheus.CounterValue, float64(s.GivenUp), "given_up")
	send(c.lost, prometheus.CounterValue, float64(s.Dropped), "dropped")
	send(c.waiting, prometheus.GaugeValue, float64(s.Waiting))
	send(c.receivers, prometheus.GaugeValue, float64(s.Well), "ok")
	send(c.receivers, prometheus.GaugeValue, float64(s.Failing), "failing")
	send(c.receivers, prometheus.GaugeValue, float64(s.Disabled), "disabled")
}
