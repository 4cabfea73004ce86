package live

import (
	"strings"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// TestAudioTrackThatCannotBeEncoded: its worker brings nothing, so that it has gaps;
// who listens to another one does not notice.
func TestAudioTrackThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	st := furnishStudio(t, Demand{}, media.H264, playWorker) // which makes video alone
	st.s.cfg.SourceOnly = true
	st.s.metadata = ingest.Metadata{AudioTracks: []ingest.AudioTrack{{}, {Number: 1}}}
	surround := &media.Track{Kind: media.Audio, Codec: media.AC3, Timescale: 48_000, SampleRate: 48_000, Channels: 6, Number: 1}
	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio, sounds: []*media.Track{surround}})
	var heard media.Ticks
	for range 500 { // 20 s
		st.picture(50)
		for ; heard*15 <= media.Ticks(st.frame)*3600*8; heard += 1024 {
			for _, track := range []*media.Track{st.audio, surround} {
				st.p.push(media.AccessUnit{Track: track, DTS: heard, PTS: heard, Duration: 1024, Sync: true, Data: []byte{0x21}})
			}
		}
	}
	if got := st.kinds("audio"); strings.Trim(got, "m") != "" || len(got) < 8 {
		t.Errorf("the default rendition lists %q", got)
	}
	if got, of := st.kinds("audio_2"), st.kinds("audio"); strings.Trim(got, "g") != "" || len(got) < len(of)-lateSegments {
		t.Errorf("the one that cannot be encoded lists %q, the default one %q", got, of)
	}
	r := st.lane("audio_2").rendition
	if r.Codecs == "" || r.Channels != 2 || r.SampleRate != 48_000 {
		t.Errorf("viewers are told of %+v", r)
	}
	if got := st.p.audioTracks(); got[0].Served != ServedPassthrough || got[1].Served != ServedEncoded || got[1].Track != surround {
		t.Errorf("the operator is told of %+v", got)
	}
}
