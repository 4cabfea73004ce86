package config

import (
	"encoding"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decode stores raw, a value from a file, a variable or a flag, in the field
// of k in c. What is wrong with it comes back without Source. A single value
// that is wrong leaves the field as it was; a list takes a zero element instead,
// so that the others keep their places.
func decode(c *Config, k key, raw any) Errors {
	switch field := k.pointer(c).(type) {
	case *[]netip.Prefix:
		return decodeProxies(field, k.path, raw)
	case *[]Stream:
		return decodeStreams(field, k.path, raw)
	case *[]Channel:
		return decodeChannels(field, k.path, raw)
	case *[]Fault:
		return decodeFaults(field, k.path, raw)
	case *[]Webhook:
		return decodeWebhooks(field, k.path, raw)
	case *[]string:
		return decodeTexts(field, k.path, raw)
	case *Ladder:
		return decodeLadder(field, k.path, raw)
	default:
		return decodeScalar(field, k, raw)
	}
}

func decodeScalar(field any, k key, raw any) Errors {
	text, ok := scalar(raw)
	if !ok {
		return Errors{{Key: k.path, What: "has more than one value", Remedy: "Write a single one."}}
	}
	wrong := func(what, remedy string) Errors {
		return Errors{{Key: k.path, Value: text, What: what, Remedy: remedy}}
	}
	switch field := field.(type) {
	case *string:
		*field = text
	case *Secret:
		*field = Secret(text)
	case *AuthMode:
		*field = AuthMode(text)
	case *WebhookFailure:
		*field = WebhookFailure(text)
	case *TLSMode:
		*field = TLSMode(text)
	case *Rungs:
		*field = Rungs(text)
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return wrong("is not a whole number", fmt.Sprintf("Write it in digits, such as %d.", *field))
		}
		*field = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return wrong("is not a duration", fmt.Sprintf("Write a number with a unit, such as %s.", duration(*field)))
		}
		*field = d
	case *Size:
		if err := field.UnmarshalText([]byte(text)); err != nil {
			return wrong(err.Error(), "Write bytes with M, G or T, such as 500G.")
		}
	case encoding.TextUnmarshaler:
		if err := field.UnmarshalText([]byte(text)); err != nil {
			return wrong(err.Error(), remedyBitrate)
		}
	default:
		panic(fmt.Sprintf("config: no way to read %s, a %T", k.path, field))
	}
	return nil
}

const remedyBitrate = "Write bits per second with k or M, such as 2500k or 6M."

// scalar is raw as text; ok is false for a list or a map.
func scalar(raw any) (text string, ok bool) {
	switch raw := raw.(type) {
	case []any, map[string]any:
		return "", false
	case string:
		return strings.TrimSpace(raw), true
	default:
		return fmt.Sprint(raw), true
	}
}

// list is raw as its elements: a YAML list, or text with commas.
func list(raw any) []any {
	if elements, ok := raw.([]any); ok {
		return elements
	}
	text, ok := scalar(raw)
	if !ok {
		return []any{raw}
	}
	var elements []any
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			elements = append(elements, part)
		}
	}
	return elements
}

func decodeProxies(field *[]netip.Prefix, path string, raw any) Errors {
	var problems Errors
	proxies := []netip.Prefix{}
	for i, element := range list(raw) {
		text, _ := scalar(element)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(text); err == nil {
				prefix, err = address.Prefix(address.BitLen())
			}
		}
		if err != nil {
			problems = append(problems, Problem{
				Key: fmt.Sprintf("%s[%d]", path, i), Value: text, What: "is neither an IP address nor a network",
				Remedy: "Write one such as 10.0.0.5 or 10.0.0.0/8.",
			})
			continue
		}
		proxies = append(proxies, prefix.Masked())
	}
	if len(problems) == 0 {
		*field = proxies
	}
	return problems
}

