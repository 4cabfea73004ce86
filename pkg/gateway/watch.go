package gateway

import (
	"context"
	"time"

	"weir/pkg/api"
)

// watch looks at the streams' states each second, tells those who listen to the
// API's events what has changed, and remembers their figures for a while. When ctx
// has ended, it looks once more at what is left when the streams are done. No part
// on the media path knows of it.
func (g *gateway) watch(ctx context.Context, streamsDone <-chan struct{}) error {
	watcher := api.NewWatcher(g.feed)
	look := func(now time.Time) {
		streams := g.streams()
		watcher.Look(now, streams, g.sessions(""))
		g.recorder.Look(now, streams)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			look(now)
			g.audience.Forget(now, func(stream string) bool {
				_, exists := g.store.Stream(stream)
				return exists
			})
			g.notify.Alive() // the streams have answered
		case <-ctx.Done():
			<-streamsDone
			look(time.Now())
			return nil
		}
	}
}
