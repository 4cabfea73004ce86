package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"weir/pkg/api"
	"weir/pkg/httpserve"
	"weir/pkg/live"
)

// sessions lists publish sessions in the API's words.
func (g *gateway) sessions(stream string) []api.SessionRecord {
	var all []api.SessionRecord
	for _, rec := range g.manager.Sessions(stream) {
		out := api.SessionRecord{
			ID: rec.ID, Stream: rec.Stream, Role: role(rec.Backup), Protocol: rec.Protocol, Encoder: rec.Encoder,
			StartedAt: rec.Began, Reason: string(rec.Reason), Message: rec.Message, AccessUnits: rec.AccessUnits, Bytes: rec.Bytes,
		}
		if rec.Remote.IsValid() {
			out.Remote = rec.Remote.String()
		}
		if !rec.Ended.IsZero() {
			out.EndedAt = &rec.Ended
		}
		all = append(all, out)
	}
	return all
}

func (g *gateway) kick(ctx context.Context, stream string, hold time.Duration) error {
	err := g.manager.Kick(ctx, stream, hold)
	if errors.Is(err, live.ErrNotPublishing) {
		return api.ErrNotPublishing
	}
	return err
}

func (g *gateway) client(r *http.Request) string {
	return httpserve.ClientAddress(r, g.trustedProxies())
}
