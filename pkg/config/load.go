package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// variablePrefix begins the name of every variable that is read.
const variablePrefix = "WEIR_"

// FileVariable names the configuration file in the environment. The command
// line reads it; it is not a key.
const FileVariable = variablePrefix + "CONFIG"

// TokenVariable is where commands that ask a gateway's API find their token; it
// is not a key either.
const TokenVariable = variablePrefix + "TOKEN"

// Sources is where a configuration comes from. What comes later overrides what
// comes earlier, key by key; a list is replaced as a whole.
type Sources struct {
	// Path is a YAML file; "" for none.
	Path string
	// Environ is "NAME=value", as from os.Environ.
	Environ []string
	// Flags holds the values of the flags that were given, by key.
	Flags map[string]string
}

// Load reads the configuration and validates it. The error is Errors, with
// everything that is wrong in all sources, or says why the file cannot be
// read. Warnings are variables that are probably not meant for Weir.
func Load(sources Sources) (cfg Config, warnings []Problem, err error) {
	l := loader{all: keys(), cfg: Default(), values: koanf.New("."), origin: make(map[string]string)}
	if sources.Path != "" {
		if err := l.file(sources.Path); err != nil {
			return Config{}, nil, err
		}
	}
	if err := l.environment(sources.Environ); err != nil {
		return Config{}, nil, err
	}
	if err := l.flags(sources.Flags); err != nil {
		return Config{}, nil, err
	}
	l.decode()
	if err := l.cfg.Validate(); err != nil {
		var found Errors
		if !errors.As(err, &found) {
			return Config{}, nil, err
		}
		l.report(found)
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return l.rank(a.Key) - l.rank(b.Key) })
	return l.cfg, l.warnings, l.problems.err()
}

// loader is one run of Load.
type loader struct {
	all    []key
	cfg    Config
	values *koanf.Koanf
	// origin is the source that gave a key its value.
	origin   map[string]string
	problems Errors
	warnings []Problem
}

// file merges a YAML file.
func (l *loader) file(path string) error {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the configuration: %w; copy weir.example.yaml there, or start without --config", err)
		}
		return fmt.Errorf("read the configuration %s: %w; mind the indentation and quote values that contain \": \" or \"#\"", path, err)
	}
	return l.merge(k, func(string) string { return path })
}

// environment merges the variables that begin with variablePrefix.
func (l *loader) environment(environ []string) error {
	byVariable := make(map[string]key, len(l.all))
	variables := make([]string, 0, len(l.all))
	for _, k := range l.all {
		byVariable[k.variable()] = k
		variables = append(variables, k.variable())
	}
	provider := env.Provider(".", env.Opt{
		Prefix:      variablePrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(variable, value string) (string, any) {
			if k, ok := byVariable[variable]; ok {
				return k.path, value
			}
			if variable != FileVariable && variable != TokenVariable {
				l.strange(variable, suggest(variable, variables))
			}
			return "", nil
		},
	})
	k := koanf.New(".")
	if err := k.Load(provider, nil); err != nil {
		return fmt.Errorf("read the environment: %w", err)
	}
	return l.merge(k, func(path string) string { return l.key(path).variable() })
}

// strange reports a variable that is no key: a mistake if it is nearly one;
// else it may well be another program's (Kubernetes makes WEIR_SERVICE_HOST
// for a service called weir).
func (l *loader) strange(variable, near string) {
	if near != "" {
		l.problems = append(l.problems, unknown(variable, "Did you mean "+near+"?"))
		return
	}
	l.warnings = append(l.warnings, unknown(variable, "It was ignored."))
}

// flags merges the command line.
func (l *loader) flags(flags map[string]string) error {
	given := make(map[string]any, len(flags))
	for path, value := range flags {
		given[path] = value
	}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(given, "."), nil); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	return l.merge(k, func(path string) string { return "--" + l.key(path).flag() })
}

// merge takes the known keys of k over and reports the others.
func (l *loader) merge(k *koanf.Koanf, source func(path string) string) error {
	known := make(map[string]any)
	for _, path := range k.Keys() {
		value := k.Get(path)
		switch {
		case value == nil:
			// A section or key with nothing behind it stays as it was.
		case l.key(path).path != "":
			known[path] = value
			l.origin[path] = source(path)
		case l.section(path):
			if table, isMap := value.(map[string]any); isMap && len(table) == 0 {
				continue
			}
			l.problems = append(l.problems, Problem{
				Key: path, Source: source(path), What: "is a section, not a value",
				Remedy: fmt.Sprintf("Write %s below it.", strings.TrimPrefix(l.first(path), path+".")),
			})
		default:
			p := unknown(path, suggestion(suggestKey(path, l.all), nil))
			p.Source = source(path)
			l.problems = append(l.problems, p)
		}
	}
	if err := l.values.Load(confmap.Provider(known, "."), nil); err != nil {
		return fmt.Errorf("merge the configuration: %w", err)
	}
	return nil
}

// decode turns the merged values into l.cfg.
func (l *loader) decode() {
	for _, k := range l.all {
		if l.values.Exists(k.path) {
			l.report(decode(&l.cfg, k, l.values.Get(k.path)))
		}
	}
	l.cfg.PublicURL = strings.TrimRight(l.cfg.PublicURL, "/")
}

// report adds problems with the sources of their keys. Of a value that could
// not be read, nothing more is said.
func (l *loader) report(problems Errors) {
	known := slices.Clone(l.problems)
	for _, p := range problems {
		if slices.ContainsFunc(known, func(q Problem) bool { return p.Key == q.Key || strings.HasPrefix(p.Key, q.Key+".") }) {
			continue
		}
		path, _, _ := strings.Cut(p.Key, "[")
		p.Source = l.origin[path]
		l.problems = append(l.problems, p)
	}
}

// key is the setting at path, the zero key if there is none.
func (l *loader) key(path string) key {
	for _, k := range l.all {
		if k.path == path {
			return k
		}
	}
	return key{}
}

// section reports whether path is that of a group of settings.
func (l *loader) section(path string) bool { return l.first(path) != "" }

// first is the first setting in a section, "" if there is no such section.
func (l *loader) first(section string) string {
	for _, k := range l.all {
		if strings.HasPrefix(k.path, section+".") {
			return k.path
		}
	}
	return ""
}

// rank is the place of a problem's key in the struct; unknown keys come first.
func (l *loader) rank(path string) int {
	path, _, _ = strings.Cut(path, "[")
	return slices.IndexFunc(l.all, func(k key) bool { return k.path == path })
}

// unknown is the problem of a key that does not exist.
func unknown(path, remedy string) Problem {
	return Problem{Key: path, What: "is not a setting", Remedy: remedy}
}

// suggestion names the nearest key, or where to find them all.
func suggestion(near string, all []string) string {
	switch {
	case near != "":
		return "Did you mean " + near + "?"
	case len(all) > 0:
		return "Write one of: " + strings.Join(all, ", ") + "."
	default:
		return "All settings are in weir.example.yaml."
	}
}
