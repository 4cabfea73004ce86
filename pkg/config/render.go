package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// Settings is every setting by its path, such as "rtmp.address", without the
// secrets: texts, numbers and lists.
func (c Config) Settings() map[string]any {
	flat := make(map[string]any)
	for _, k := range keys() {
		flat[k.path] = plain(k.value(c))
	}
	return flat
}

// String is the whole configuration as YAML without its secrets.
func (c Config) String() string {
	values := koanf.New(".")
	if err := values.Load(confmap.Provider(c.Settings(), "."), nil); err != nil {
		return fmt.Sprintf("(the configuration cannot be shown: %v)", err)
	}
	text, err := values.Marshal(yaml.Parser())
	if err != nil {
		return fmt.Sprintf("(the configuration cannot be shown: %v)", err)
	}
	return string(text)
}

// LogValue is every setting without the secrets.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, k := range keys() {
		attrs = append(attrs, slog.Any(k.path, plain(k.value(c))))
	}
	return slog.GroupValue(attrs...)
}

// plain is a setting as text, number or list, without secrets.
func plain(value any) any {
	switch value := value.(type) {
	case int:
		return value
	case time.Duration:
		return duration(value)
	case []string:
		texts := make([]any, len(value))
		for i, text := range value {
			texts[i] = text
		}
		return texts
	case []netip.Prefix:
		return inWords(value)
	case []Stream:
		streams := make([]any, len(value))
		for i, s := range value {
			fields := map[string]any{"name": s.Name, "key": s.Key.String()}
			if s.BackupKey != "" {
				fields["backup_key"] = s.BackupKey.String()
			}
			if s.Passphrase != "" {
				fields["passphrase"] = s.Passphrase.String()
			}
			streams[i] = fields
		}
		return streams
	case []Channel:
		channels := make([]any, len(value))
		for i, c := range value {
			channels[i] = map[string]any{"name": c.Name, "files": plain(c.Files)}
		}
		return channels
	case []Fault:
		return inWords(value)
	case []Webhook:
		webhooks := make([]any, len(value))
		for i, w := range value {
			webhooks[i] = map[string]any{"url": w.place(), "secret": w.Secret.String(), "events": plain(w.Events)}
		}
		return webhooks
	default:
		return fmt.Sprint(value)
	}
}

// inWords is each as text.
func inWords[T fmt.Stringer](all []T) []any {
	texts := make([]any, len(all))
	for i, one := range all {
		texts[i] = one.String()
	}
	return texts
}
