package gateway

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"weir/pkg/api"
	"weir/pkg/httpserve"
)

// newWebServer puts everything that viewers and operators ask for over HTTP
// behind one handler.
func (g *gateway) newWebServer() (*http.Server, error) {
	programs, err := api.New(api.Config{
		Version: g.version, Log: g.log, Client: g.client,
		Streams: g.streams, Stream: g.stream, Sessions: g.sessions, Kick: g.kick,
		Node: g.node, Settings: g.cfg.Settings, Identify: g.identify, Tokens: g.tokenStore(),
		Feed: g.feed, Draining: g.draining,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the API: %w", err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(g.manager, g.rtmp),
	)
	return httpserve.NewServer(httpserve.New(httpserve.Config{
		Store: g.store, Log: g.log,
		API:            programs,
		Metrics:        promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}),
		Registerer:     metrics,
		Draining:       g.draining,
		TrustedProxies: g.cfg.TrustedProxies,
	}), g.log), nil
}
