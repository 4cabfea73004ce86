package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"weir/pkg/config"
	"weir/pkg/token"
)

// tokensCommand works on the data folder. A running gateway takes notice at
// once.
type tokensCommand struct {
	Create createTokenCommand `cmd:"" help:"Make a token and print it, this once."`
	List   listTokensCommand  `cmd:"" help:"List the tokens without their secrets."`
	Revoke revokeTokenCommand `cmd:"" help:"End a token, at once."`
}

// dataFolder is the flag of commands that work on the data folder, whether a
// gateway runs or not.
type dataFolder struct {
	configFile
	DataDir string `help:"The gateway's data folder (default: that of the configuration)." placeholder:"FOLDER"`
}

func (f dataFolder) folder(c console) (string, error) {
	if f.DataDir != "" {
		return f.DataDir, nil
	}
	cfg, _, err := config.Load(config.Sources{Path: f.path(), Environ: c.environ})
	return cfg.DataDir, err
}

// tokenFile is what the subcommands share.
type tokenFile struct{ dataFolder }

func (f tokenFile) open(c console) (*token.Store, error) {
	folder, err := f.folder(c)
	if err != nil {
		return nil, err
	}
	return token.Open(folder), nil
}

type createTokenCommand struct {
	tokenFile
	Name  string `arg:"" help:"For people: where it is used."`
	Scope string `help:"viewer reads, operator also kicks publishers, admin does everything." enum:"viewer,operator,admin" default:"viewer"`
}

// Run prints the secret alone on standard output, for scripts.
func (s *createTokenCommand) Run(c console) error {
	store, err := s.open(c)
	if err != nil {
		return err
	}
	made, secret, err := store.Create(s.Name, s.Scope)
	if err != nil {
		return err
	}
	_, printed := fmt.Fprintf(c.err, "token %s, scope %s; it is shown this once:\n", made.ID, made.Scope)
	_, err = fmt.Fprintln(c.out, secret)
	return errors.Join(printed, err)
}

type listTokensCommand struct{ tokenFile }

// Run prints a table.
func (s *listTokensCommand) Run(c console) error {
	store, err := s.open(c)
	if err != nil {
		return err
	}
	all, err := store.List()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSCOPE\tCREATED\tNAME")
	for _, t := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", t.ID, t.Scope, t.Created.Format(time.DateTime), t.Name)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the list of tokens: %w", err)
	}
	return nil
}

type revokeTokenCommand struct {
	tokenFile
	ID string `arg:"" name:"id" help:"The token's id: weir tokens list shows it."`
}

// Run revokes one token.
func (s *revokeTokenCommand) Run(c console) error {
	store, err := s.open(c)
	if err != nil {
		return err
	}
	if err := store.Revoke(s.ID); err != nil {
		return fmt.Errorf("revoke token %s: %w; weir tokens list shows those that there are", s.ID, err)
	}
	return nil
}
