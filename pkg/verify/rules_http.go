package verify

import (
	"fmt"
	"net/http"
	"strings"
)

func rulesHTTP() []rule {
	return []rule{
		{"HTTP-FETCH", "RFC 8216bis 6.2.2", "everything that is listed can be fetched", checkFetch},
		{"HTTP-TYPE", "RFC 8216bis 4, ISO 23009-1 C, RFC 4337", "Content-Type says what it is", checkType},
		{"HTTP-CACHE", "RFC 9111 5.2, RFC 8246", "media is immutable; playlists and MPD are max-age=1", checkCache},
		{"HTTP-CORS", "Fetch 3.2", "pages of every site may play", checkCORS},
		{"HTTP-ETAG", "RFC 9110 13.1.2", "an unchanged answer is 304", checkETag},
		{"HTTP-HEAD", "RFC 9110 9.3.2", "HEAD has the headers of GET", checkHead},
		{"HTTP-RANGE", "RFC 9110 14", "a range of media is 206", checkRange},
		{"HTTP-KEPT", "RFC 8216bis 6.2.2", "segments outlive their playlist entry", checkKept},
	}
}

func checkFetch(o *observations) verdict {
	t := newTally("requests")
	t.checked = o.fetched
	for _, e := range o.failed {
		t.check(false, "%s", e)
	}
	return t.verdict()
}

// eachProbe checks every probe that brought an answer; rule returns a fault
// or "".
func eachProbe(o *observations, rule func(p probe) string) verdict {
	t := newTally("resources")
	for _, p := range o.probes {
		if p.get.ok() {
			fault := rule(p)
			t.check(fault == "", "%s %s: %s", p.kind, p.url, fault)
		}
	}
	return t.verdict()
}

func checkType(o *observations) verdict {
	return eachProbe(o, func(p probe) string {
		want := map[kind]string{
			kindMultivariant: "application/vnd.apple.mpegurl", kindPlaylist: "application/vnd.apple.mpegurl",
			kindManifest: "application/dash+xml", kindInit: "video/mp4", kindSegment: "video/mp4",
		}[p.kind]
		if p.isAudio {
			want = "audio/mp4"
		}
		got, _, _ := strings.Cut(p.get.header.Get("Content-Type"), ";")
		if strings.EqualFold(strings.TrimSpace(got), want) {
			return ""
		}
		return fmt.Sprintf("%q, want %s", got, want)
	})
}

func checkCache(o *observations) verdict {
	return eachProbe(o, func(p probe) string {
		got := p.get.header.Get("Cache-Control")
		said := map[string]bool{}
		for word := range strings.SplitSeq(strings.ToLower(got), ",") {
			said[strings.TrimSpace(word)] = true
		}
		want := "max-age=1"
		if p.kind.isMedia() {
			want = "immutable"
		}
		if said[want] && !said["no-store"] && !said["no-cache"] && !said["private"] {
			return ""
		}
		return fmt.Sprintf("%q, want %s for every cache", got, want)
	})
}

func checkCORS(o *observations) verdict {
	return eachProbe(o, func(p probe) string {
		if got := p.get.header.Get("Access-Control-Allow-Origin"); got != "*" {
			return fmt.Sprintf("Access-Control-Allow-Origin %q, want *", got)
		}
		return ""
	})
}

func checkETag(o *observations) verdict {
	return eachProbe(o, func(p probe) string {
		if p.get.header.Get("ETag") == "" {
			return "it has no ETag"
		}
		if p.unchanged.status != http.StatusNotModified {
			return fmt.Sprintf("If-None-Match with its ETag brought %d, want 304", p.unchanged.status)
		}
		return ""
	})
}

func checkHead(o *observations) verdict {
	return eachProbe(o, func(p probe) string {
		if p.head.status != p.get.status {
			return fmt.Sprintf("HEAD brought %d, GET %d", p.head.status, p.get.status)
		}
		names := []string{"Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "ETag"}
		if p.get.header.Get("Content-Length") != "" {
			names = append(names, "Content-Length")
		}
		for _, name := range names {
			if got, want := p.head.header.Get(name), p.get.header.Get(name); got != want {
				return fmt.Sprintf("%s is %q for HEAD, %q for GET", name, got, want)
			}
		}
		return ""
	})
}

func checkRange(o *observations) verdict {
	t := newTally("media files")
	for _, p := range o.probes {
		if !p.kind.isMedia() || !p.get.ok() || p.get.size < 10 {
			continue
		}
		want := fmt.Sprintf("bytes 0-9/%d", p.get.size)
		got := p.ranged.header.Get("Content-Range")
		t.check(p.ranged.status == http.StatusPartialContent && p.ranged.size == 10 && got == want,
			"%s: Range bytes=0-9 brought %d with %d bytes and Content-Range %q, want 206 with %q", p.url, p.ranged.status, p.ranged.size, got, want)
	}
	return t.verdict()
}

func checkKept(o *observations) verdict {
	t := newTally("segments that had left their playlist")
	for _, e := range o.kept {
		t.check(e.ok(), "%s", e)
	}
	return t.verdict()
}
