package gateway

import (
	"context"
	"time"

	"weir/pkg/api"
)

// watch looks at the streams' states each second, and tells those who listen to
// the API's events what has changed, and remembers their figures for a while. No part on the media path knows of it.
func (g *gateway) watch(ctx context.Context) error {
	watcher := api.NewWatcher(g.feed)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			streams := g.streams()
			watcher.Look(now, streams, g.sessions(""))
			g.recorder.Look(now, streams)
			g.notify.Alive() // the streams have answered
		case <-ctx.Done():
			return nil
		}
	}
}
