package ingest

import (
	"strings"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Language is the BCP 47 tag of a language that a publisher names by BCP 47 or by
// ISO 639, in two letters or three, as "de" for "ger" and "deu". It is empty where
// that names none.
func Language(code string) string {
	const longest = 35 // RFC 5646, 4.4.1
	if len(code) > longest {
		return ""
	}
	tag, err := language.Parse(strings.TrimSpace(code))
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}

// LanguageName is what speakers of the language call it; empty where that is not
// known.
func LanguageName(tag string) string {
	if tag == "" {
		return ""
	}
	name := []rune(display.Self.Name(language.Make(tag)))
	if len(name) > 0 {
		name[0] = unicode.ToTitle(name[0])
	}
	return string(name)
}

// Label is a publisher's name for a track as it can be shown and written into
// playlists.
func Label(text string) string {
	const longest = 64
	var b strings.Builder
	count := 0
	for _, r := range strings.TrimSpace(text) {
		if !unicode.IsPrint(r) || r == '"' || r == '\\' || r == unicode.ReplacementChar {
			continue
		}
		if count++; count > longest {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
