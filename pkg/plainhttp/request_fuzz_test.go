package plainhttp

import (
	"bufio"
	"bytes"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"testing"
)

// FuzzParse: whatever is taken for a plain request, net/http reads the same way and
// to the last byte. What is not taken is net/http's, so that nothing more is to be
// shown.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /live/main/video/index.m3u8?_HLS_msn=1&_HLS_part=2 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: a (b; c)\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nRange: bytes=0-\r\n\r\n",
		"GET /%2e%2e/ HTTP/1.1\r\nhost: [::1]:80\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
		"GET //x HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
		"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nA:\t b \r\nA: c\r\nPragma: no-cache\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		x := newExchange()
		if !x.parse(text[:min(len(text), inSize)]) || !x.build(netip.MustParseAddrPort("127.0.0.1:1")) {
			return
		}
		rest := bufio.NewReader(bytes.NewReader(text))
		want, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		if _, err := rest.Peek(1); err == nil || want.ContentLength != 0 || want.Close {
			t.Fatalf("something follows: %+v", want)
		}
		got := x.request
		if got.Method != want.Method || got.Host != want.Host || got.RequestURI != want.RequestURI || got.Proto != want.Proto || got.URL.String() != want.URL.String() {
			t.Errorf("got %+v, want %+v", got, want)
		}
		delete(want.Header, "Cache-Control") // net/http adds it where there is Pragma
		taken := maps.Clone(got.Header)
		delete(taken, "Cache-Control")
		if !maps.EqualFunc(taken, want.Header, slices.Equal) {
			t.Errorf("header %q, want %q", taken, want.Header)
		}
	})
}
