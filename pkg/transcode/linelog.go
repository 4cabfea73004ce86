package transcode

import (
	"bytes"
	"context"
	"errors"
	"log/slog"

	"golang.org/x/time/rate"
)

const (
	// Lines that a worker may log per second, and at once.
	linesPerSecond, lineBurst = 5, 20
	// What it may say beyond that, which is dropped, before it is killed for
	// it. A damaged source makes a few lines for each picture.
	chatPerSecond, chatBurst = 1_000, 10_000
	// maxLine cuts lines that do not end, in bytes.
	maxLine = 1 << 10
)

// errFlood is why a worker was killed that says too much.
var errFlood = errors.New("worker floods the gateway with words")

// patience limits what a worker says, on the pipe and on standard error.
type patience struct{ log, bear *rate.Limiter }

func newPatience() patience {
	return patience{rate.NewLimiter(linesPerSecond, lineBurst), rate.NewLimiter(chatPerSecond, chatBurst)}
}

// hear reports whether one more line may be logged; the error is errFlood.
func (p patience) hear() (logged bool, err error) {
	if !p.bear.Allow() {
		return false, errFlood
	}
	return p.log.Allow(), nil
}

// report logs a line of the worker's.
func (p *process) report(ctx context.Context, m Report) error {
	logged, err := p.patience.hear()
	if logged {
		p.s.log.Log(ctx, m.Level, "worker says", slog.String("text", m.Text))
	}
	return err
}

// lineLogger logs what a worker writes to its standard error: libraries'
// words, and the trace of a crash.
type lineLogger struct {
	log      *slog.Logger
	patience patience
	// flooded is called when it is too much.
	flooded func(error)
	rest    []byte
}

func (l *lineLogger) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p[:min(len(p), maxLine-len(l.rest))], '\n')
		if end < 0 {
			cut := min(len(p), maxLine-len(l.rest))
			l.rest, p = append(l.rest, p[:cut]...), p[cut:]
			if len(l.rest) < maxLine {
				break
			}
		} else {
			l.rest, p = append(l.rest, p[:end]...), p[end+1:]
		}
		l.line()
	}
	return n, nil
}

// line logs what is in rest.
func (l *lineLogger) line() {
	line := bytes.TrimSpace(l.rest)
	l.rest = l.rest[:0]
	logged, err := l.patience.hear()
	if err != nil {
		l.flooded(err)
		return
	}
	if logged && len(line) > 0 {
		l.log.Warn("worker wrote", slog.String("text", string(line)))
	}
}
