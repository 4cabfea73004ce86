package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"weir/pkg/api"
	"weir/pkg/config"
)

// settings is the configuration that holds now, without its secrets.
func (g *gateway) settings() map[string]any { return g.cfg.Load().Settings() }

func (g *gateway) trustedProxies() []netip.Prefix { return g.cfg.Load().TrustedProxies }

// reloadAtSignals reads the configuration anew at each signal.
func (g *gateway) reloadAtSignals(ctx context.Context, signals <-chan os.Signal) error {
	for {
		select {
		case <-signals:
			_, _ = g.reload() //nolint:contextcheck // it has logged why not, and reading the slate has a limit of its own.
		case <-ctx.Done():
			return nil
		}
	}
}

// reload reads the configuration anew and applies what a running gateway can
// change. Nothing is applied where a part of it cannot be.
func (g *gateway) reload() ([]api.SettingChange, error) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	g.notify.Reloading()
	defer g.notify.Ready("Up")
	changes, err := g.apply()
	if err != nil {
		g.log.Error("the configuration was not reloaded, what held before goes on", slog.Any("error", err))
		if mistakes, ok := errors.AsType[config.Errors](err); ok {
			return nil, &api.ConfigError{Mistakes: texts(mistakes)}
		}
		return nil, err
	}
	out := []api.SettingChange{}
	for _, c := range changes {
		attrs := []any{slog.String("key", c.Key), slog.Any("from", c.From), slog.Any("to", c.To)}
		if c.Restart {
			g.log.Warn("setting needs a restart, and stays until then as it is", attrs...)
		} else {
			g.log.Info("setting changed", attrs...)
		}
		out = append(out, api.SettingChange{Key: c.Key, From: c.From, To: c.To, NeedsRestart: c.Restart})
	}
	g.log.Info("configuration reloaded", slog.Int("changes", len(changes)))
	return out, nil
}

// apply does everything that can fail before the first thing that is seen.
func (g *gateway) apply() ([]config.Change, error) {
	if g.load == nil {
		return nil, errors.New("this gateway was started without a way to read its configuration again")
	}
	next, warnings, err := g.load()
	if err != nil {
		return nil, fmt.Errorf("read the configuration again: %w", err)
	}
	merged, changes := g.cfg.Load().Reload(next)
	streams, err := liveConfig(merged)
	if err != nil {
		return nil, err
	}
	admitting, err := admissionConfig(merged)
	if err != nil {
		return nil, err
	}
	if err := checkWebhooks(merged.Webhooks); err != nil {
		return nil, err
	}
	if g.certificate != nil {
		if err := g.certificate.Reload(time.Now()); err != nil {
			return nil, err //nolint:wrapcheck // it says what it did.
		}
	}
	for _, warning := range warnings {
		g.log.Warn("a variable is strange", slog.String("problem", warning.String()))
	}
	g.cfg.Store(&merged)
	g.level.Set(merged.Log.Level())
	g.desk.Configure(admitting)
	g.manager.Configure(streams)
	g.limitIngest()
	g.channels.configure(merged.Channels)
	if g.recordings != nil {
		g.recordings.Configure(recordConfig(merged.Recording))
	}
	g.hooks.Configure(hookWishes(merged.Webhooks), merged.Webhooks.AllowPrivate)
	return changes, nil
}

func texts(mistakes config.Errors) []string {
	all := make([]string, 0, len(mistakes))
	for _, m := range mistakes {
		all = append(all, m.String())
	}
	return all
}