func decodeTexts(field *[]string, path string, raw any) Errors {
	var problems Errors
	var texts []string
	for i, element := range list(raw) {
		text, ok := scalar(element)
		if !ok {
			problems = append(problems, Problem{
				Key: fmt.Sprintf("%s[%d]", path, i), What: "has more than one value", Remedy: "Write a single one.",
			})
		}
		texts = append(texts, text)
	}
	*field = texts
	return problems
}

func decodeStreams(field *[]Stream, path string, raw any) Errors {
	var problems Errors
	streams := []Stream{}
	for i, element := range list(raw) {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch element := element.(type) {
		case map[string]any:
			fields, wrong := entries(element, at, "name", "key", "backup_key", "passphrase")
			problems = append(problems, wrong...)
			streams = append(streams, Stream{
				Name: fields["name"], Key: Secret(fields["key"]), BackupKey: Secret(fields["backup_key"]), Passphrase: Secret(fields["passphrase"]),
			})
		default:
			// Never the value itself in a problem: it holds a key.
			text, _ := scalar(element)
			name, secret, ok := strings.Cut(text, ":")
			if !ok {
				problems = append(problems, Problem{
					Key: at, What: "has no key",
					Remedy: "Write name:key, or in the file an entry with name and key.",
				})
				name = "" // It may be the key.
			}
			streams = append(streams, Stream{Name: strings.TrimSpace(name), Key: Secret(strings.TrimSpace(secret))})
		}
	}
	*field = streams
	return problems
}

func decodeLadder(field *Ladder, path string, raw any) Errors {
	if text, ok := scalar(raw); ok && !strings.ContainsAny(text, "0123456789,") {
		*field = Ladder{Mode: LadderMode(text)}
		return nil
	}
	var problems Errors
	ladder := Ladder{Mode: LadderList}
	for i, element := range list(raw) {
		rung, wrong := decodeRung(element, fmt.Sprintf("%s[%d]", path, i))
		problems = append(problems, wrong...)
		ladder.Rungs = append(ladder.Rungs, rung)
	}
	*field = ladder
	return problems
}

func decodeRung(element any, at string) (rung Rung, problems Errors) {
	if text, ok := scalar(element); ok {
		if err := rung.UnmarshalText([]byte(text)); err != nil {
			return rung, Errors{{
				Key: at, Value: text, What: err.Error(),
				Remedy: `Write it as 720p:2500k or 720p30:2500k, or the whole ladder as "auto" or "source".`,
			}}
		}
		return rung, nil
	}
	table, ok := element.(map[string]any)
	if !ok {
		return rung, Errors{{Key: at, What: "is a list in the list", Remedy: "Write {height: 720, bitrate: 2500k}."}}
	}
	fields, problems := entries(table, at, "height", "bitrate", "fps")
	for name, number := range map[string]*int{"height": &rung.Height, "fps": &rung.FPS} {
		text, given := fields[name]
		if !given {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			problems = append(problems, Problem{
				Key: at + "." + name, Value: text, What: "is not a whole number", Remedy: "Write it in digits.",
			})
		}
		*number = n
	}
	if text, given := fields["bitrate"]; given {
		if err := rung.Bitrate.UnmarshalText([]byte(text)); err != nil {
			problems = append(problems, Problem{Key: at + ".bitrate", Value: text, What: err.Error(), Remedy: remedyBitrate})
		}
	}
	return rung, problems
}

// entries is the map of one list element as text. The first name is required;
// others than the names are reported.
func entries(table map[string]any, at string, names ...string) (map[string]string, Errors) {
	var problems Errors
	fields := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		text, ok := scalar(table[name])
		switch {
		case !slices.Contains(names, name):
			problems = append(problems, unknown(at+"."+name, suggestion(suggest(name, names), names)))
		case !ok:
			problems = append(problems, Problem{Key: at + "." + name, What: "has more than one value", Remedy: "Write a single one."})
		case table[name] != nil:
			fields[name] = text
		}
	}
	if fields[names[0]] == "" {
		problems = append(problems, Problem{Key: at, What: "has no " + names[0], Remedy: "Add it."})
	}
	return fields, problems
}

// duration is d as it is written in a file: "1m0s" is "1m".
func duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
