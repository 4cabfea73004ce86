package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"weir/pkg/admission"
	"weir/pkg/api"
	"weir/pkg/audience"
	"weir/pkg/certificate"
	"weir/pkg/config"
	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/ingest/srt"
	"weir/pkg/live"
	"weir/pkg/plainhttp"
	"weir/pkg/record"
	"weir/pkg/store"
	"weir/pkg/streamkey"
	"weir/pkg/systemd"
	"weir/pkg/token"
	"weir/pkg/webhook"
)

// drainTimeout is how long viewers may finish their downloads after the last
// stream has been flushed.
const drainTimeout = 2 * time.Second

// stopTimeout is more than stopping takes once publishers need not be waited for.
const stopTimeout = 15 * time.Second

// Addresses are those that the gateway listens on, with the real ports where
// the configuration says 0; empty for a listener that is off.
type Addresses struct {
	RTMP, RTMPS, SRT, HTTP, HTTPS, Admin string
}

// Options are what Run needs.
type Options struct {
	Config config.Config
	// Load reads the configuration anew; nil where it cannot be reloaded.
	Load func() (config.Config, []config.Problem, error)
	// Reload asks for that, each time something comes; nil for never.
	Reload <-chan os.Signal
	Log    *slog.Logger
	// Level is that of Log, set when the configuration is reloaded.
	Level *slog.LevelVar
	// Version is what the gateway calls itself.
	Version string
	// Started is called once every listener is open.
	Started func(Addresses)
	// Notify tells the service manager; nil where there is none.
	Notify *systemd.Notifier
}

// gateway is a running set of parts.
type gateway struct {
	// cfg is what holds now; reloading makes one of it and what was read.
	cfg       atomic.Pointer[config.Config]
	load      func() (config.Config, []config.Problem, error)
	reloading sync.Mutex
	level     *slog.LevelVar
	version   string
	started   time.Time
	log       *slog.Logger
	store     *store.Store
	manager   *live.Manager
	rtmp      *rtmp.Server
	channels  *channels
	web       *plainhttp.Server
	admin     *plainhttp.Server // nil where there is no listener for it
	feed      *api.Feed
	recorder  *api.Recorder
	audience  *audience.Audience
	refusals  *refusals
	tokens    *token.Store
	database  *sql.DB
	keys      *streamkey.Store
	ring      *streamkey.Ring
	desk      *admission.Desk
	hooks     *webhook.Hooks
	// recordings is nil where nothing is recorded.
	recordings *record.Recorder
	// happened counts events.
	happened *prometheus.CounterVec
	// certificate is of the TLS listeners; nil where there are none.
	certificate *certificate.Source
	drainer     *drainer
	notify      *systemd.Notifier
	// stopping is closed when the publishers have left and the gateway stops.
	stopping chan struct{}

	listeners listeners

	// connections counts those of publishers, of all protocols.
	connections *ingest.Admission
	srt         *srt.Server
}

// Run starts the gateway. When ctx has ended it drains, then it stops: sessions
// first, then streams (flushed, not ended: encoders and viewers come back), then
// viewers.
func Run(ctx context.Context, o Options) (err error) {
	cfg, log := o.Config, o.Log
	g, err := newGateway(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.database.Close()) }()
	if err := g.listeners.open(ctx, cfg, g.certificate); err != nil {
		return err
	}
	addresses := g.listeners.addresses()
	log.Info("weir is up",
		slog.String("rtmp", addresses.RTMP), slog.String("rtmps", addresses.RTMPS), slog.String("srt", addresses.SRT),
		slog.String("http", addresses.HTTP), slog.String("https", addresses.HTTPS),
		slog.String("admin", addresses.Admin))
	if cfg.Auth.Mode == config.AuthOpen {
		log.Warn("auth.mode is open: anyone who reaches the RTMP or SRT port can publish, the stream key is the stream name")
	}
	o.Started(addresses)
	g.notify.Ready("Up")
	return g.serve(ctx, o.Reload)
}

