package config

import (
	"reflect"
	"strings"
)

// key is one setting, made from the tags of Config.
type key struct {
	// path is the key in the file: "ingest.idle_timeout".
	path string
	help string
	// enum lists the words that the setting may be; nil if it is free.
	enum []string
	// restart: a running gateway cannot change it.
	restart bool
	// index leads to the field in Config.
	index []int
}

// keys lists every setting in the order of the struct.
func keys() []key { return collect(reflect.TypeFor[Config](), key{}) }

func collect(t reflect.Type, parent key) []key {
	var all []key
	for i := range t.NumField() {
		field := t.Field(i)
		k := key{
			path:    field.Tag.Get("key"),
			help:    field.Tag.Get("help"),
			restart: parent.restart || field.Tag.Get("change") == "restart",
			index:   append(append([]int{}, parent.index...), i),
		}
		if parent.path != "" {
			k.path = parent.path + "." + k.path
		}
		if k.help == "" {
			k.help = parent.help
		}
		if words := field.Tag.Get("enum"); words != "" {
			k.enum = strings.Split(words, ",")
		}
		if isSection(field.Type) {
			all = append(all, collect(field.Type, k)...)
			continue
		}
		all = append(all, k)
	}
	return all
}

// isSection tells a group of settings from a setting that is a struct.
func isSection(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return false
	}
	_, tagged := t.Field(0).Tag.Lookup("key")
	return tagged
}

// variable is the name in the environment: WEIR_INGEST_IDLE_TIMEOUT.
func (k key) variable() string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// flag is the name on the command line, without dashes:
// ingest.idle-timeout.
func (k key) flag() string { return strings.ReplaceAll(k.path, "_", "-") }

// pointer is a pointer to the setting's field in c.
func (k key) pointer(c *Config) any {
	return reflect.ValueOf(c).Elem().FieldByIndex(k.index).Addr().Interface()
}

// value is the setting in c.
func (k key) value(c Config) any {
	return reflect.ValueOf(c).FieldByIndex(k.index).Interface()
}
