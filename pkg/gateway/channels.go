package gateway

import (
	"cmp"
	"context"
	"net"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"weir/pkg/channel"
	"weir/pkg/config"
	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/live"
)

const (
	// mostChannels is more than one machine encodes; channelBitrate is more than
	// a file has, in bits per second.
	mostChannels   = 1000
	channelBitrate = 400_000_000
	// fromFile is how channels come, in the words of ingest.Request.
	fromFile = "file"
)

// channels are the encoders of the gateway's own, and the server that takes what
// they send.
type channels struct {
	manager *live.Manager
	wire    *channel.Wire
	server  *rtmp.Server
	cfg     channel.Config // without what differs

	changed chan []config.Channel
}

func (g *gateway) openChannels(wanted []config.Channel) {
	c := &channels{manager: g.manager, wire: channel.NewWire(), changed: make(chan []config.Channel, 1)}
	c.server = rtmp.NewServer(rtmp.Config{
		Gate: channelGate{g.manager}, Log: g.log,
		MaxConnections: mostChannels, MaxConnectionsPerAddress: mostChannels, MaxBitrate: channelBitrate,
	})
	c.cfg.Log = g.log
	c.changed <- wanted
	g.channels = c
}

// configure has other channels run. Those that stay as they are play on.
func (c *channels) configure(wanted []config.Channel) {
	select {
	case <-c.changed: // nobody has looked at those
	default:
	}
	c.changed <- wanted
}

// run plays until ctx ends, or leave is closed.
func (c *channels) run(ctx context.Context, leave <-chan struct{}) error {
	var parts errgroup.Group
	defer parts.Wait() //nolint:errcheck // they return no errors.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts.Go(func() error { return c.server.Serve(ctx, c.wire) })
	playing := make(map[string]*player)
	defer func() {
		for _, p := range playing {
			p.stop()
		}
	}()
	for {
		select {
		case wanted := <-c.changed:
			c.follow(ctx, playing, wanted)
		case <-leave:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// follow stops what is not wanted any more, and starts what is new.
func (c *channels) follow(ctx context.Context, playing map[string]*player, wanted []config.Channel) {
	keep := make(map[string]bool)
	for _, w := range wanted {
		p := playing[w.Name]
		keep[w.Name] = p != nil && slices.Equal(p.files, w.Files)
	}
	for name, p := range playing {
		if !keep[name] {
			p.stop()
			delete(playing, name)
		}
	}
	for _, w := range wanted {
		if playing[w.Name] == nil {
			playing[w.Name] = c.start(ctx, w)
		}
	}
}

// player is one channel.
type player struct {
	files  []string
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (c *channels) start(ctx context.Context, w config.Channel) *player {
	ctx, cancel := context.WithCancel(ctx)
	p := &player{files: w.Files, cancel: cancel}
	cfg := c.cfg
	cfg.Stream, cfg.Files = w.Name, w.Files
	cfg.Dial = func(ctx context.Context) (net.Conn, error) {
		if st, ok := c.manager.Stream(w.Name); ok && st.Session != nil && st.Session.Protocol != fromFile {
			return nil, channel.ErrOccupied
		}
		return c.wire.Dial(ctx)
	}
	p.done.Go(func() { channel.Run(ctx, cfg) })
	return p
}

func (p *player) stop() {
	p.cancel()
	p.done.Wait()
}

// channelGate lets channels publish what they name. They wait for encoders, and
// encoders do not wait for them.
type channelGate struct{ manager *live.Manager }

// Publish is asked by channels alone: nobody else reaches their server.
func (g channelGate) Publish(ctx context.Context, req ingest.Request) (ingest.Session, error) {
	req.Protocol, req.Encoder = fromFile, cmp.Or(req.Encoder, "Weir")
	return g.manager.Enter(ctx, req, ingest.Grant{ //nolint:wrapcheck // its words are for the publisher.
		Stream: req.Key, Rules: ingest.Rules{Takeover: ingest.TakeoverForbid}, Yields: true,
	})
}
