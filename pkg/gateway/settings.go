package gateway

import (
	"fmt"
	"os"

	"weir/pkg/config"
	"weir/pkg/live"
	"weir/pkg/slate/clipfile"
	"weir/pkg/transcode"
)

// liveConfig is what streams are told of the configuration, at the start and
// when it is reloaded.
func liveConfig(cfg config.Config) (live.Config, error) {
	worker, err := workerCommand(cfg.Transcode)
	if err != nil {
		return live.Config{}, err
	}
	slate, err := openSlate(cfg.Slate)
	if err != nil {
		return live.Config{}, err
	}
	return live.Config{
		Slate:        slate,
		SwitchOn:     switchOn(cfg.Backup),
		Unending:     unending(cfg.Channels),
		ResumeWindow: cfg.Ingest.ResumeWindow,
		Latency:      transcode.Latency(cfg.Transcode.Latency),
		Encoder:      transcode.Encoder(cfg.Transcode.Encoder),
		Ladder:       ladder(cfg.Transcode), SourceOnly: cfg.Transcode.Ladder.Source(),
		KeyLadder:     keyLadder(cfg.Transcode.Preset),
		Demand:        demand(cfg.Transcode),
		AudioBitrate:  int(cfg.Transcode.AudioBitrate),
		AudioTracks:   cfg.Ingest.AudioTracks,
		WorkerCommand: worker,
	}, nil
}

// switchOn is the operator's wish in the words of live.
func switchOn(cfg config.Backup) []live.Fault {
	return mapped(cfg.SwitchOn, func(f config.Fault) live.Fault {
		return live.Fault{Kind: live.FaultKind(f.Kind), After: f.After}
	})
}

// unending are the streams of channels.
func unending(channels []config.Channel) map[string]bool {
	names := make(map[string]bool, len(channels))
	for _, c := range channels {
		names[c.Name] = true
	}
	return names
}

// Check says what is wrong with the files that a valid configuration names; nil if
// nothing is.
func Check(cfg config.Config) error {
	_, err := openSlate(cfg.Slate)
	return err
}

// openSlate reads the operator's picture or clip, if there is one.
func openSlate(cfg config.Slate) (live.Slate, error) {
	s := live.Slate{Mode: live.SlateMode(cfg.Mode), Repeat: cfg.Repeat}
	if cfg.File == "" {
		return s, nil
	}
	var err error
	if s.Clip, err = clipfile.Open(cfg.File); err != nil {
		return live.Slate{}, fmt.Errorf("slate.file: %w", err)
	}
	return s, nil
}

// keyLadder reads the ladder of a stream key.
func keyLadder(preset string) func(words string) (transcode.LadderConfig, bool, error) {
	return func(words string) (transcode.LadderConfig, bool, error) {
		own, err := config.ParseLadder(words)
		if err != nil {
			return transcode.LadderConfig{}, false, fmt.Errorf("read the ladder %q: %w", words, err)
		}
		return ladder(config.Transcode{Ladder: own, Preset: preset}), own.Source(), nil
	}
}

// ladder hands the operator's wish on in the transcoder's words.
func ladder(t config.Transcode) transcode.LadderConfig {
	cfg := transcode.LadderConfig{Preset: t.Preset}
	for _, rung := range t.Ladder.Rungs {
		cfg.Rungs = append(cfg.Rungs, transcode.RungConfig{
			Height: rung.Height, Bitrate: int(rung.Bitrate), FrameRate: rung.FPS,
		})
	}
	return cfg
}

// demand says which rungs are encoded while nobody watches them.
func demand(t config.Transcode) live.Demand {
	only, always := t.Rungs.OnDemand()
	return live.Demand{Only: only, Always: always, IdleAfter: t.IdleAfter}
}

// workerCommand runs this very program as a worker. The path is resolved once,
// so that an upgrade of the file in place does not mix two versions' protocol
// more than the worker's own hello can tell.
func workerCommand(t config.Transcode) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own path to start workers: %w", err)
	}
	command := []string{self, "worker"}
	// Drivers open devices and libraries when it pleases them.
	if t.Sandbox == config.SandboxOff || t.Encoder != string(transcode.EncoderSoftware) {
		command = append(command, "--open")
	}
	return command, nil
}
