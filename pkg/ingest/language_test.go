package ingest_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"weir/pkg/ingest"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"deu": "de", "ger": "de", "de": "de", "DEU": "de", "eng": "en", "fra": "fr", "fre": "fr", "chi": "zh", "zho": "zh",
		"gsw": "gsw", "pt-br": "pt-BR", "qaa": "qaa", "zxx": "zxx", " nld ": "nl",
		"und": "", "": "", "\x00\x00\x00": "", "x": "", "123": "", "zz9": "", strings.Repeat("en-", 20): "",
	} {
		if got := ingest.Language(code); got != want {
			t.Errorf("%q is %q, want %q", code, got, want)
		}
	}
	for tag, want := range map[string]string{"de": "Deutsch", "fr": "Français", "ja": "日本語", "": "", "qaa": ""} {
		if got := ingest.LanguageName(tag); got != want {
			t.Errorf("%q is called %q, want %q", tag, got, want)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, code := range []string{"deu", "pt-BR", "x-y", "\xff\xff\xff", "i-klingon"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		tag := ingest.Language(code)
		if again := ingest.Language(tag); tag != "" && again != tag {
			t.Errorf("%q is %q, and that is %q", code, tag, again)
		}
		if ingest.LanguageName(tag); len(tag) > 35 || strings.ContainsAny(tag, "\"\n,<>") {
			t.Errorf("%q is %q", code, tag)
		}
		if label := ingest.Label(code); utf8.RuneCountInString(label) > 64 || strings.ContainsAny(label, "\"\n\\") || ingest.Label(label) != label {
			t.Errorf("%q is labelled %q", code, label)
		}
	})
}
