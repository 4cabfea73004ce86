package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/token"
)

const (
	drainAnswer = 10 * time.Second
	drainPoll   = time.Second
)

type drainCommand struct {
	configFile
	End    bool           `help:"End the streams for their viewers, too, rather than let them wait for the restart."`
	Wait   *time.Duration `help:"How long publishers may go on (default: drain.wait of the gateway's configuration)." placeholder:"DURATION"`
	Detach bool           `help:"Do not stay until the last publisher has left."`
	Token  string         `help:"An admin token (default: one of its own, made in the data folder and revoked afterwards)." env:"WEIR_TOKEN" placeholder:"TOKEN"`
	URL    string         `arg:"" optional:"" help:"Where the gateway's API is, such as http://localhost:8080. Default: as the configuration says."`
}

// Run drains a running gateway and waits until its publishers have left.
func (d *drainCommand) Run(ctx context.Context, c console) (err error) {
	client, done, err := d.connect(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	order := map[string]any{"end": d.End}
	if d.Wait != nil {
		order["wait_s"] = int(d.Wait.Seconds())
	}
	body, err := json.Marshal(order)
	if err != nil {
		return fmt.Errorf("write the order: %w", err)
	}
	var now api.Drain
	if err := client.call(ctx, http.MethodPost, "/api/v1/node/drain", body, &now); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "draining; publishers: %d, told to leave at %s\n", now.Publishers, now.LeaveAt.Local().Format(time.TimeOnly))
	for left := now.Publishers; left > 0 && !d.Detach; {
		select {
		case <-time.After(drainPoll):
		case <-ctx.Done():
			return errors.New("interrupted; the drain goes on")
		}
		var node api.NodeStatus
		if err := client.call(ctx, http.MethodGet, "/api/v1/node", nil, &node); err != nil {
			return err
		}
		left = node.Publishers
	}
	if !d.Detach {
		fmt.Fprintln(c.err, "drained; Weir can be stopped")
	}
	return nil
}

// connect finds the gateway and a token for it; done revokes one that was made.
func (d *drainCommand) connect(c console) (client apiClient, done func() error, err error) {
	client = apiClient{address: d.URL, token: d.Token}
	done = func() error { return nil }
	if client.address != "" && client.token != "" {
		return client, done, nil
	}
	cfg, _, err := config.Load(config.Sources{Path: d.path(), Environ: c.environ})
	if err != nil {
		return client, done, err
	}
	if client.address == "" {
		listener := cfg.Admin.Address
		if listener == "" {
			listener = cfg.HTTP.Address
		}
		if client.address, err = localURL(listener); err != nil {
			return client, done, err
		}
	}
	if client.token != "" {
		return client, done, nil
	}
	tokens := token.Open(cfg.DataDir)
	made, secret, err := tokens.Create("weir drain", string(api.Admin))
	if err != nil {
		return client, done, fmt.Errorf("make a token for the gateway's API: %w; run this as Weir's user, or give --token", err)
	}
	client.token = secret
	return client, func() error { return tokens.Revoke(made.ID) }, nil
}

// apiClient asks a gateway's API.
type apiClient struct{ address, token string }

// call sends body, where it is not nil, and reads the answer into out. A refusal
// is an error with the words of the API.
func (a apiClient) call(ctx context.Context, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, drainAnswer)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(a.address, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask %s: %w", a.address, err)
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		var why struct{ Title, Detail string }
		_ = json.Unmarshal(text, &why) // the status says enough
		return fmt.Errorf("the gateway at %s refuses: %s. %s", a.address, response.Status, why.Detail)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}
