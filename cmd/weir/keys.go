package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"weir/pkg/config"
	"weir/pkg/database"
	"weir/pkg/gateway"
	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

// keysCommand works on the database in the data folder. A running gateway takes
// a new secret at once, and notice of the rest within two seconds.
type keysCommand struct {
	Create createKeyCommand `cmd:"" help:"Make a stream key and print its secret, this once."`
	List   listKeysCommand  `cmd:"" help:"List the stream keys without their secrets."`
	Show   showKeyCommand   `cmd:"" help:"Show a stream key with its rules."`
	Rotate rotateKeyCommand `cmd:"" help:"Give a stream key a new secret and print it, this once; the old ones stay good for a while."`
	Revoke revokeKeyCommand `cmd:"" help:"End a stream key; whoever publishes with it is disconnected."`
}

// keyDatabase is what the subcommands share.
type keyDatabase struct {
	dataFolder
	JSON bool `help:"Write JSON, as the API does." name:"json"`
}

// with lets do work on the keys.
func (f keyDatabase) with(ctx context.Context, c console, do func(*streamkey.Store) error) (err error) {
	folder, err := f.folder(c)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(streamkey.NewStore(db, gateway.CheckLadder))
}

// keyID is the argument of commands on one key.
type keyID struct {
	ID string `arg:"" name:"id" help:"The key's id: weir keys list shows it."`
}

type createKeyCommand struct {
	keyDatabase
	Stream        string         `arg:"" help:"What the key publishes: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first."`
	Label         string         `help:"For people: whose it is."`
	ExpiresIn     time.Duration  `help:"How long the key is good (default: for ever)." placeholder:"DURATION"`
	Protocols     []string       `help:"How publishers may come, of rtmp, rtmps and srt (default: by all)." placeholder:"PROTOCOL"`
	Addresses     []string       `help:"Addresses and networks from which they may come (default: all)." placeholder:"NETWORK"`
	MaxBitrate    config.Bitrate `help:"Most of audio and video together, such as 8M." placeholder:"BITRATE"`
	MaxResolution string         `help:"Largest picture, such as 1920x1080." placeholder:"SIZE"`
	MaxFrameRate  float64        `help:"Most frames per second." placeholder:"FPS"`
	MaxDuration   time.Duration  `help:"Longest broadcast, over reconnects." placeholder:"DURATION"`
	Takeover      string         `help:"What becomes of a publisher that comes while the stream is live: allow, or forbid." enum:"allow,forbid" default:"allow"`
	Backup        bool           `help:"Stand by beside the publisher of another key, and go on air while that one sends nothing."`
	Record        bool           `help:"Record the stream once the key's publisher is on air, until it ends."`
	Ladder        string         `help:"What is encoded, in place of transcode.ladder: auto, source, or rungs such as 720p:2500k,480p." placeholder:"LADDER"`
	SRTPassphrase string         `help:"SRT is taken only if it is encrypted with it (10 to 79 characters)." name:"srt-passphrase" env:"WEIR_SRT_PASSPHRASE" placeholder:"WORDS"`
}

// Run prints the secret alone on standard output, for scripts.
func (s *createKeyCommand) Run(ctx context.Context, c console) error {
	now := time.Now()
	key := streamkey.Key{
		Stream: s.Stream, Label: s.Label, Passphrase: s.SRTPassphrase,
		Rules: ingest.Rules{
			Protocols: s.Protocols, Addresses: s.Addresses, MaxBitrate: int(s.MaxBitrate), MaxResolution: s.MaxResolution,
			MaxFrameRate: s.MaxFrameRate, MaxDuration: int(s.MaxDuration.Seconds()), Ladder: s.Ladder, Backup: s.Backup, Record: s.Record,
		},
	}
	if s.ExpiresIn != 0 {
		key.Expires = now.Add(s.ExpiresIn)
	}
	if s.Takeover != ingest.TakeoverAllow {
		key.Rules.Takeover = s.Takeover
	}
	return s.with(ctx, c, func(store *streamkey.Store) error {
		made, secret, err := store.Create(ctx, key, now)
		if err != nil {
			return err
		}
		return s.printSecret(c, made, secret)
	})
}

// printSecret is what create and rotate end with.
func (f keyDatabase) printSecret(c console, k streamkey.Key, secret string) error {
	if f.JSON {
		return printJSON(c.out, map[string]any{"key": gateway.DescribeKey(k), "secret": secret})
	}
	_, told := fmt.Fprintf(c.err, "key %s of stream %s; its secret is shown this once:\n", k.ID, k.Stream)
	_, err := fmt.Fprintln(c.out, secret)
	return errors.Join(told, err)
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

type rotateKeyCommand struct {
	keyDatabase
	keyID
	Overlap time.Duration `help:"How long the old secrets are still good; 0 for one that is known to others." default:"24h"`
}

// Run prints the new secret alone on standard output, for scripts.
func (s *rotateKeyCommand) Run(ctx context.Context, c console) error {
	if s.Overlap < 0 {
		return fmt.Errorf("an overlap of %v is impossible; write a duration such as 24h, or 0", s.Overlap)
	}
	return s.with(ctx, c, func(store *streamkey.Store) error {
		rotated, secret, err := store.Rotate(ctx, s.ID, s.Overlap, time.Now())
		if err != nil {
			return fmt.Errorf("%w; weir keys list shows those that there are", err)
		}
		return s.printSecret(c, rotated, secret)
	})
}

type revokeKeyCommand struct {
	keyDatabase
	keyID
}

// Run revokes one key.
func (s *revokeKeyCommand) Run(ctx context.Context, c console) error {
	return s.with(ctx, c, func(store *streamkey.Store) error {
		revoked, err := store.Revoke(ctx, s.ID, time.Now())
		if err != nil {
			return fmt.Errorf("%w; weir keys list shows those that there are", err)
		}
		if s.JSON {
			return printJSON(c.out, gateway.DescribeKey(revoked))
		}
		return nil
	})
}
