package cmcd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxField bounds one header field and the query's parameter, in bytes before
// percent-decoding. Players send a tenth of it.
const MaxField = 2 << 10

var (
	errLong   = errors.New("longer than any player's")
	errSyntax = errors.New("not a dictionary of structured fields")
)

// Parse adds to d what a header field's value or the decoded parameter of a
// query says. Of a key that is given twice the last counts. A text that breaks
// the syntax says nothing at all (RFC 8941, 4.2), and d stays as it was.
//
// The strings of d are parts of text and keep it alive.
func (d *Data) Parse(text string) error {
	if len(text) > MaxField {
		return fmt.Errorf("read client data of %d bytes: %w", len(text), errLong)
	}
	out := *d
	s := scanner{rest: text}
	s.spaces()
	for more := s.rest != ""; more; {
		key, v, ok := s.member()
		if !ok {
			return fmt.Errorf("read client data at byte %d: %w", len(text)-len(s.rest), errSyntax)
		}
		out.set(key, v)
		s.blanks()
		if more = s.rest != ""; !more {
			break
		}
		if !s.take(',') {
			return fmt.Errorf("read client data at byte %d: %w", len(text)-len(s.rest), errSyntax)
		}
		s.blanks()
		if s.rest == "" {
			return fmt.Errorf("read client data: %w: it ends in a comma", errSyntax)
		}
	}
	*d = out
	return nil
}

// scanner reads a dictionary from its beginning (RFC 8941, 4.2.2). Each method
// leaves rest at what it could not take.
type scanner struct{ rest string }

// member reads key, key=item or key=(list), with parameters.
func (s *scanner) member() (key string, v value, ok bool) {
	if key, ok = s.key(); !ok {
		return "", v, false
	}
	if !s.take('=') {
		_, ok = s.parameters()
		return key, value{kind: kindBoolean, flag: true}, ok
	}
	if s.take('(') {
		if v, ok = s.list(); !ok {
			return "", v, false
		}
	} else if v, ok = s.item(); !ok {
		return "", v, false
	}
	_, ok = s.parameters()
	return key, v, ok
}

// list reads an inner list behind its opening bracket (RFC 8941, 4.2.1.2).
func (s *scanner) list() (all value, ok bool) {
	for first := true; ; first = false {
		s.spaces()
		if s.take(')') {
			return all, true
		}
		v, ok := s.item()
		if !ok {
			return all, false
		}
		video, ok := s.parameters()
		if !ok {
			return all, false
		}
		all = all.with(v, first, video)
		if s.rest == "" || s.rest[0] != ' ' && s.rest[0] != ')' {
			return all, false
		}
	}
}

// parameters reads what follows an item; video is true if it says so, as v or av.
func (s *scanner) parameters() (video, ok bool) {
	for s.take(';') {
		s.spaces()
		key, ok := s.key()
		if !ok {
			return video, false
		}
		video = video || key == "v" || key == "av"
		if s.take('=') {
			if _, ok := s.item(); !ok {
				return video, false
			}
		}
	}
	return video, true
}

// item reads a bare item (RFC 8941, 4.2.3.1).
func (s *scanner) item() (v value, ok bool) {
	if s.rest == "" {
		return v, false
	}
	switch c := s.rest[0]; {
	case c == '"':
		v.kind = kindString
		v.text, ok = s.quoted()
	case c == '-' || isDigit(c):
		v.kind = kindNumber
		v.number, ok = s.number()
		v.sum = v.number
	case c == '?':
		v.kind = kindBoolean
		v.flag, ok = s.boolean()
	case c == ':':
		ok = s.bytes()
	case c == '@': // a date (RFC 9651, 3.3.7)
		s.rest = s.rest[1:]
		_, ok = s.number()
	case c == '*' || isLetter(c):
		v.kind = kindToken
		v.text, ok = s.while(isToken), true
	}
	return v, ok
}

// key reads a key. Those of version 1's own examples have capitals in them.
func (s *scanner) key() (string, bool) {
	if s.rest == "" || s.rest[0] != '*' && !isLetter(s.rest[0]) {
		return "", false
	}
	return s.while(isKey), true
}

// quoted reads a string (RFC 8941, 4.2.5): printable ASCII, with \" and \\.
func (s *scanner) quoted() (text string, ok bool) {
	escaped := false
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			text = s.rest[1:i]
			s.rest = s.rest[i+1:]
			if escaped {
				text = unescape(text)
			}
			return text, true
		case c == '\\':
			if i++; i == len(s.rest) || s.rest[i] != '"' && s.rest[i] != '\\' {
				return "", false
			}
			escaped = true
		case c < ' ' || c > '~':
			return "", false
		}
	}
	return "", false
}

// unescape takes the backslashes away from what quoted has checked.
func unescape(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

const (
	// maxDigits and maxWhole are those of integers and of the whole part of
	// decimals (RFC 8941, 4.2.4); players that do not round are let be with more
	// digits behind the point than the three that they may have.
	maxDigits   = 15
	maxFraction = 17
)

func (s *scanner) number() (float64, bool) {
	whole := strings.TrimPrefix(s.rest, "-")
	digits := prefix(whole, isDigit)
	if digits == 0 || digits > maxDigits {
		return 0, false
	}
	end := len(s.rest) - len(whole) + digits
	if end < len(s.rest) && s.rest[end] == '.' {
		fraction := prefix(s.rest[end+1:], isDigit)
		if fraction == 0 || fraction > maxFraction {
			return 0, false
		}
		end += 1 + fraction
	}
	n, err := strconv.ParseFloat(s.rest[:end], 64)
	s.rest = s.rest[end:]
	return n, err == nil
}

// boolean reads ?0 or ?1 (RFC 8941, 4.2.8).
func (s *scanner) boolean() (flag, ok bool) {
	if len(s.rest) < 2 || s.rest[1] != '0' && s.rest[1] != '1' {
		return false, false
	}
	flag = s.rest[1] == '1'
	s.rest = s.rest[2:]
	return flag, true
}

// bytes passes over a byte sequence (RFC 8941, 4.2.7).
func (s *scanner) bytes() bool {
	_, after, ok := strings.Cut(s.rest[1:], ":")
	if ok {
		s.rest = after
	}
	return ok
}

func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// while takes what is of a class.
func (s *scanner) while(of func(byte) bool) string {
	n := prefix(s.rest, of)
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

// spaces passes over spaces, and blanks over tabs too (RFC 8941, 4.2.2).
func (s *scanner) spaces() { s.while(func(c byte) bool { return c == ' ' }) }
func (s *scanner) blanks() { s.while(func(c byte) bool { return c == ' ' || c == '\t' }) }

func prefix(text string, of func(byte) bool) int {
	for i := range len(text) {
		if !of(text[i]) {
			return i
		}
	}
	return len(text)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isKey(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'
}

func isToken(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0
}
