package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// attemptTimeout is all that one attempt may take.
	attemptTimeout = 10 * time.Second
	// maxHeader bounds an answer's header; its body is not read.
	maxHeader = 16 << 10
	// mostRetryAfter bounds what a receiver may ask for.
	mostRetryAfter = time.Hour
)

// poster makes attempts.
type poster struct {
	client http.Client
	agent  string
	// private are the networks beside the public ones.
	private atomic.Pointer[[]netip.Prefix]
}

// newPoster makes one that calls itself agent.
func newPoster(agent string) *poster {
	p := &poster{agent: agent}
	p.private.Store(&[]netip.Prefix{})
	dialer := net.Dialer{Control: p.control}
	p.client = http.Client{
		Timeout: attemptTimeout,
		// A redirect could lead anywhere, and a signed body with it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			// No proxy: it would dial in Weir's place, past control.
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true, // events are rare
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
	}
	return p
}

// outcome is what came of an attempt. It went well where trouble is "".
type outcome struct {
	// status is 0 where no answer came.
	status  int
	trouble string
	// retryAfter is how long the receiver wants to be left alone.
	retryAfter time.Duration
	took       time.Duration
}

// post makes one attempt.
func (p *poster) post(ctx context.Context, to receiver, id string, body []byte) outcome {
	began := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url, bytes.NewReader(body))
	if err != nil {
		return outcome{trouble: "The URL is not an http or https address."}
	}
	request.Header = to.key.Header(id, began, body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", p.agent)
	answer, err := p.client.Do(request)
	if err != nil {
		return outcome{trouble: failure(err), took: time.Since(began)}
	}
	_ = answer.Body.Close() // its status says all
	o := judge(answer)
	o.took = time.Since(began)
	return o
}

func judge(answer *http.Response) outcome {
	o := outcome{status: answer.StatusCode}
	switch {
	case o.status >= 200 && o.status < 300:
		return o
	case o.status >= 300 && o.status < 400:
		o.trouble = fmt.Sprintf("It answered %d, and redirects are not followed: write the URL that it leads to.", o.status)
	default:
		o.trouble = fmt.Sprintf("It answered %d %s.", o.status, http.StatusText(o.status))
	}
	if seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 31); err == nil {
		o.retryAfter = min(time.Duration(seconds)*time.Second, mostRetryAfter)
	}
	return o
}

// failure says why no answer came, without the URL, in which there may be secrets.
func failure(err error) string {
	var timeout net.Error
	if mistake, ok := errors.AsType[MistakeError](err); ok {
		return mistake.Error()
	}
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Sprintf("It did not answer within %s.", attemptTimeout)
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return "It could not be reached: " + err.Error() + "."
}
