package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"weir/pkg/config"
)

const healthTimeout = 3 * time.Second

type healthCommand struct {
	configFile
	URL string `arg:"" optional:"" help:"Where the gateway is, such as http://localhost:8080. Default: as the configuration says."`
}

// Run fails if the gateway does not answer that it is alive.
func (h *healthCommand) Run(ctx context.Context, c console) error {
	address := h.URL
	if address == "" {
		cfg, _, err := config.Load(config.Sources{Path: h.path(), Environ: c.environ})
		if err != nil {
			return err
		}
		if address, err = localURL(cfg.HTTP.Address); err != nil {
			return err
		}
	}
	address = strings.TrimRight(address, "/")
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway at %s is not well: %s", address, response.Status)
	}
	return nil
}

// localURL is where to reach a listener from its own machine.
func localURL(listener string) (string, error) {
	host, port, err := net.SplitHostPort(listener)
	if err != nil || port == "0" {
		return "", errors.New("the configuration does not tell where plain HTTP is served; write: weir health URL")
	}
	if everyInterface(host) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
