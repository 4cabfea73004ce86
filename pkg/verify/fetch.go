package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// The most that is read of one answer, in bytes. 64 MiB is a segment of 20 s
// at 25 Mbit/s.
const (
	maxText  = 4 << 20
	maxMedia = 64 << 20
)

var (
	errScheme = errors.New("only http and https addresses are fetched")
	errLength = errors.New("the answer is longer than anything that a player would load")
)

// fetcher makes requests. It is safe for concurrent use.
type fetcher struct {
	client  *http.Client
	timeout time.Duration
	owned   *http.Transport
}

func newFetcher(opts Options) *fetcher {
	f := &fetcher{timeout: opts.Timeout}
	transport := opts.Transport
	if transport == nil {
		// Go's own decompression would hide Content-Length and ETag as sent.
		f.owned = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: parallel, Proxy: http.ProxyFromEnvironment}
		transport = f.owned
	}
	f.client = &http.Client{Transport: transport}
	return f
}

func (f *fetcher) close() {
	if f.owned != nil {
		f.owned.CloseIdleConnections()
	}
}

// get fetches a URL whole.
func (f *fetcher) get(ctx context.Context, k kind, address string) (exchange, []byte) {
	return f.do(ctx, http.MethodGet, k, address, "", "")
}

// do makes one request, with one more header unless its name is "". What goes
// wrong is part of what was seen, so it is no error here.
func (f *fetcher) do(ctx context.Context, method string, k kind, address, name, value string) (exchange, []byte) {
	seen := exchange{kind: k, url: address}
	body, err := f.request(ctx, method, address, name, value, &seen)
	if err != nil {
		seen.fault = err.Error()
	}
	seen.size = len(body)
	return seen, body
}

func (f *fetcher) request(ctx context.Context, method, address, name, value string, seen *exchange) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errScheme
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if name != "" {
		request.Header.Set(name, value)
	}
	answer, err := f.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer answer.Body.Close()
	seen.status, seen.header = answer.StatusCode, answer.Header
	limit := int64(maxText)
	if seen.kind.isMedia() {
		limit = maxMedia
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, errLength
	}
	return body, nil
}
