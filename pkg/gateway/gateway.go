package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/live"
	"weir/pkg/store"
	"weir/pkg/token"
	"weir/pkg/transcode"
)

// drainTimeout is how long viewers may finish their downloads after the last
// stream has been flushed.
const drainTimeout = 2 * time.Second

// Addresses are those that the gateway listens on, with the real ports where
// the configuration says 0; empty for a listener that is off.
type Addresses struct {
	RTMP, RTMPS, HTTP, HTTPS, Admin string
}

// gateway is a running set of parts.
type gateway struct {
	cfg     config.Config
	version string
	started time.Time
	log     *slog.Logger
	store   *store.Store
	manager *live.Manager
	rtmp    *rtmp.Server
	web     *http.Server
	admin   *http.Server // nil where there is no listener for it
	feed    *api.Feed
	tokens  *token.Store
	// draining is closed when the gateway begins to stop.
	draining chan struct{}

	listeners listeners
}

// Run starts the gateway, which calls itself version, and calls started once
// every listener is open. It returns when ctx has ended and everything has
// stopped: sessions first, then streams (flushed, not ended: encoders and
// viewers come back), then viewers.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, version string, started func(Addresses)) error {
	g, err := newGateway(cfg, log, version) //nolint:contextcheck // the API's requests bring their own.
	if err != nil {
		return err
	}
	if err := g.listeners.open(ctx, cfg); err != nil {
		return err
	}
	addresses := g.listeners.addresses()
	log.Info("weir is up",
		slog.String("rtmp", addresses.RTMP), slog.String("rtmps", addresses.RTMPS),
		slog.String("http", addresses.HTTP), slog.String("https", addresses.HTTPS),
		slog.String("admin", addresses.Admin))
	if cfg.Auth.Mode == config.AuthOpen {
		log.Warn("auth.mode is open: anyone who reaches the RTMP port can publish, the stream key is the stream name")
	}
	started(addresses)
	return g.serve(ctx)
}

func newGateway(cfg config.Config, log *slog.Logger, version string) (*gateway, error) {
	keys, err := openKeys(cfg)
	if err != nil {
		return nil, err
	}
	worker, err := workerCommand(cfg.Transcode)
	if err != nil {
		return nil, err
	}
	windows := store.New(store.Options{})
	manager, err := live.NewManager(live.Config{
		Store: windows, Keys: keys, Log: log,
		StateDir:     filepath.Join(cfg.DataDir, "state"),
		ResumeWindow: cfg.Ingest.ResumeWindow,
		Latency:      transcode.Latency(cfg.Transcode.Latency),
		Encoder:      transcode.Encoder(cfg.Transcode.Encoder),
		Ladder:       ladder(cfg.Transcode), SourceOnly: cfg.Transcode.Ladder.Source(),
		Demand:        demand(cfg.Transcode),
		AudioBitrate:  int(cfg.Transcode.AudioBitrate),
		WorkerCommand: worker, Cores: runtime.NumCPU(),
	})
	if err != nil {
		return nil, err
	}
	g := &gateway{
		cfg: cfg, version: version, started: time.Now(), log: log,
		store: windows, manager: manager, feed: api.NewFeed(), tokens: token.Open(cfg.DataDir),
		draining: make(chan struct{}),
	}
	g.rtmp = rtmp.NewServer(rtmp.Config{
		Gate: manager, Log: log,
		PublishTimeout: cfg.Ingest.PublishTimeout, IdleTimeout: cfg.Ingest.IdleTimeout,
		MaxConnections: cfg.Ingest.MaxConnections, MaxConnectionsPerAddress: cfg.Ingest.MaxConnectionsPerAddress,
		MaxBitrate: int(cfg.Ingest.MaxBitrate),
	})
	return g, g.makeServers()
}

// serve runs everything until ctx ends or a part fails, then stops in order.
func (g *gateway) serve(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	for _, l := range g.listeners.rtmp() {
		parts.Go(func() error { return g.rtmp.Serve(ctx, l) })
	}
	streams := make(chan struct{})
	parts.Go(func() error {
		defer close(streams)
		return g.manager.Run(ctx)
	})
	parts.Go(func() error { return g.watch(ctx) })
	for _, l := range g.listeners.http() {
		parts.Go(func() error { return serveHTTP(g.web, l) })
	}
	if l := g.listeners.admin; l != nil {
		parts.Go(func() error { return serveHTTP(g.admin, l) })
	}
	parts.Go(func() error {
		<-ctx.Done()
		close(g.draining)
		<-streams
		return g.drain(context.WithoutCancel(ctx))
	})
	return parts.Wait()
}

func serveHTTP(server *http.Server, l net.Listener) error {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	}
	return nil
}

// drain lets viewers finish what they are downloading.
func (g *gateway) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if g.admin != nil {
		defer g.admin.Close() // nobody downloads media there
	}
	if err := g.web.Shutdown(ctx); err != nil {
		g.log.Info("some viewers were cut off at the end of the drain", slog.Duration("after", drainTimeout))
		return g.web.Close()
	}
	return nil
}
