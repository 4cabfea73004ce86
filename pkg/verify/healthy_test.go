package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

const (
	origin     = "http://host/live/main/"
	firstMSN   = 1_795_000_000
	frameTicks = 1024
)

// healthy is what a stream without faults looks like in three polls: two video
// renditions and audio, six segments in the window, a discontinuity before the
// fourth segment, and a gap.
func healthy() *observations {
	o := &observations{inits: map[string]*initSegment{}, segments: map[string]*segment{}, fetched: 10}
	for _, id := range []string{"source", "360p", "audio"} {
		o.inits[origin+id+"/init.mp4"] = healthyInit(id)
		r := &rendition{name: id + "/index.m3u8", url: origin + id + "/index.m3u8"}
		for poll := range 3 {
			r.playlists = append(r.playlists, healthyPlaylist(o, id, poll))
		}
		o.renditions = append(o.renditions, r)
	}
	for poll := range 3 {
		sound := audioChoice{url: origin + "audio/index.m3u8", group: "audio", name: "Audio", channels: "2", isDefault: true, autoselect: true}
		o.multivariants = append(o.multivariants, multivariant{independent: true, audio: []audioChoice{sound}, variants: []variant{
			{url: origin + "source/index.m3u8", bandwidth: 9000, codecs: "avc1.64001f,mp4a.40.2", width: 1280, height: 720, audio: []string{origin + "audio/index.m3u8"}},
			{url: origin + "360p/index.m3u8", bandwidth: 9000, codecs: "avc1.64001f,mp4a.40.2", width: 1280, height: 720, audio: []string{origin + "audio/index.m3u8"}},
			{url: origin + "audio/index.m3u8", bandwidth: 4500, codecs: "mp4a.40.2", audio: []string{origin + "audio/index.m3u8"}},
		}})
		o.manifests = append(o.manifests, healthyManifest(o, poll))
	}
	for i := range o.renditions {
		o.low = append(o.low, healthyLow(o, i))
	}
	o.lowDASH = healthyLowDASH(o.manifests[2])
	pictures := o.renditions[0].playlists[0]
	pictures.entries = slices.Clone(pictures.entries)
	for i := range pictures.entries {
		pictures.entries[i].bytes = 300
	}
	o.iframes = []iframes{{"source/iframes.m3u8", pictures}}
	o.probes = healthyProbes()
	o.kept = []exchange{{kind: kindSegment, url: origin + "source/1.m4s", status: http.StatusOK}}
	o.clock = &clockReading{url: "http://host/time", ahead: 900 * time.Millisecond}
	return o
}

func healthyInit(id string) *initSegment {
	if id == "audio" {
		return &initSegment{tracks: 1, trackID: 1, handler: "soun", timescale: 48_000, codecs: "mp4a.40.2", channels: 2, trex: &mp4.TrexBox{}}
	}
	return &initSegment{tracks: 1, trackID: 1, handler: "vide", timescale: 90_000, codecs: "avc1.64001f", width: 1280, height: 720, trex: &mp4.TrexBox{}}
}

// place is where segment n of a rendition starts and how long it is.
func place(id string, n uint64) (start, duration, timescale uint64) {
	if id != "audio" {
		return (firstMSN + n) * 2 * 90_000, 2 * 90_000, 90_000
	}
	at := func(n uint64) uint64 { return ((firstMSN+n)*2*48_000 + frameTicks/2) / frameTicks * frameTicks }
	return at(n), at(n+1) - at(n), 48_000
}

// gap is the segment that does not exist.
const gap = 5

