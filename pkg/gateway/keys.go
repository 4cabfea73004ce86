package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"weir/pkg/admission"
	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/database"
	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

// revokeTimeout is how long a stream may take to end a session whose key is gone.
const revokeTimeout = 5 * time.Second

// CheckLadder refuses rules whose ladder the configuration could not have.
func CheckLadder(rules ingest.Rules) error {
	if rules.Ladder == "" {
		return nil
	}
	_, err := config.ParseLadder(rules.Ladder)
	if mistakes, ok := errors.AsType[config.Errors](err); ok {
		return errors.New(strings.Join(texts(mistakes), "\n"))
	}
	return err
}

// openKeys opens the database and decides by what it has and by cfg who may
// publish.
func (g *gateway) openKeys(ctx context.Context, cfg config.Config) error {
	admitting, err := admissionConfig(cfg)
	if err != nil {
		return err
	}
	if g.database, err = database.Open(ctx, cfg.DataDir); err != nil {
		return err //nolint:wrapcheck // it says what it did.
	}
	g.keys = streamkey.NewStore(g.database, CheckLadder)
	g.ring, err = streamkey.NewRing(ctx, g.keys, g.log, g.dismissRevoked)
	if err != nil {
		return errors.Join(err, g.database.Close())
	}
	g.desk = admission.New(g.ring, g.log, admitting)
	return nil
}

// dismissRevoked ends the session of whoever publishes with a key that is gone.
func (g *gateway) dismissRevoked(ctx context.Context, id string) {
	// It is told once: whoever asked may be gone, the session has to end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	g.manager.Revoke(ctx, id)
}

// keyStore is the stream keys in the API's words. What it changes holds at once.
func (g *gateway) keyStore() api.Keys {
	return api.Keys{
		List: func(ctx context.Context) ([]api.StreamKey, error) {
			kept, err := g.keys.List(ctx)
			var all []api.StreamKey
			for _, k := range kept {
				all = append(all, DescribeKey(k))
			}
			return all, err
		},
		Find: func(ctx context.Context, id string) (api.StreamKey, error) {
			return shown(g.keys.Find(ctx, id))
		},
		Create: func(ctx context.Context, d api.KeyDraft) (api.NewStreamKey, error) {
			k := streamkey.Key{Stream: d.Stream, Label: d.Label, Rules: ingest.Rules(d.Rules), Passphrase: d.Passphrase}
			if d.ExpiresAt != nil {
				k.Expires = *d.ExpiresAt
			}
			return g.minted(ctx)(g.keys.Create(ctx, k, time.Now()))
		},
		Change: func(ctx context.Context, id string, change api.KeyChange) (api.StreamKey, error) {
			changed, err := shown(g.keys.Update(ctx, id, func(k *streamkey.Key) error { apply(k, change); return nil }))
			return changed, errors.Join(err, g.ring.Refresh(ctx))
		},
		Rotate: func(ctx context.Context, id string, overlap time.Duration) (api.NewStreamKey, error) {
			return g.minted(ctx)(g.keys.Rotate(ctx, id, overlap, time.Now()))
		},
		Revoke: func(ctx context.Context, id string) error {
			_, err := g.keys.Revoke(ctx, id, time.Now())
			return errors.Join(keyError(err), g.ring.Refresh(ctx))
		},
		Configured: g.configuredKeys,
	}
}

// minted shows a key with its new secret, which is good by then.
func (g *gateway) minted(ctx context.Context) func(streamkey.Key, string, error) (api.NewStreamKey, error) {
	return func(k streamkey.Key, secret string, err error) (api.NewStreamKey, error) {
		if err != nil {
			return api.NewStreamKey{}, keyError(err)
		}
		if failed := g.ring.Refresh(ctx); failed != nil {
			// The secret must not be lost for that: it is shown this once.
			g.log.Warn("a new stream key holds a moment later", slog.String("key", k.ID), slog.Any("error", failed))
		}
		return api.NewStreamKey{Key: DescribeKey(k), Secret: secret}, nil
	}
}

func apply(k *streamkey.Key, change api.KeyChange) {
	if change.Label != nil {
		k.Label = *change.Label
	}
	if change.Rules != nil {
		k.Rules = ingest.Rules(*change.Rules)
	}
	if change.ExpiresAt != nil {
		k.Expires = *change.ExpiresAt
	}
	if change.Passphrase != nil {
		k.Passphrase = *change.Passphrase
	}
}

func shown(k streamkey.Key, err error) (api.StreamKey, error) {
	return DescribeKey(k), keyError(err)
}

// DescribeKey is a stream key in the API's words.
func DescribeKey(k streamkey.Key) api.StreamKey {
	out := api.StreamKey{
		ID: k.ID, Stream: k.Stream, Label: k.Label, State: api.KeyState(k.State(time.Now())), Encrypted: k.Passphrase != "",
		CreatedAt: k.Created, ExpiresAt: whenever(k.Expires), RevokedAt: whenever(k.Revoked), Secrets: []api.KeySecret{},
	}
	out.Rules.KeyRules = api.KeyRules(k.Rules)
	for _, s := range k.Secrets {
		out.Secrets = append(out.Secrets, api.KeySecret{CreatedAt: s.Created, ValidUntil: whenever(s.ValidUntil)})
	}
	return out
}

// whenever is nil for a time that is not set.
func whenever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// keyError is an error of the store in the API's words.
func keyError(err error) error {
	invalid, ok := errors.AsType[*streamkey.InvalidError](err)
	switch {
	case ok:
		return &api.KeyError{Mistakes: strings.Split(invalid.Error(), "\n")}
	case errors.Is(err, streamkey.ErrUnknown):
		return api.ErrNoSuchKey
	case errors.Is(err, streamkey.ErrRevoked):
		return api.ErrKeyRevoked
	}
	return err
}

// configuredKeys are those that are not in the database.
func (g *gateway) configuredKeys() []api.ConfiguredKey {
	cfg := g.cfg.Load()
	if cfg.Auth.Mode == config.AuthOpen {
		return nil
	}
	if len(cfg.Streams) == 0 {
		return []api.ConfiguredKey{{Stream: ingest.DefaultStream, Source: "file"}}
	}
	var all []api.ConfiguredKey
	for _, s := range cfg.Streams {
		all = append(all, api.ConfiguredKey{Stream: s.Name, Source: "config"})
	}
	return all
}