func newGateway(ctx context.Context, o Options) (_ *gateway, err error) {
	cfg, log := o.Config, o.Log
	streams, err := liveConfig(cfg) //nolint:contextcheck // reading the slate has a limit of its own.
	if err != nil {
		return nil, err
	}
	g := &gateway{
		load: o.Load, level: o.Level, version: o.Version, started: time.Now(), log: log,
		feed: api.NewFeed(), recorder: api.NewRecorder(), audience: audience.New(), tokens: token.Open(cfg.DataDir),
		notify: o.Notify, stopping: make(chan struct{}),
	}
	g.refusals = newRefusals(g.feed)
	if err = g.openKeys(ctx, cfg); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.database.Close())
		}
	}()
	if err = g.openWebhooks(cfg); err != nil {
		return nil, err
	}
	windows := store.New(store.Options{})
	streams.Store, streams.Log, streams.Admission = windows, log, g.desk
	streams.Audience = func(stream string) (reporting, stalled int) {
		f := g.audience.Figures(time.Now(), stream)
		return f.Reporting, f.Stalled
	}
	streams.StateDir, streams.Cores = filepath.Join(cfg.DataDir, "state"), runtime.NumCPU()
	manager, err := live.NewManager(streams) //nolint:contextcheck // streams outlive the start.
	if err != nil {
		return nil, err
	}
	g.store, g.manager, g.drainer = windows, manager, newDrainer(manager, log)
	g.cfg.Store(&cfg)
	if err = g.openRecording(cfg); err != nil {
		return nil, err
	}
	g.openIngest()
	g.openChannels(cfg.Channels)
	if g.certificate, err = openCertificate(cfg, log); err != nil {
		return nil, err
	}
	return g, g.makeServers() //nolint:contextcheck // the API's requests bring their own.
}

// serve runs everything until ctx ends or a part fails, then stops in order.
// The parts live on while ctx has ended and publishers may still go on.
func (g *gateway) serve(ctx context.Context, reload <-chan os.Signal) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	asked := ctx.Done()
	parts, ctx := errgroup.WithContext(running)
	parts.Go(func() error {
		defer stop()
		g.awaitStop(ctx, asked)
		return nil
	})
	parts.Go(func() error { return g.drainer.run(ctx) })
	for _, l := range g.listeners.rtmp() {
		parts.Go(func() error { return g.rtmp.Serve(ctx, l) })
	}
	if l := g.listeners.srt; l != nil {
		parts.Go(func() error { return g.srt.Serve(ctx, l) })
	}
	parts.Go(func() error { return g.channels.run(ctx, g.drainer.begun) })
	streams := make(chan struct{})
	parts.Go(func() error {
		defer close(streams)
		return g.manager.Run(ctx)
	})
	posting, watched := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error {
		defer watched()
		return g.watch(ctx, streams)
	})
	parts.Go(func() error { return g.hooks.Run(posting) })
	if g.recordings != nil {
		parts.Go(func() error { return g.recordings.Run(posting, g.wishes) })
	}
	parts.Go(func() error { return g.ring.Run(ctx) })
	parts.Go(func() error { return g.reloadAtSignals(ctx, reload) })
	if g.certificate != nil {
		parts.Go(func() error { return g.keepCertificate(ctx) })
	}
	for _, l := range g.listeners.http() {
		parts.Go(func() error { return serveHTTP(g.web, l) })
	}
	if l := g.listeners.admin; l != nil {
		parts.Go(func() error { return serveHTTP(g.admin, l) })
	}
	parts.Go(func() error {
		<-ctx.Done()
		close(g.stopping)
		<-streams
		return g.shutDown(context.WithoutCancel(ctx))
	})
	return parts.Wait()
}

func serveHTTP(server *plainhttp.Server, l net.Listener) error {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	}
	return nil
}

// awaitStop returns when the gateway has been asked to stop and is drained, or
// when ctx has ended because a part of it failed.
func (g *gateway) awaitStop(ctx context.Context, asked <-chan struct{}) {
	select {
	case <-asked:
	case <-ctx.Done():
		return
	}
	wait := g.cfg.Load().Drain.Wait
	g.notify.Stopping(wait + stopTimeout)
	g.drainer.begin(false, wait)
	select {
	case <-g.drainer.left:
	case <-ctx.Done():
	}
}

// shutDown lets viewers finish what they are downloading.
func (g *gateway) shutDown(ctx context.Context) error {
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
