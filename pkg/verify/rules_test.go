package verify

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// first is the first video segment that is listed, by its URL.
func (o *observations) first() *segment {
	return o.segments[o.renditions[0].playlists[0].entries[0].url]
}

// breakages are ways to break each rule, and the words by which its verdict
// shows that it saw what was broken.
func breakages() map[string][]breakage {
	return map[string][]breakage{
		"HLS-SYNTAX": {{func(o *observations) { o.unread = []unread{{kindPlaylist, "a.m3u8", "bad line"}} }, "bad line"}},
		"HLS-TARGETDURATION": {
			{func(o *observations) { o.renditions[0].playlists[1].target = 3 }, "from 2 to 3"},
			{func(o *observations) { o.renditions[1].playlists[0].entries[2].duration = 2500 * time.Millisecond }, "2.5s, target 2"},
		},
		"HLS-MEDIA-SEQUENCE": {
			{func(o *observations) { o.renditions[0].playlists[2].sequence = firstMSN }, "went back"},
			{func(o *observations) { o.renditions[0].playlists[1].entries[0].url = "other.m4s" }, "became other.m4s"},
		},
		"HLS-DISCONTINUITY-SEQUENCE": {
			{func(o *observations) { o.renditions[0].playlists[2].entries[3].period = 2 }, "number 2, and had 1"},
			{func(o *observations) { o.renditions[2].playlists[0].entries[0].period = 1 }, "audio"},
		},
		"HLS-MAP": {{func(o *observations) { o.renditions[0].playlists[0].entries[0].init = "" }, "no EXT-X-MAP"}},
		"HLS-INDEPENDENT": {
			{func(o *observations) { o.first().chunks[0].idr = false }, "IDR picture false"},
			{func(o *observations) { o.first().chunks[0].sync = false }, "sync flag false"},
			{func(o *observations) {
				for i := range o.multivariants {
					o.multivariants[i].independent = false
				}
				for _, r := range o.renditions {
					for i := range r.playlists {
						r.playlists[i].independent = false
					}
				}
			}, "INDEPENDENT-SEGMENTS is missing"},
		},
		"HLS-BANDWIDTH": {
			{func(o *observations) { o.first().size = 1700 }, "peak of"},
			{func(o *observations) { o.multivariants[2].variants[2].bandwidth = 3500 }, "BANDWIDTH 3500"},
		},
		"HLS-CODECS": {
			{func(o *observations) { o.multivariants[2].variants[0].codecs = "avc1.4d401f,mp4a.40.2" }, "avc1.4d401f"},
			{func(o *observations) { o.multivariants[2].variants[1].codecs = "avc1.64001f" }, "mp4a.40.2"},
		},
		"HLS-RESOLUTION": {{func(o *observations) { o.multivariants[2].variants[1].height = 360 }, "1280x360"}},
		"HLS-WINDOW": {{func(o *observations) {
			p := &o.renditions[0].playlists[2]
			p.entries = p.entries[:2]
		}, "lists 4s, less than 6s"}},
		"HLS-ENDLIST": {
			{func(o *observations) { o.renditions[0].playlists[2].endlists = 2 }, "2 ENDLISTs"},
			{func(o *observations) { o.renditions[0].playlists[2].afterEnd = true }, "after it: true"},
			{func(o *observations) { o.renditions[0].playlists[0].endlists = 1 }, "went on"},
		},
		"HLS-PDT": {{func(o *observations) {
			p := o.renditions[0].playlists[0]
			p.entries[1].date = p.entries[1].date.Add(2 * time.Millisecond)
			o.renditions[0].playlists[1].entries[0].date = p.entries[1].date
		}, "2ms off"}},
		"HLS-EXTINF": {{func(o *observations) { o.first().chunks[1].duration += 200 }, "EXTINF 2s"}},
		"HLS-ALIGN-VIDEO": {{func(o *observations) {
			o.segments[o.renditions[1].playlists[0].entries[0].url].chunks[0].start++
		}, "segment 1795000000 starts at"}},
		"HLS-ALIGN-AUDIO": {{func(o *observations) {
			o.segments[o.renditions[2].playlists[0].entries[0].url].chunks[0].start += 1024
		}, "off video"}},
		"DASH-SYNTAX": {{func(o *observations) { o.unread = []unread{{kindManifest, "a.mpd", "no Period"}} }, "no Period"}},
		"DASH-DYNAMIC": {
			{func(o *observations) { o.manifests[1].kind = "static" }, "dynamic again"},
			{func(o *observations) { o.manifests[0].kind = "static" }, "from the beginning"},
			{func(o *observations) { o.manifests[1].availability = "1970-01-01T00:00:01Z" }, "00:00:01"},
		},
		"DASH-PUBLISH-TIME": {{func(o *observations) { o.manifests[2].publish = o.manifests[0].publish }, "after"}},
		"DASH-TIMELINE": {
			{func(o *observations) { o.manifests[0].periods[0].representations[0].entries[1].time -= 3 }, "a segment at"},
			{func(o *observations) { o.manifests[0].periods[0].representations[0].entries[1].time += 3000 }, "a segment at"},
		},
		"DASH-FETCHABLE": {{func(o *observations) {
			o.segments[o.manifests[0].periods[0].representations[0].entries[0].url] = &segment{fault: "404"}
		}, "source/"}},
		"DASH-TFDT": {
			{func(o *observations) { o.first().chunks[0].start++ }, "tfdt"},
			{func(o *observations) { o.first().chunks[1].duration++ }, "lasts 180001"},
		},
		"DASH-PERIOD": {
			{func(o *observations) { o.manifests[0].periods[0].start += 10 * time.Millisecond }, "10ms off"},
			{func(o *observations) { o.manifests[0].periods[0].representations[0].offset += 90_000 }, "1s before its period"},
		},
		"DASH-REPRESENTATION": {{func(o *observations) { o.manifests[0].periods[0].representations[0].width = 640 }, "640x720"}},
		"DASH-UTCTIMING": {
			{func(o *observations) { o.clock.ahead = -1100 * time.Millisecond }, "-1.1s ahead"},
			{func(o *observations) { o.clock.fault = "the answer is 404" }, "404"},
			{func(o *observations) { o.clock = nil }, "no clock"},
		},
		"CMAF-INIT": {
			{func(o *observations) { o.inits[origin+"source/init.mp4"].editList = true }, "edit list"},
			{func(o *observations) { o.inits[origin+"source/init.mp4"].tracks = 2 }, "2 tracks"},
			{func(o *observations) { o.inits[origin+"source/init.mp4"].trex = nil }, "no trex"},
			{func(o *observations) { o.inits[origin+"source/init.mp4"] = &initSegment{fault: "cut off"} }, "cut off"},
		},
		"CMAF-SEGMENT": {{func(o *observations) { o.first().fault = "cut off" }, "cut off"}},
		"CMAF-TRACK":   {{func(o *observations) { o.first().chunks[1].trackID = 2 }, "of track 2"}},
		"CMAF-TFDT": {
			{func(o *observations) { o.first().chunks[0].duration++ }, "chunk 1 starts"},
			{func(o *observations) { o.first().chunks[1].duration-- }, "chunk 0 starts"},
		},
		"CMAF-FIRST-OFFSET": {{func(o *observations) { o.first().chunks[0].offset = 3000 }, "3000 ticks"}},
		"CMAF-TRUN": {
			{func(o *observations) { o.first().chunks[0].trunVersion = 0 }, "version 0"},
			{func(o *observations) { o.first().chunks[1].baseIsMoof = false }, "moof false"},
		},
		"CMAF-SEQUENCE": {{func(o *observations) { o.first().chunks[1].sequence = 1 }, "number 1 after 1"}},
		"HTTP-FETCH": {{func(o *observations) {
			o.failed = []exchange{{kind: kindSegment, url: "x.m4s", status: http.StatusNotFound}}
		}, "x.m4s: the answer is 404 Not Found"}},
		"HTTP-TYPE": {
			{func(o *observations) { o.probes[0].get.header.Set("Content-Type", "text/plain") }, "text/plain"},
			{func(o *observations) { o.probes[4].isAudio = true }, "want audio/mp4"},
		},
		"HTTP-CACHE": {
			{func(o *observations) { o.probes[1].get.header.Set("Cache-Control", "no-store") }, "want max-age=1"},
			{func(o *observations) { o.probes[4].get.header.Set("Cache-Control", "max-age=1") }, "want immutable"},
		},
		"HTTP-CORS": {{func(o *observations) { o.probes[2].get.header.Del("Access-Control-Allow-Origin") }, "want *"}},
		"HTTP-ETAG": {
			{func(o *observations) { o.probes[2].get.header.Del("ETag") }, "no ETag"},
			{func(o *observations) { o.probes[2].unchanged.status = http.StatusOK }, "want 304"},
		},
		"HTTP-HEAD": {
			{func(o *observations) { o.probes[0].head.status = http.StatusMethodNotAllowed }, "HEAD brought 405"},
			{func(o *observations) { o.probes[0].head.header.Del("Content-Length") }, "Content-Length"},
		},
		"HTTP-RANGE": {{func(o *observations) { o.probes[4].ranged.status = http.StatusOK }, "want 206"}},
		"HTTP-KEPT":  {{func(o *observations) { o.kept[0].status = http.StatusNotFound }, "404"}},
	}
}

