package gateway

import (
	"context"
	"time"

	"weir/pkg/api"
)

// watch looks at the streams' states each second, and tells those who listen to
// the API's events what has changed. No part on the media path knows of it.
func (g *gateway) watch(ctx context.Context) error {
	watcher := api.NewWatcher(g.feed)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			watcher.Look(now, g.streams(), g.sessions(""))
		case <-ctx.Done():
			return nil
		}
	}
}
