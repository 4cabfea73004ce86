package verify

import (
	"math"
	"slices"
	"strings"
	"time"
)

func rulesHLS() []rule {
	return []rule{
		{"HLS-SYNTAX", "RFC 8216bis 4.1", "two readers understand every playlist alike", checkSyntax},
		{"HLS-TARGETDURATION", "RFC 8216bis 4.4.3.1", "constant, and no EXTINF rounds to more", checkTarget},
		{"HLS-MEDIA-SEQUENCE", "RFC 8216bis 6.2.2", "never goes back; a number keeps its URI", checkMediaSequence},
		{"HLS-DISCONTINUITY-SEQUENCE", "RFC 8216bis 4.4.3.3", "a segment keeps its discontinuity number, the same in all renditions", checkDiscontinuity},
		{"HLS-MAP", "RFC 8216bis 4.4.4.5", "every segment has an init segment", checkMap},
		{"HLS-INDEPENDENT", "RFC 8216bis 4.4.2.1", "every video segment begins with an IDR picture", checkIndependent},
		{"HLS-BANDWIDTH", "RFC 8216bis 4.4.6.2", "no measured peak exceeds BANDWIDTH by more than 10 %", checkBandwidth},
		{"HLS-CODECS", "RFC 8216bis 4.4.6.2", "CODECS are those of the init segments", checkCodecs},
		{"HLS-RESOLUTION", "RFC 8216bis 4.4.6.2", "RESOLUTION is that of the init segment", checkResolution},
		{"HLS-WINDOW", "RFC 8216bis 6.2.2", "nothing is removed below three target durations", checkWindow},
		{"HLS-IFRAMES", "RFC 8216bis 4.4.3.6", "each range of an I-frame playlist is an IDR picture, to the byte", checkIFrames},
		{"HLS-ENDLIST", "RFC 8216bis 4.4.3.4", "stands once, and nothing follows it", checkEndlist},
	}
}

func checkSyntax(o *observations) verdict {
	t := newTally("playlists")
	t.checked = len(o.multivariants)
	for _, r := range o.renditions {
		t.checked += len(r.playlists)
	}
	for _, u := range o.unread {
		if u.kind != kindManifest {
			t.check(false, "%s: %s", u.url, u.fault)
		}
	}
	return t.verdict()
}

func checkTarget(o *observations) verdict {
	t := newTally("EXTINFs")
	for _, r := range o.renditions {
		for i, p := range r.playlists {
			if first := r.playlists[0].target; i > 0 && p.target != first {
				t.check(false, "%s: changed from %d to %d", r.name, first, p.target)
			}
			for _, e := range p.entries {
				t.check(int(math.Round(e.duration.Seconds())) <= p.target, "%s: segment %d lasts %v, target %d s", r.name, e.msn, e.duration, p.target)
			}
		}
	}
	return t.verdict()
}

func checkMediaSequence(o *observations) verdict {
	t := newTally("segments")
	for _, r := range o.renditions {
		uris := map[uint64]string{}
		var last uint64
		for _, p := range r.playlists {
			if p.sequence < last {
				t.check(false, "%s: went back from %d to %d", r.name, last, p.sequence)
			}
			last = p.sequence
			for _, e := range p.entries {
				before, known := uris[e.msn]
				t.check(!known || before == e.url, "%s: %d was %s and became %s", r.name, e.msn, before, e.url)
				uris[e.msn] = e.url
			}
		}
	}
	return t.verdict()
}

func checkDiscontinuity(o *observations) verdict {
	t := newTally("segments")
	numbers := map[uint64]uint64{}
	for _, r := range o.renditions {
		for _, p := range r.playlists {
			for _, e := range p.entries {
				before, known := numbers[e.msn]
				t.check(!known || before == e.period, "%s: segment %d has discontinuity number %d, and had %d", r.name, e.msn, e.period, before)
				numbers[e.msn] = e.period
			}
		}
	}
	return t.verdict()
}

func checkMap(o *observations) verdict {
	t := newTally("segments")
	for _, track := range o.tracksHLS() {
		for _, l := range track.pieces {
			if !l.gap {
				t.check(l.initURL != "", "%s: segment %d has no EXT-X-MAP", track.name, l.msn)
			}
		}
	}
	return t.verdict()
}

func checkIndependent(o *observations) verdict {
	t := newTally("video segments")
	declared := slices.ContainsFunc(o.multivariants, func(m multivariant) bool { return m.independent })
	for _, r := range o.renditions {
		for _, p := range r.playlists {
			declared = declared || p.independent
		}
	}
	if len(o.renditions) > 0 && !declared {
		t.check(false, "EXT-X-INDEPENDENT-SEGMENTS is missing")
	}
	for _, track := range o.tracksHLS() {
		for _, l := range track.pieces {
			if l.isVideo() {
				first := l.segment.chunks[0]
				t.check(first.sync && first.idr, "%s: segment %d begins with sync flag %v, IDR picture %v", track.name, l.msn, first.sync, first.idr)
			}
		}
	}
	return t.verdict()
}

// tolerance is by how much a live stream may exceed what it promised.
const tolerance = 1.1

