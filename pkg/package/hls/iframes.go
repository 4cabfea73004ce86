package hls

import (
	"fmt"
	"strings"

	"weir/pkg/media"
)

// iframeVariant writes EXT-X-I-FRAME-STREAM-INF (4.4.6.3). A segment's picture
// is less than the segment, so the promise of the whole rendition holds for it.
func iframeVariant(b *strings.Builder, r *media.Rendition) {
	fmt.Fprintf(b, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%d,CODECS=%q,RESOLUTION=%dx%d,URI=%q\n",
		r.Bandwidth, r.Codecs, r.Width, r.Height, r.ID+"/iframes.m3u8")
}

// IFrames writes the I-frame playlist of a video rendition (4.4.3.6): of each
// segment the bytes up to the end of its first picture, so that scrubbing needs
// no second copy of anything. Segments whose bytes are not there, or which begin
// with another picture, are gaps in it.
func IFrames(p *media.Presentation, w *media.Window) []byte {
	var b strings.Builder
	header(&b, version)
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n#EXT-X-I-FRAMES-ONLY\n", p.TargetDuration)
	sequences(&b, w)
	var last *media.Segment
	for _, seg := range w.Segments {
		segmentTags(&b, w, seg, last)
		extinf(&b, w, seg)
		if isPicture := len(seg.Parts) > 0 && seg.Parts[0].Independent; isPicture {
			fmt.Fprintf(&b, "#EXT-X-BYTERANGE:%d@0\n", seg.Parts[0].Lead)
		} else if !seg.Gap {
			b.WriteString("#EXT-X-GAP\n")
		}
		segmentURI(&b, seg)
		last = seg
	}
	end(&b, w)
	return []byte(b.String())
}
