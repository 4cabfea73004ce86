package plainhttp

import (
	"bytes"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"
)

// parse reads a request. It reports false for what is not plain: whether it is
// something else or nonsense, is for net/http to say.
func (x *exchange) parse(in []byte) bool {
	if end := bytes.Index(in, []byte("\r\n\r\n")); end < 0 || end+4 != len(in) {
		return false // more is to come, or has come already
	}
	line, fields, _ := strings.Cut(string(in[:len(in)-2]), "\r\n")
	rest, isGet := strings.CutPrefix(line, "GET ")
	target, isPlain := strings.CutSuffix(rest, " HTTP/1.1")
	if !isGet || !isPlain || !isTarget(target) {
		return false
	}
	for fields != "" {
		var field string
		field, fields, _ = strings.Cut(fields, "\r\n")
		if !x.take(field) {
			return false
		}
	}
	hosts := x.asked["Host"]
	if len(hosts) != 1 || !isHost(hosts[0]) {
		return false
	}
	x.target, x.host = target, hosts[0]
	delete(x.asked, "Host") // as net/http has it
	return true
}

// ask is the request for Direct.
func (x *exchange) ask(c *conn) Request {
	path, query, _ := strings.Cut(x.target, "?")
	return Request{Path: path, Query: query, Header: x.asked, Client: c.client, conn: c}
}

// build is the request for the handler. It reports false if the target is none.
func (x *exchange) build(client netip.AddrPort) bool {
	address, err := url.ParseRequestURI(x.target)
	if err != nil {
		return false
	}
	x.request = &http.Request{
		Method: http.MethodGet, URL: address, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: x.asked, Body: http.NoBody, Host: x.host, RemoteAddr: client.String(), RequestURI: x.target,
	}
	return true
}

// isTarget reports whether a request's target is a path in plain characters.
func isTarget(target string) bool {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return false
	}
	for _, b := range []byte(target) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

// take takes a field of the header (RFC 9112, 5).
func (x *exchange) take(field string) bool {
	name, value, _ := strings.Cut(field, ":")
	value = strings.Trim(value, " \t")
	if !isToken(name) || len(name) == len(field) || !isValue(value) {
		return false
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "Connection":
		if !strings.EqualFold(value, "keep-alive") {
			return false
		}
	case "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Expect", "Upgrade", "Http2-Settings", "Proxy-Connection", "Keep-Alive":
		return false
	}
	if values, there := x.asked[name]; there {
		x.asked[name] = append(values, value)
		return true
	}
	x.values = append(x.values, value)
	last := len(x.values)
	x.asked[name] = x.values[last-1 : last : last]
	return true
}

// isToken reports whether a field's name is one (RFC 9110, 5.6.2), of the
// characters that are in use.
func isToken(name string) bool {
	for _, b := range []byte(name) {
		isLetter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
		if !isLetter && (b < '0' || b > '9') && b != '-' && b != '_' {
			return false
		}
	}
	return name != ""
}

func isValue(value string) bool {
	for _, b := range []byte(value) {
		if b < ' ' && b != '\t' || b >= 0x7f {
			return false
		}
	}
	return true
}

// isHost reports whether a host is a name or an address, with or without a port.
func isHost(host string) bool {
	for _, b := range []byte(host) {
		isLetter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
		if !isLetter && (b < '0' || b > '9') && !strings.ContainsRune("-._:[]", rune(b)) {
			return false
		}
	}
	return host != ""
}