func healthyPlaylist(o *observations, id string, poll int) playlist {
	p := playlist{target: 2, sequence: firstMSN + uint64(poll), independent: true}
	for n := uint64(poll); n < uint64(poll)+6; n++ {
		start, duration, timescale := place(id, n)
		e := entry{
			msn: firstMSN + n, url: fmt.Sprintf("%s%s/%d.m4s", origin, id, start), init: origin + id + "/init.mp4",
			duration: clockTime(duration, timescale), date: time.Unix(0, int64(clockTime(start, timescale))).Truncate(time.Millisecond), gap: n == gap,
		}
		if n >= 3 {
			e.period = 1
		}
		p.entries = append(p.entries, e)
		if !e.gap {
			o.segments[e.url] = healthySegment(id, n)
			p.entries[len(p.entries)-1].parts = healthyParts(id, n)
		}
	}
	p.low = low{
		blocks: true, skipUntil: 12 * time.Second, holdBack: 6 * time.Second, partHoldBack: 4 * time.Second, partTarget: 1020 * time.Millisecond,
		open: healthyParts(id, uint64(poll)+6)[:1], hint: healthyParts(id, uint64(poll)+6)[1].url,
	}
	for _, other := range []string{"source", "360p", "audio"} {
		if other != id {
			p.reports = append(p.reports, report{url: origin + other + "/index.m3u8", msn: firstMSN + uint64(poll) + 6, part: 0})
		}
	}
	return p
}

func healthySegment(id string, n uint64) *segment {
	start, duration, _ := place(id, n)
	half := duration / 2
	isVideo := id != "audio"
	return &segment{size: 1000, chunks: []chunk{
		{sequence: uint32(2*n + 1), trackID: 1, baseIsMoof: true, trunVersion: 1, start: start, duration: half, sync: true, idr: isVideo, lead: 300},
		{sequence: uint32(2*n + 2), trackID: 1, baseIsMoof: true, trunVersion: 1, start: start + half, duration: duration - half},
	}}
}

func healthyManifest(o *observations, poll int) manifest {
	m := manifest{
		kind: "dynamic", availability: "1970-01-01T00:00:00Z", publish: time.Unix(firstMSN*2+int64(poll)*2, 0),
		clockScheme: "urn:mpeg:dash:utc:http-iso:2014", clock: "http://host/time",
	}
	for index, first := range []uint64{0, 3} {
		p := period{id: strconv.Itoa(index), start: time.Duration(firstMSN+first) * 2 * time.Second}
		for _, rendition := range o.renditions {
			id := rendition.name[:len(rendition.name)-len("/index.m3u8")]
			init := o.inits[origin+id+"/init.mp4"]
			r := representation{
				id: id, codecs: init.codecs, width: init.width, height: init.height, timescale: uint64(init.timescale),
				offset: (firstMSN + first) * 2 * uint64(init.timescale), init: origin + id + "/init.mp4",
			}
			for _, e := range rendition.playlists[poll].entries {
				if e.gap || e.period != uint64(index) {
					continue
				}
				start, duration, _ := place(id, e.msn-firstMSN)
				r.entries = append(r.entries, timed{time: start, duration: duration, url: e.url})
			}
			p.representations = append(p.representations, r)
		}
		p.sets = []adaptationSet{{id: "1", contentType: "audio", language: "und", roles: []string{"main"}, inits: []string{origin + "audio/init.mp4"}}}
		m.periods = append(m.periods, p)
	}
	return m
}

func healthyProbes() []probe {
	var all []probe
	for _, k := range []kind{kindMultivariant, kindPlaylist, kindManifest, kindInit, kindSegment} {
		header := func() http.Header {
			h := http.Header{"Etag": {`"1"`}, "Access-Control-Allow-Origin": {"*"}, "Content-Length": {"100"}}
			switch {
			case k.isMedia():
				h.Set("Content-Type", "video/mp4")
				h.Set("Cache-Control", "public, max-age=3600, immutable")
			case k == kindManifest:
				h.Set("Content-Type", "application/dash+xml")
			default:
				h.Set("Content-Type", "application/vnd.apple.mpegurl")
			}
			if !k.isMedia() {
				h.Set("Cache-Control", "public, max-age=1")
			}
			return h
		}
		p := probe{
			kind: k, url: origin + string(k),
			get:       exchange{kind: k, status: http.StatusOK, size: 100, header: header()},
			head:      exchange{kind: k, status: http.StatusOK, header: header()},
			unchanged: exchange{kind: k, status: http.StatusNotModified},
		}
		if k.isMedia() {
			p.ranged = exchange{kind: k, status: http.StatusPartialContent, size: 10, header: http.Header{"Content-Range": {"bytes 0-9/100"}}}
		}
		all = append(all, p)
	}
	return all
}
