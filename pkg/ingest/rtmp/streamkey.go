package rtmp

import (
	"strings"
	"unicode"

	"weir/pkg/ingest"
)

// application is the one path that publishers use: rtmp://HOST/live/KEY.
const application = "live"

// checkApplication judges the application of a connect command, which is the
// server URL's path, and tells creators' usual mistakes apart.
func checkApplication(app string) error {
	app, _, _ = strings.Cut(app, "?")
	if trimmed := strings.TrimSpace(app); trimmed != app {
		return &ingest.Rejection{
			Reason:  ingest.StraySpaces,
			Message: "There is a space or line break at the end of the server URL. Remove it: the URL ends in /" + application + ".",
		}
	}
	app = strings.Trim(app, "/")
	first, rest, _ := strings.Cut(app, "/")
	switch {
	case first == application && rest == "":
		return nil
	case first == application:
		return &ingest.Rejection{
			Reason: ingest.KeyInServerField,
			Message: "The server URL has more after /" + application + ". If that is the stream key, move it to the " +
				"encoder's \"Stream Key\" field: the server URL ends in /" + application + ".",
		}
	}
	return &ingest.Rejection{
		Reason:  ingest.UnknownApplication,
		Message: "The server URL must end in /" + application + ", such as rtmp://HOST:1935/" + application + ", with the stream key in its own field.",
	}
}

// publicApplication is an application as it may be shown: where it is as long as a
// key, or has more behind it, that may be one.
func publicApplication(app string) string {
	const shortestKey = 16
	app, _, _ = strings.Cut(strings.TrimLeft(app, "/"), "?")
	first, _, more := strings.Cut(app, "/")
	switch first = printable(first); {
	case len(first) >= shortestKey:
		return "…"
	case more:
		return first + "/…"
	}
	return first
}

// checkKey judges the form of a stream key, without its query string; whether
// a stream has this key is the Gate's to say.
func checkKey(name string) (key string, err error) {
	key, _, _ = strings.Cut(name, "?")
	switch {
	case strings.TrimSpace(key) == "":
		return "", &ingest.Rejection{
			Reason:  ingest.MissingKey,
			Message: "The stream key is empty. Copy it from Weir into the encoder's \"Stream Key\" field.",
		}
	case strings.ContainsFunc(key, stray):
		return "", &ingest.Rejection{
			Reason:  ingest.StraySpaces,
			Message: "There is a space or line break in the stream key. Copy the key again, without anything around it.",
		}
	}
	return key, nil
}

// stray reports what has no place in a key and cannot be seen in a text field.
func stray(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// printable is foreign text fit for a log: at most 128 characters that print.
func printable(s string) string {
	const most = 128
	var b strings.Builder
	count := 0
	for _, r := range s {
		if count == most {
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			count++
		}
	}
	return b.String()
}
