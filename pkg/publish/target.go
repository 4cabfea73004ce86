package publish

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// Target is where to publish to.
type Target struct {
	// Secure is true for rtmps://.
	Secure bool
	// Address is host:port.
	Address string
	// Application is the path without the key: "live".
	Application string
	// Key is secret.
	Key string
}

var errTarget = errors.New("the address has to be rtmp://HOST/live/KEY or rtmps://HOST/live/KEY")

// ParseTarget reads rtmp://host[:port]/application/key. Its errors do not show
// the key.
func ParseTarget(address string) (Target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return Target{}, errTarget // url's own error would show the address.
	}
	var t Target
	port := "1935"
	switch u.Scheme {
	case "rtmp":
	case "rtmps":
		t.Secure, port = true, "443"
	default:
		return Target{}, errTarget
	}
	if u.Port() != "" {
		port = u.Port()
	}
	t.Address = net.JoinHostPort(u.Hostname(), port)
	application, key, found := cutLast(strings.Trim(u.Path, "/"), "/")
	if !found || application == "" || key == "" {
		return Target{}, errTarget
	}
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	t.Application, t.Key = application, key
	return t, nil
}

// url is tcUrl: the address without the key.
func (t Target) url() string {
	scheme := "rtmp://"
	if t.Secure {
		scheme = "rtmps://"
	}
	return scheme + t.Address + "/" + t.Application
}

// String is the address without the key.
func (t Target) String() string { return t.url() + "/…" }

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
