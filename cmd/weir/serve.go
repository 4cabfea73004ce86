package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"weir/pkg/config"
	"weir/pkg/gateway"
	"weir/pkg/ingest"
	"weir/pkg/systemd"
	"weir/pkg/token"
)

// defaultFile is read where it is there and no other is named.
const defaultFile = "weir.yaml"

// configFile is the flag that several commands share.
type configFile struct {
	Config string `help:"The configuration file (default: weir.yaml, if it is there)." placeholder:"FILE" env:"WEIR_CONFIG"`
}

// path is the file to read, "" for none.
func (f configFile) path() string {
	if f.Config != "" {
		return f.Config
	}
	if _, err := os.Stat(defaultFile); err != nil {
		return ""
	}
	return defaultFile
}

type serveCommand struct {
	configFile
	kong.Plugins
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context, flags *config.Flags, c console) error {
	path := s.path()
	load := func() (config.Config, []config.Problem, error) {
		return config.Load(config.Sources{Path: path, Environ: c.environ, Flags: flags.Given()})
	}
	cfg, warnings, err := load()
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1) // One is enough: what it asks for has not begun.
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	level := &slog.LevelVar{}
	level.Set(cfg.Log.Level())
	log := newLog(cfg.Log, level, c.err)
	for _, warning := range warnings {
		log.Warn("a variable is strange", slog.String("problem", warning.String()))
	}
	stopPacing := paceGarbage(log)
	defer stopPacing()
	log.Info("weir starts", slog.String("version", ownVersion()), slog.String("config", path))
	log.Debug("settings", slog.Any("settings", cfg))
	notify, err := systemd.New(c.environ)
	if err != nil {
		log.Warn("the service manager does not hear of Weir", slog.Any("error", err))
	}
	var greeting error
	err = gateway.Run(ctx, gateway.Options{
		Config: cfg, Load: load, Reload: hangups, Log: log, Level: level, Version: ownVersion(), Notify: notify,
		Started: func(addresses gateway.Addresses) { greeting = greet(c.out, cfg, addresses) },
	})
	if err == nil {
		log.Info("weir has stopped")
	}
	return errors.Join(err, greeting)
}

// newLog makes the log of the configuration.
func newLog(cfg config.Log, level slog.Leveler, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// greet writes what a new user needs to know, with the key of the default
// stream. This is the only place that shows it.
func greet(w io.Writer, cfg config.Config, addresses gateway.Addresses) error {
	g := greeting{cfg: cfg, addresses: addresses}
	if cfg.Auth.Mode == config.AuthKeys && len(cfg.Streams) == 0 {
		key, err := ingest.DefaultKey(cfg.DataDir)
		if err != nil {
			return fmt.Errorf("show the stream key: %w", err)
		}
		g.key = key
	}
	first, err := token.Open(cfg.DataDir).First()
	if err != nil {
		return fmt.Errorf("make the first token of the API: %w", err)
	}
	g.token = first
	g.neighbours = lanAddresses()
	_, err = io.WriteString(w, g.String())
	if err != nil {
		return fmt.Errorf("write the start-up message: %w", err)
	}
	return nil
}

// lanAddresses are the private IPv4 addresses of this machine, at which others
// in the same network may reach it. A container's own are of no use to them.
func lanAddresses() []string {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return nil
		}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // It is only a hint.
	}
	var private []string
	for _, address := range all {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsPrivate() && network.IP.To4() != nil {
			private = append(private, network.IP.String())
		}
	}
	slices.Sort(private)
	return private
}
