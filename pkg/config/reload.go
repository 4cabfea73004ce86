package config

import "reflect"

// Change is one setting that differs from what a running gateway uses.
type Change struct {
	Key string
	// From and To are texts, numbers or lists, without secrets.
	From, To any
	// Restart: only a restart applies it.
	Restart bool
}

// Reload is what a running gateway turns c into, having read next: next, except
// for the settings that only a restart can change, which stay as they are. The
// changes are in the order of the settings, those that wait for a restart among
// them. Settings that only make sense together wait together: Validate holds
// for what comes of two valid configurations.
func (c Config) Reload(next Config) (merged Config, changes []Change) {
	merged = next
	for _, k := range keys() {
		from, to := k.value(c), k.value(next)
		if reflect.DeepEqual(from, to) {
			continue
		}
		changes = append(changes, Change{Key: k.path, From: plain(from), To: plain(to), Restart: k.restart})
		if k.restart {
			reflect.ValueOf(&merged).Elem().FieldByIndex(k.index).Set(reflect.ValueOf(from))
		}
	}
	return merged, changes
}
