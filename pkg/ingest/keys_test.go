package ingest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/pkg/ingest"
)

func TestLookup(t *testing.T) {
	keys, err := ingest.NewKeys([]ingest.StreamKey{
		{Name: "main", Key: "main_abcdefghjkmnpqrst"},
		{Name: "studio-2", Key: "another.key~of-length"},
		{Name: "main", Key: "main_of_the_backup", Passphrase: "of the backup", Backup: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"main_abcdefghjkmnpqrst": "main", "another.key~of-length": "studio-2", "main_of_the_backup": "main"} {
		backup := strings.HasSuffix(key, "backup")
		if got, err := keys.Lookup(key); got.Stream != want || got.Rules.Backup != backup || err != nil {
			t.Errorf("%q: %+v, %v", key, got, err)
		}
	}
	if grant, _ := keys.Lookup("main_of_the_backup"); grant.Passphrase != "of the backup" {
		t.Error("the backup has another passphrase")
	}
	for key, c := range map[string]struct {
		reason ingest.Reason
		says   string
	}{
		"":                        {ingest.MissingKey, "empty"},
		"main":                    {ingest.WrongKey, "name, not its key"},
		"Studio-2":                {ingest.WrongKey, "name, not its key"},
		"main_abcdefghjkmnpqrs":   {ingest.WrongKey, "No stream has this key"},
		"main_abcdefghjkmnpqrstu": {ingest.WrongKey, "No stream has this key"},
		"MAIN_abcdefghjkmnpqrst":  {ingest.WrongKey, "No stream has this key"},
	} {
		grant, err := keys.Lookup(key)
		var rejection *ingest.Rejection
		if !errors.As(err, &rejection) || rejection.Reason != c.reason || grant.Stream != "" || !strings.Contains(rejection.Message, c.says) {
			t.Errorf("%q: %q, %v", key, grant.Stream, err)
		}
		if len(key) > 16 && strings.Contains(err.Error(), key) {
			t.Errorf("%q: the message repeats it", key)
		}
	}
}

func TestOpenKeys(t *testing.T) {
	keys := ingest.OpenKeys()
	if grant, err := keys.Lookup("camera_1"); grant.Stream != "camera_1" || err != nil {
		t.Errorf("%q, %v", grant.Stream, err)
	}
	for _, key := range []string{"", "Camera", "../etc", "a b", "ü"} {
		var rejection *ingest.Rejection
		if grant, err := keys.Lookup(key); grant.Stream != "" || !errors.As(err, &rejection) {
			t.Errorf("%q: %q, %v", key, grant.Stream, err)
		}
	}
}

func TestNewKeysReportsEveryMistakeAtOnce(t *testing.T) {
	_, err := ingest.NewKeys([]ingest.StreamKey{
		{Name: "a", Key: "0123456789abcdef"},
		{Name: "b", Key: "0123456789abcdef"},
		{Name: "a", Key: "0123456789abcdeg"},
		{Name: "c", Key: "short"},
		{Name: "d", Key: "with a space in it"},
		{Name: "Big", Key: "0123456789abcdeh"},
		{Name: "e", Key: strings.Repeat("x", 129)},
		{Name: "f", Key: "0123456789abcdei"},
		{Name: "f", Key: "0123456789abcdei", Backup: true},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, says := range []string{
		"streams a and b have the same key", "stream a is there twice", "key of stream c has 5 characters",
		"key of stream d has characters", `stream name "Big"`, "key of stream e has 129 characters",
		"the backup of stream f has the stream's own key",
	} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("nothing says %q in:\n%v", says, err)
		}
	}
	for _, secret := range []string{"0123456789abcdef", "short", "with a space"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the message shows the key %q", secret)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"main": true, "a": true, "0": true, "a-b_c": true, strings.Repeat("a", 64): true,
		"": false, "A": false, "-a": false, "_a": false, "a/b": false, "a.b": false, "..": false, "ä": false,
		"a b": false, "main\x00": false, "a\n": false, strings.Repeat("a", 65): false,
	} {
		if got := ingest.ValidName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestDefaultKeyIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := ingest.DefaultKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ingest.DefaultKey(dir)
	if err != nil || second != first {
		t.Errorf("%v, or another key", err)
	}
	if _, err = ingest.NewKeys([]ingest.StreamKey{{Name: ingest.DefaultStream, Key: first}}); err != nil {
		t.Errorf("it is refused: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "stream-key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	other, err := ingest.DefaultKey(t.TempDir())
	if err != nil || other == first || len(other) != len("main_")+28 || strings.ContainsAny(other[5:], "ilo01") {
		t.Errorf("a second key %q, %v", other, err)
	}
}

func TestDamagedDefaultKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "stream-key")
	if err := os.WriteFile(path, []byte("oops\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := ingest.DefaultKey(dir); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("%q, %v", key, err)
	}
	if raw, _ := os.ReadFile(path); string(raw) != "oops\n" {
		t.Errorf("the file is %q now", raw)
	}
}

func TestPassphrase(t *testing.T) {
	keys, err := ingest.NewKeys([]ingest.StreamKey{
		{Name: "one", Key: "key-of-stream-one", Passphrase: "for stream one"}, {Name: "two", Key: "key-of-stream-two"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"key-of-stream-one": "for stream one", "key-of-stream-two": "", "unknown": "", "": ""} {
		if got, _ := keys.Lookup(key); got.Passphrase != want {
			t.Errorf("%q: %q, want %q", key, got.Passphrase, want)
		}
	}
}
