package gateway

import (
	"fmt"
	"os"

	"weir/pkg/admission"
	"weir/pkg/config"
	"weir/pkg/ingest"
	"weir/pkg/webhook/sign"
)

// admissionConfig is what decides who may publish of the configuration, at the
// start and when it is reloaded.
func admissionConfig(cfg config.Config) (out admission.Config, err error) {
	if out.Keys, err = ownKeys(cfg); err != nil {
		return admission.Config{}, err
	}
	out.Passphrase = cfg.SRT.Passphrase.Reveal()
	if jwt := cfg.Auth.JWT; jwt.Given() {
		if out.Tokens, err = tokens(jwt); err != nil {
			return admission.Config{}, err
		}
	}
	hook := cfg.Auth.Webhook
	if hook.URL == "" {
		return out, nil
	}
	secret, err := sign.Parse(hook.Secret.Reveal())
	if err != nil {
		return admission.Config{}, fmt.Errorf("read auth.webhook.secret: %w", err)
	}
	out.Webhook = admission.NewWebhook(admission.WebhookConfig{
		URL: hook.URL, Secret: secret, Timeout: hook.Timeout, Remembered: hook.OnFailure == config.WebhookAllow, Check: CheckLadder,
	})
	return out, nil
}

// tokens reads the keys by which tokens are verified.
func tokens(cfg config.AuthJWT) (*admission.Tokens, error) {
	own := admission.TokenConfig{Secret: cfg.Secret.Reveal(), Audience: cfg.Audience, Check: CheckLadder}
	if cfg.KeyFile != "" {
		var err error
		if own.Keys, err = os.ReadFile(cfg.KeyFile); err != nil {
			return nil, fmt.Errorf("read auth.jwt.key_file: %w", err)
		}
	}
	read, err := admission.NewTokens(own)
	if err != nil {
		return nil, fmt.Errorf("read auth.jwt (%s): %w", cfg.KeyFile, err)
	}
	return read, nil
}

// ownKeys collects who may publish by the configuration: its streams, or one
// stream, main, with a key of its own in the data folder.
func ownKeys(cfg config.Config) (*ingest.Keys, error) {
	if cfg.Auth.Mode == config.AuthOpen {
		return ingest.OpenKeys(), nil
	}
	var keys []ingest.StreamKey
	for _, s := range cfg.Streams {
		keys = append(keys, ingest.StreamKey{Name: s.Name, Key: s.Key.Reveal(), Passphrase: s.Passphrase.Reveal()})
		if s.BackupKey != "" {
			keys = append(keys, ingest.StreamKey{Name: s.Name, Key: s.BackupKey.Reveal(), Passphrase: s.Passphrase.Reveal(), Backup: true})
		}
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
