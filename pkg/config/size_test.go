package config

import "testing"

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "500G": 500 * Gigabyte, "1.5T": 1500 * Gigabyte, " 20M ": 20 * Megabyte, "2000M": 2 * Gigabyte,
	} {
		var s, again Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %d, %v; want %d", text, s, err, want)
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%d is written %s, and read back as %d: %v", s, s, again, err)
		}
	}
	for _, text := range []string{"", "G", "-1", "1GB", "1 Gi", "1e30", "NaN", "2g"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a size", text)
		}
	}
}
