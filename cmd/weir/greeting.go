package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"weir/pkg/config"
	"weir/pkg/gateway"
	"weir/pkg/ingest"
)

// greeting is what a new user is told when the gateway is up.
type greeting struct {
	cfg       config.Config
	addresses gateway.Addresses
	// key is that of the default stream; "" if there is none.
	key string
	// token is the first of the API, just made; "" where there was one before.
	token string
	// neighbours are addresses of this machine in the local network.
	neighbours []string
}

// String is the whole message.
func (g greeting) String() string {
	var b strings.Builder
	b.WriteString("\nWeir is up.\n\n")
	b.WriteString("  Publish with OBS (Settings, Stream, Service: Custom...)\n")
	fmt.Fprintf(&b, "    Server      %s\n", g.publishURL())
	for _, stream := range g.streams() {
		fmt.Fprintf(&b, "    Stream Key  %s\n", stream.key)
	}
	if g.addresses.SRT != "" && (g.addresses.RTMP != "" || g.addresses.RTMPS != "") {
		fmt.Fprintf(&b, "\n  Or over SRT, which lossy networks harm less (docs/ingest.md)\n")
		fmt.Fprintf(&b, "    Server      srt://%s?streamid=KEY\n", g.reach(g.addresses.SRT, ""))
	}
	for _, stream := range g.streams() {
		base := g.watchURL()
		fmt.Fprintf(&b, "\n  Watch %s\n", stream.name)
		fmt.Fprintf(&b, "    Page        %s/watch/%s\n", base, stream.name)
		fmt.Fprintf(&b, "    HLS         %s/live/%s/index.m3u8\n", base, stream.name)
		fmt.Fprintf(&b, "    DASH        %s/live/%s/manifest.mpd\n", base, stream.name)
	}
	b.WriteString("\n  See how it goes, and make keys\n")
	fmt.Fprintf(&b, "    Dashboard   %s/\n", g.adminURL())
	fmt.Fprintf(&b, "    API         %s/api/docs\n", g.adminURL())
	if g.token != "" {
		fmt.Fprintf(&b, "    Token       %s   (shown once, keep it secret)\n", g.token)
	} else {
		b.WriteString("    Token       that of the first start, or a new one of: weir tokens create\n")
	}
	if len(g.neighbours) > 0 && g.everywhere() {
		fmt.Fprintf(&b, "\n  From other machines, write %s instead of localhost.\n", strings.Join(g.neighbours, " or "))
	}
	b.WriteString("\n")
	return b.String()
}

// publicStream is a stream as the message shows it.
type publicStream struct{ name, key string }

func (g greeting) streams() []publicStream {
	switch {
	case g.cfg.Auth.Mode == config.AuthOpen:
		return []publicStream{{ingest.DefaultStream, ingest.DefaultStream + " (or any other name: auth.mode is open)"}}
	case len(g.cfg.Streams) == 0:
		return []publicStream{{ingest.DefaultStream, g.key + "   (keep it secret)"}}
	}
	var streams []publicStream
	for _, s := range g.cfg.Streams {
		streams = append(streams, publicStream{s.Name, fmt.Sprintf("(the key of %s in the configuration)", s.Name)})
	}
	return streams
}

// publishURL is what goes into OBS's server field.
func (g greeting) publishURL() string {
	switch {
	case g.addresses.RTMP != "":
		return "rtmp://" + g.reach(g.addresses.RTMP, "") + "/live"
	case g.addresses.RTMPS == "":
		return "srt://" + g.reach(g.addresses.SRT, "") + "?streamid=KEY"
	}
	return "rtmps://" + g.reach(g.addresses.RTMPS, "443") + "/live"
}

// adminURL begins every URL of operators.
func (g greeting) adminURL() string {
	if g.addresses.Admin == "" {
		return g.watchURL()
	}
	return "http://" + g.reach(g.addresses.Admin, "80")
}

// watchURL begins every URL of viewers.
func (g greeting) watchURL() string {
	switch {
	case g.cfg.PublicURL != "":
		return g.cfg.PublicURL
	case g.addresses.HTTP != "":
		return "http://" + g.reach(g.addresses.HTTP, "80")
	default:
		return "https://" + g.reach(g.addresses.HTTPS, "443")
	}
}

// reach is host:port as others write it: the public host where there is one,
// localhost for a listener on every interface, and no usual port.
func (g greeting) reach(listener, usual string) string {
	host, port, err := net.SplitHostPort(listener)
	if err != nil {
		return listener
	}
	if everyInterface(host) {
		host = "localhost"
		if u, err := url.Parse(g.cfg.PublicURL); err == nil && u.Hostname() != "" {
			host = u.Hostname()
		}
	}
	if port == usual {
		return host
	}
	return net.JoinHostPort(host, port)
}

// everywhere reports whether other machines can reach both listeners, and the
// message says localhost.
func (g greeting) everywhere() bool {
	if g.cfg.PublicURL != "" {
		return false
	}
	for _, listener := range []string{g.addresses.RTMP, g.addresses.RTMPS, g.addresses.SRT, g.addresses.HTTP, g.addresses.HTTPS} {
		host, _, err := net.SplitHostPort(listener)
		if err == nil && everyInterface(host) {
			return true
		}
	}
	return false
}

func everyInterface(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || (ip != nil && ip.IsUnspecified())
}
