package token_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/pkg/token"
)

func TestLifeOfAToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	// The command line and the gateway have a Store each.
	gateway, command := token.Open(dir), token.Open(dir)
	if _, ok, err := gateway.Find("weir_x"); ok || err != nil {
		t.Fatalf("nothing is there yet: %v %v", ok, err)
	}
	first, err := gateway.First()
	if err != nil || len(first) != len("weir_")+40 {
		t.Fatalf("%q %v", first, err)
	}
	again, err := command.First()
	if err != nil || again != "" {
		t.Errorf("a second first token: %q %v", again, err)
	}
	made, secret, err := command.Create("grafana", "viewer")
	if err != nil {
		t.Fatal(err)
	}
	found, ok, err := gateway.Find(secret)
	if err != nil || !ok || found != made || found.Scope != "viewer" || found.Name != "grafana" {
		t.Errorf("the gateway does not know what the command made: %+v %v %v", found, ok, err)
	}
	all, err := gateway.List()
	if err != nil || len(all) != 2 || all[0].Scope != "admin" {
		t.Errorf("%+v %v", all, err)
	}
	for _, known := range all {
		if err = command.Revoke(known.ID); err != nil {
			t.Error(err)
		}
	}
	if _, ok, _ := gateway.Find(secret); ok {
		t.Error("a revoked token is still good")
	}
	if err = command.Revoke(made.ID); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
	if again, err = gateway.First(); err != nil || again != "" {
		t.Errorf("whoever revoked every token gets no new one by a restart: %q %v", again, err)
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	dir := t.TempDir()
	secret, err := token.Open(dir).First()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tokens.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), strings.TrimPrefix(secret, "weir_")) {
		t.Error("the file holds the secret")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v %v", info.Mode(), err)
	}
}

func TestRefused(t *testing.T) {
	s := token.Open(t.TempDir())
	for _, c := range []struct {
		name, scope string
		want        error
	}{
		{"", "viewer", token.ErrName},
		{" x", "viewer", token.ErrName},
		{"two\nlines", "viewer", token.ErrName},
		{strings.Repeat("x", 65), "viewer", token.ErrName},
		{"x", "root", token.ErrScope},
		{"x", "", token.ErrScope},
	} {
		if _, _, err := s.Create(c.name, c.scope); !errors.Is(err, c.want) {
			t.Errorf("%q %q: %v", c.name, c.scope, err)
		}
	}
}

func TestNothingIsLostBetweenProcesses(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, _, err := token.Open(dir).Create("one of many", "viewer"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := token.Open(dir).List(); err != nil || len(list) != 20 {
		t.Errorf("%d of 20 are there, %v", len(list), err)
	}
}

func TestBrokenFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Open(dir).First(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not say which file: %v", err)
	}
}
