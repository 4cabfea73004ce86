package main

import (
	"fmt"

	"weir/pkg/config"
	"weir/pkg/gateway"
)

type checkCommand struct {
	configFile
}

// Run prints the configuration that serve would use, or fails with all that is
// wrong with it.
func (s *checkCommand) Run(c console) error {
	cfg, warnings, err := config.Load(config.Sources{Path: s.path(), Environ: c.environ})
	for _, warning := range warnings {
		if _, printed := fmt.Fprintln(c.err, "weir: warning:", warning); printed != nil {
			return fmt.Errorf("write a warning: %w", printed)
		}
	}
	if err != nil {
		return err
	}
	if err := gateway.Check(cfg); err != nil {
		return err //nolint:wrapcheck // it names the setting and what to do.
	}
	if _, err := fmt.Fprint(c.out, cfg); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
