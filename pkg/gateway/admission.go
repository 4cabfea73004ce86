package gateway

import (
	"fmt"

	"weir/pkg/admission"
	"weir/pkg/config"
	"weir/pkg/ingest"
)

// admissionConfig is what decides who may publish of the configuration, at the
// start and when it is reloaded.
func admissionConfig(cfg config.Config) (admission.Config, error) {
	keys, err := ownKeys(cfg)
	if err != nil {
		return admission.Config{}, err
	}
	return admission.Config{Keys: keys}, nil
}

// ownKeys collects who may publish by the configuration: its streams, or one
// stream, main, with a key of its own in the data folder.
func ownKeys(cfg config.Config) (*ingest.Keys, error) {
	if cfg.Auth.Mode == config.AuthOpen {
		return ingest.OpenKeys(), nil
	}
	var keys []ingest.StreamKey
	for _, s := range cfg.Streams {
		keys = append(keys, ingest.StreamKey{Name: s.Name, Key: s.Key.Reveal()})
	}
	if len(keys) == 0 {
		key, err := ingest.DefaultKey(cfg.DataDir)
		if err != nil {
			return nil, fmt.Errorf("open the stream key: %w", err)
		}
		keys = append(keys, ingest.StreamKey{Name: ingest.DefaultStream, Key: key})
	}
	known, err := ingest.NewKeys(keys)
	if err != nil {
		return nil, fmt.Errorf("read the stream keys of the configuration: %w", err)
	}
	return known, nil
}
