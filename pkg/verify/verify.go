package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultDuration = 10 * time.Second
	defaultTimeout  = 10 * time.Second
)

// Options say how to watch; the zero value is ready to use.
type Options struct {
	// Duration is how long to watch; 10 s if 0. Rules about change, such as a
	// window that slides, see more the longer it is.
	Duration time.Duration
	// Interval is the time between two reloads; the stream's target duration
	// if 0.
	Interval time.Duration
	// Timeout bounds every single request; 10 s if 0.
	Timeout time.Duration
	// Transport makes the requests; one of Run's own if nil.
	Transport http.RoundTripper
}

func (o Options) withDefaults() Options {
	if o.Duration <= 0 {
		o.Duration = defaultDuration
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return o
}

var (
	errAddress = errors.New("not the address of a stream; give http://HOST:PORT/live/NAME/, its index.m3u8 or its manifest.mpd")
	errNothing = errors.New("nothing could be watched; is the stream live, and is the address right?")
)

// Run watches the stream at address, which is the base /live/NAME/, an HLS
// multivariant playlist or an MPD, and judges it. An error means that there was
// nothing to judge; a stream that breaks rules is no error but a report.
func Run(ctx context.Context, address string, opts Options) (*Report, error) {
	opts = opts.withDefaults()
	playlist, manifest, err := entrances(address)
	if err != nil {
		return nil, err
	}
	f := newFetcher(opts)
	defer f.close()
	w := newWatcher(f, playlist, manifest)
	if err := w.watch(ctx, opts); err != nil {
		return nil, fmt.Errorf("watch %s: %w", address, err)
	}
	return judge(address, w.seen), nil
}

// entrances are the addresses of the multivariant playlist and of the MPD, ""
// for the one that is not asked for.
func entrances(address string) (playlist, manifest string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", errAddress, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", "", fmt.Errorf("%q is %w", address, errAddress)
	}
	switch {
	case strings.HasSuffix(u.Path, ".m3u8"):
		return u.String(), "", nil
	case strings.HasSuffix(u.Path, "/"+lowName): // it is read beside the plain one
		return "", u.JoinPath("../" + plainName).String(), nil
	case strings.HasSuffix(u.Path, ".mpd"):
		return "", u.String(), nil
	}
	return u.JoinPath("index.m3u8").String(), u.JoinPath(plainName).String(), nil
}
