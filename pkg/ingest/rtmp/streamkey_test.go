package rtmp

import (
	"errors"
	"strings"
	"testing"

	"weir/pkg/ingest"
)

// reasonOf is the reason of a rejection, "" for nil and "?" for other errors.
func reasonOf(err error) ingest.Reason {
	if err == nil {
		return ""
	}
	if rejection, ok := errors.AsType[*ingest.Rejection](err); ok {
		return rejection.Reason
	}
	return "?"
}

func TestApplication(t *testing.T) {
	t.Parallel()
	for app, want := range map[string]ingest.Reason{
		"live":                 "",
		"live/":                "",
		"/live":                "",
		"live?token=1":         "",
		"live ":                ingest.StraySpaces,
		"live\r\n":             ingest.StraySpaces,
		"live/SECRET":          ingest.KeyInServerField,
		"live/a/b":             ingest.KeyInServerField,
		"":                     ingest.UnknownApplication,
		"Live":                 ingest.UnknownApplication,
		"app":                  ingest.UnknownApplication,
		"SECRET":               ingest.UnknownApplication,
		"livestream/live":      ingest.UnknownApplication,
		"app?x=/live":          ingest.UnknownApplication,
		strings.Repeat("/", 9): ingest.UnknownApplication,
	} {
		err := checkApplication(app)
		if got := reasonOf(err); got != want {
			t.Errorf("application %q: %q, want %q", app, got, want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("application %q: the message tells the key: %v", app, err)
		}
	}
}

func TestKeyForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		key    string
		reason ingest.Reason
	}{
		"SECRET":                  {"SECRET", ""},
		"SECRET?a=b":              {"SECRET", ""},
		"SECRET?with a space":     {"SECRET", ""},
		"":                        {"", ingest.MissingKey},
		"?a=b":                    {"", ingest.MissingKey},
		"  ":                      {"", ingest.MissingKey},
		" SECRET":                 {"", ingest.StraySpaces},
		"SECRET\n":                {"", ingest.StraySpaces},
		"SEC RET":                 {"", ingest.StraySpaces},
		"SECRET\u200b":            {"", ingest.StraySpaces},
		"SECRET\u00a0?a=b":        {"", ingest.StraySpaces},
		"rtmp://HOST/live/SECRET": {"rtmp://HOST/live/SECRET", ""},
	} {
		key, err := checkKey(name)
		if key != want.key || reasonOf(err) != want.reason {
			t.Errorf("key %q: %q, %q; want %+v", name, key, reasonOf(err), want)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"OBS 30.1\x00\n\x1b[31m":   "OBS 30.1[31m",
		"Übertragung\xff":          "Übertragung",
		strings.Repeat("é", 1_000): strings.Repeat("é", 128),
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}
