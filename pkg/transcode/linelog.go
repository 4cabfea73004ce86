package transcode

import (
	"log/slog"
	"strings"

	"golang.org/x/time/rate"
)

// lineLogger logs what a worker writes to its standard error: libraries'
// words, and the trace of a crash.
type lineLogger struct {
	log     *slog.Logger
	limiter *rate.Limiter
	rest    []byte
}

// maxLine cuts lines that do not end.
const maxLine = 1 << 10

func (l *lineLogger) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := strings.Cut(string(l.rest), "\n")
		if !found && len(l.rest) < maxLine {
			return len(p), nil
		}
		l.rest = append(l.rest[:0], rest...)
		if line = strings.TrimSpace(line); line != "" && l.limiter.Allow() {
			l.log.Warn("worker wrote", slog.String("text", line[:min(len(line), maxLine)]))
		}
	}
}
