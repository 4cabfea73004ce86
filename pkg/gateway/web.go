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

// makeServers puts everything that viewers and operators ask for over HTTP
// behind one handler, or two where there is an admin listener.
func (g *gateway) makeServers() error {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(g.manager, g.rtmp, g.srt),
		newWindowCollector(g.store),
		newAudienceCollector(g.audience),
		newCertificateCollector(g.certificate),
		newWebhookCollector(g.hooks),
		newRecordingCollector(g.recordings),
		g.happened,
	)
	whole, err := g.newAPI(false)
	if err != nil {
		return err
	}
	public := httpserve.Config{
		Store: g.store, Log: g.log, Audience: g.audience, API: whole,
		Metrics:        promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}),
		Registerer:     metrics,
		Draining:       g.stopping,
		NotReady:       g.notReady,
		TrustedProxies: g.trustedProxies,
	}
	if g.cfg.Load().Admin.Address != "" {
		g.admin = httpserve.NewServer(httpserve.NewAdmin(public), nil, g.log)
		public.Metrics, public.OpenOnly = nil, true
		if public.API, err = g.newAPI(true); err != nil {
			return err
		}
	}
	site := httpserve.New(public)
	handler := http.Handler(site)
	if g.certificate != nil {
		handler = g.certificate.Challenges(site)
	}
	g.web = httpserve.NewServer(handler, site.Direct, g.log)
	return nil
}

// newAPI makes the API: the whole, or what is open to everyone.
func (g *gateway) newAPI(openOnly bool) (http.Handler, error) {
	handler, err := api.New(api.Config{
		Version: g.version, Log: g.log, Client: g.client, OpenOnly: openOnly,
		Streams: g.streams, Stream: g.stream, Sessions: g.sessions, Kick: g.kick,
		Node: g.node, Settings: g.settings, Reload: g.reload, Identify: g.identify, Tokens: g.tokenStore(), Keys: g.keyStore(), Refusals: g.refusals.list, Recordings: g.recordingList,
		Webhooks: g.webhookStore(),
		Feed:     g.feed, Recorder: g.recorder, Draining: g.stopping, Drain: g.drain,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the API: %w", err)
	}
	return handler, nil
}
