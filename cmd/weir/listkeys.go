package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/gateway"
	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

type listKeysCommand struct{ keyDatabase }

// Run prints a table.
func (s *listKeysCommand) Run(ctx context.Context, c console) error {
	return s.with(ctx, c, func(store *streamkey.Store) error {
		all, err := store.List(ctx)
		if err != nil {
			return err
		}
		if s.JSON {
			shown := make([]api.StreamKey, 0, len(all))
			for _, k := range all {
				shown = append(shown, gateway.DescribeKey(k))
			}
			return printJSON(c.out, map[string]any{"keys": shown})
		}
		return printKeys(c.out, all, time.Now())
	})
}

func printKeys(w io.Writer, all []streamkey.Key, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTREAM\tSTATE\tCREATED\tEXPIRES\tSECRETS\tLABEL")
	for _, k := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n",
			k.ID, k.Stream, k.State(now), k.Created.Format(time.DateTime), moment(k.Expires), len(goodSecrets(k, now)), k.Label)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the list of keys: %w", err)
	}
	return nil
}

// goodSecrets are those that open something.
func goodSecrets(k streamkey.Key, now time.Time) (good []streamkey.Secret) {
	for _, s := range k.Secrets {
		if k.State(now) == streamkey.Active && (s.ValidUntil.IsZero() || now.Before(s.ValidUntil)) {
			good = append(good, s)
		}
	}
	return good
}

// moment is a time for people.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.DateTime)
}

type showKeyCommand struct {
	keyDatabase
	keyID
}

// Run prints one key, a line for each thing that is set.
func (s *showKeyCommand) Run(ctx context.Context, c console) error {
	return s.with(ctx, c, func(store *streamkey.Store) error {
		k, err := store.Find(ctx, s.ID)
		if err != nil {
			return fmt.Errorf("show stream key %s: %w; weir keys list shows those that there are", s.ID, err)
		}
		if s.JSON {
			return printJSON(c.out, gateway.DescribeKey(k))
		}
		return printKey(c.out, k, time.Now())
	})
}

func printKey(w io.Writer, k streamkey.Key, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	line("id", k.ID)
	line("stream", k.Stream)
	line("label", k.Label)
	line("state", string(k.State(now)))
	line("created", moment(k.Created))
	line("expires", moment(k.Expires))
	if !k.Revoked.IsZero() {
		line("revoked", moment(k.Revoked))
	}
	for _, s := range goodSecrets(k, now) {
		line("secret of", moment(s.Created)+", good until "+moment(s.ValidUntil))
	}
	for _, rule := range ruleLines(k.Rules) {
		line(rule[0], rule[1])
	}
	if k.Passphrase != "" {
		line("srt passphrase", "set")
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	return nil
}

// ruleLines are the names and values of the rules that are set.
func ruleLines(r ingest.Rules) (lines [][2]string) {
	add := func(set bool, name, value string) {
		if set {
			lines = append(lines, [2]string{name, value})
		}
	}
	add(len(r.Protocols) > 0, "protocols", strings.Join(r.Protocols, ", "))
	add(len(r.Addresses) > 0, "addresses", strings.Join(r.Addresses, ", "))
	add(r.MaxBitrate > 0, "max bit rate", config.Bitrate(r.MaxBitrate).String())
	add(r.MaxResolution != "", "max resolution", r.MaxResolution)
	add(r.MaxFrameRate > 0, "max frame rate", fmt.Sprint(r.MaxFrameRate))
	add(r.MaxDuration > 0, "max duration", r.Duration().String())
	add(r.Takeover != "", "takeover", r.Takeover)
	add(r.Ladder != "", "ladder", r.Ladder)
	add(r.Backup, "backup", "yes")
	add(r.Record, "record", "yes")
	return lines
}
