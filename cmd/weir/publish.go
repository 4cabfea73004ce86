package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"weir/pkg/config"
	"weir/pkg/publish"
)

type publishCommand struct {
	File  string   `arg:"" help:"An FLV file, or an MP4 file with H.264, HEVC or AV1, and AAC, Opus, FLAC or AC-3."`
	URL   string   `arg:"" help:"Where to: rtmp://HOST:1935/live/KEY, or rtmps://."`
	Track []string `placeholder:"FILE" help:"A file whose video is sent beside it, as a further track (Enhanced RTMP): the same pictures at another quality. May be repeated."`
	Loop  bool     `help:"Play the file again and again, without a seam in its times."`
	Speed float64  `default:"1" help:"How much faster than real time to go."`
	Retry bool     `help:"Connect again when the connection is lost, and go on."`
}

// Run publishes until the file has ended or a signal comes.
func (p *publishCommand) Run(ctx context.Context, c console) error {
	options := publish.Options{
		File: p.File, Tracks: p.Track, URL: p.URL, Loop: p.Loop, Speed: p.Speed, Retry: p.Retry,
		Log: newLog(config.Default().Log, slog.LevelInfo, c.err),
	}
	if isTerminal(c.err) {
		options.Progress = func(now publish.Progress) { _, _ = io.WriteString(c.err, "\r"+progressLine(now)+"  ") }
		defer func() { _, _ = io.WriteString(c.err, "\n") }()
	}
	return publish.Run(ctx, options)
}

// progressLine is one line about how it goes.
func progressLine(now publish.Progress) string {
	line := now.Media.Truncate(time.Second).String()
	if seconds := now.Media.Seconds(); seconds > 0 {
		line += fmt.Sprintf("  %.1f Mb/s", float64(now.Bytes)*8/1e6/seconds)
	}
	if now.Round > 1 {
		line += fmt.Sprintf("  round %d", now.Round)
	}
	// A little lateness is the timer's; more is the network's.
	if now.Late > 200*time.Millisecond {
		line += fmt.Sprintf("  %v late", now.Late.Round(100*time.Millisecond))
	}
	return line
}

// isTerminal reports whether w is a terminal, where a line can be overwritten.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