func checkBandwidth(o *observations) verdict {
	t := newTally("variants")
	if len(o.multivariants) == 0 {
		return t.verdict()
	}
	peaks := map[string]float64{}
	for _, r := range o.renditions {
		peaks[r.url] = o.peak(r)
	}
	for _, v := range o.multivariants[len(o.multivariants)-1].variants {
		// What plays together adds up; a variant of audio alone is one of its own group.
		var audio float64
		for _, address := range v.audio {
			audio = max(audio, peaks[address])
		}
		peak := peaks[v.url] + audio
		if slices.Contains(v.audio, v.url) {
			peak = audio
		}
		if peak > 0 {
			t.check(peak <= tolerance*float64(v.bandwidth), "%s: peak of %.0f bit/s, BANDWIDTH %d", o.nameOf(v.url), peak, v.bandwidth)
		}
	}
	return t.verdict()
}

// peak is the peak segment bit rate in bit/s (RFC 8216bis, 4.1): the largest of
// any contiguous segments that last 0.5 to 1.5 target durations.
func (o *observations) peak(r *rendition) (peak float64) {
	for _, track := range o.tracksHLS() {
		if track.name != r.name {
			continue
		}
		target := time.Duration(r.playlists[0].target) * time.Second
		for i := range track.pieces {
			peak = max(peak, peakFrom(track.pieces[i:], target))
		}
	}
	return peak
}

// peakFrom is the largest bit rate of any segments from the first of pieces on.
func peakFrom(pieces []listed, target time.Duration) (peak float64) {
	var size int
	var length time.Duration
	for i, l := range pieces {
		if !l.segment.readable() || l.msn != pieces[0].msn+uint64(i) {
			break
		}
		size += l.segment.size
		length += l.duration
		if length > target*3/2 {
			break
		}
		if length >= target/2 {
			peak = max(peak, float64(size)*8/length.Seconds())
		}
	}
	return peak
}

func (o *observations) nameOf(address string) string {
	for _, r := range o.renditions {
		if r.url == address {
			return r.name
		}
	}
	return address
}

// newest is the init segment of the newest segment in the playlist at address,
// nil if none could be read.
func (o *observations) newest(address string) *initSegment {
	name := o.nameOf(address)
	for _, track := range o.tracksHLS() {
		if track.name != name {
			continue
		}
		if init := track.pieces[len(track.pieces)-1].init; init != nil && init.fault == "" {
			return init
		}
	}
	return nil
}

func checkCodecs(o *observations) verdict {
	t := newTally("variants")
	if len(o.multivariants) == 0 {
		return t.verdict()
	}
	for _, v := range o.multivariants[len(o.multivariants)-1].variants {
		var want []string
		for _, address := range append([]string{v.url}, v.audio...) {
			if init := o.newest(address); init != nil {
				want = append(want, strings.ToLower(init.codecs))
			}
		}
		if o.newest(v.url) == nil { // nothing but gaps so far
			continue
		}
		got := strings.Split(strings.ReplaceAll(strings.ToLower(v.codecs), " ", ""), ",")
		slices.Sort(want)
		slices.Sort(got)
		want = slices.Compact(want)
		t.check(slices.Equal(slices.Compact(got), want), "%s: CODECS %q, the init segments have %q", o.nameOf(v.url), v.codecs, strings.Join(want, ","))
	}
	return t.verdict()
}

func checkResolution(o *observations) verdict {
	t := newTally("video variants")
	if len(o.multivariants) == 0 {
		return t.verdict()
	}
	for _, v := range o.multivariants[len(o.multivariants)-1].variants {
		if init := o.newest(v.url); init.isVideo() {
			t.check(v.width == init.width && v.height == init.height, "%s: RESOLUTION %dx%d, the init segment has %dx%d",
				o.nameOf(v.url), v.width, v.height, init.width, init.height)
		}
	}
	return t.verdict()
}

// checkWindow looks at playlists from which something was removed; a stream
// that has just begun may list less.
func checkWindow(o *observations) verdict {
	t := newTally("playlists with segments removed")
	for _, r := range o.renditions {
		for i, p := range r.playlists {
			if i == 0 || p.sequence <= r.playlists[i-1].sequence || p.endlists > 0 {
				continue
			}
			length, least := p.length(), 3*time.Duration(p.target)*time.Second
			t.check(length >= least, "%s: lists %v, less than %v", r.name, length, least)
		}
	}
	return t.verdict()
}

func checkIFrames(o *observations) verdict {
	t := newTally("pictures")
	for _, i := range o.iframes {
		for _, e := range i.entries {
			seg := o.segments[e.url]
			if e.gap || !seg.readable() {
				continue
			}
			first := seg.chunks[0]
			t.check(first.idr && e.bytes == first.lead, "%s: %d bytes of %s; its first sample ends at %d, IDR picture %v", i.name, e.bytes, e.url, first.lead, first.idr)
		}
	}
	return t.verdict()
}

func checkEndlist(o *observations) verdict {
	t := newTally("playlists")
	for _, r := range o.renditions {
		ended := false
		for _, p := range r.playlists {
			t.check(p.endlists <= 1 && !p.afterEnd, "%s: %d ENDLISTs, segments after it: %v", r.name, p.endlists, p.afterEnd)
			if ended && p.endlists == 0 {
				t.check(false, "%s: went on after ENDLIST", r.name)
			}
			ended = p.endlists > 0
		}
	}
	return t.verdict()
}