type breakage struct {
	do    func(o *observations)
	words string
}

// Every rule passes where nothing is wrong, fails where what it is about is
// broken, and says so; on nothing at all it does not apply.
func TestRules(t *testing.T) {
	t.Parallel()
	broken := breakages()
	maps.Copy(broken, lowBreakages())
	maps.Copy(broken, lowDASHBreakages())
	maps.Copy(broken, audioBreakages())
	for _, r := range rules() {
		t.Run(r.id, func(t *testing.T) {
			t.Parallel()
			if v := r.check(healthy()); v.outcome != Pass {
				t.Errorf("on a healthy stream: %s %s", v.outcome, v.seen)
			}
			if v := r.check(&observations{}); v.outcome != NotApplicable {
				t.Errorf("on nothing: %s %s", v.outcome, v.seen)
			}
			if len(broken[r.id]) == 0 {
				t.Error("no test breaks this rule")
			}
			for i, b := range broken[r.id] {
				o := healthy()
				b.do(o)
				if v := r.check(o); v.outcome != Fail || !strings.Contains(v.seen, b.words) {
					t.Errorf("breakage %d: %s %q, want a failure with %q", i, v.outcome, v.seen, b.words)
				}
			}
		})
	}
}

// The shape of a stream without HLS is the same to the rules about media.
func TestTracksOfManifests(t *testing.T) {
	t.Parallel()
	o := healthy()
	hls := o.tracks()
	o.renditions = nil
	dash := o.tracks()
	if len(dash) != len(hls) {
		t.Fatalf("%d tracks, want %d", len(dash), len(hls))
	}
	for i, track := range dash {
		// Eight numbers were listed, one of them a gap; the period's first and
		// the one after the gap follow nothing.
		var follows strings.Builder
		for _, l := range track.pieces {
			follows.WriteByte(strconv.FormatBool(l.follows)[0])
		}
		if follows.String() != "fttftft" {
			t.Errorf("track %d: %s", i, follows.String())
		}
	}
}

// A segment is owed for as long as the playlist that listed it, no longer.
func TestDeparted(t *testing.T) {
	t.Parallel()
	r := healthy().renditions[0]
	at := time.Unix(0, 0)
	for i := range r.playlists {
		r.playlists[i].at = at.Add(time.Duration(i) * 2 * time.Second)
	}
	for after, want := range map[time.Duration]uint64{5 * time.Second: firstMSN, 14 * time.Second: firstMSN + 1, 16 * time.Second: 0} {
		if e, ok := r.departed(at.Add(after)); e.msn != want || ok != (want > 0) {
			t.Errorf("after %v: %d %v, want %d", after, e.msn, ok, want)
		}
	}
}

func TestReportShowsOnlyTheFirstFaults(t *testing.T) {
	t.Parallel()
	faults := newTally("things")
	for i := range 5 {
		faults.check(false, "fault %d", i)
	}
	if v := faults.verdict(); v.seen != "fault 0; fault 1; fault 2; and 2 more" {
		t.Error(v.seen)
	}
}
