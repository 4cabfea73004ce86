package cmaf_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// clip is a real recording with B-frames, unmodified from its camera's editor.
const clip = "../../../../shared/media/src_butterfly_720p30.mp4"

// perChunk is the number of access units in each chunk of the test.
const perChunk = 30

// clipTrack reads the video of the clip: its parameters and samples.
func clipTrack(t *testing.T) (*media.Track, []cmaf.Sample) {
	t.Helper()
	text, err := os.ReadFile(clip)
	if err != nil {
		t.Skipf("NO REAL ACCESS UNIT IS PACKAGED: the clip is missing (%v)", err)
	}
	file := decode(t, text)
	var trak *mp4.TrakBox
	for _, candidate := range file.Moov.Traks {
		if candidate.Mdia.Hdlr.HandlerType == "vide" {
			trak = candidate
		}
	}
	stbl := trak.Mdia.Minf.Stbl
	var config bytes.Buffer
	if err := stbl.Stsd.AvcX.AvcC.DecConfRec.Encode(&config); err != nil {
		t.Fatal(err)
	}
	track := &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.Timescale(trak.Mdia.Mdhd.Timescale),
		Config: config.Bytes(), Width: int(stbl.Stsd.AvcX.Width), Height: int(stbl.Stsd.AvcX.Height),
	}
	samples := make([]cmaf.Sample, trak.GetNrSamples())
	for i := range samples {
		samples[i] = clipSample(t, trak, uint32(i+1), text)
	}
	return track, samples
}

// clipSample is the sample number (from 1) of a progressive file.
func clipSample(t *testing.T, trak *mp4.TrakBox, number uint32, text []byte) cmaf.Sample {
	t.Helper()
	stbl := trak.Mdia.Minf.Stbl
	ranges, err := trak.GetRangesForSampleInterval(number, number)
	if err != nil || len(ranges) != 1 {
		t.Fatalf("sample %d lies in %d places, %v", number, len(ranges), err)
	}
	s := cmaf.Sample{
		Duration: stbl.Stts.GetDur(number),
		Sync:     stbl.Stss.IsSyncSample(number),
		Data:     text[ranges[0].Offset : ranges[0].Offset+ranges[0].Size],
	}
	if stbl.Ctts != nil {
		s.CompositionOffset = stbl.Ctts.GetCompositionTimeOffset(number)
	}
	return s
}

// TestFFprobe lets FFmpeg read an init segment and chunks of real access
// units: every packet with its times and size.
func TestFFprobe(t *testing.T) {
	ffprobe, err := exec.LookPath("ffprobe")
	if err != nil {
		t.Skipf("NO REAL READER IS ASKED: ffprobe is missing (%v)", err)
	}
	track, samples := clipTrack(t)
	init, err := cmaf.NewInit(track)
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Clone(init.Bytes)
	const start = 7_000_000
	at := media.Ticks(start)
	for from := 0; from < len(samples); from += perChunk {
		part := samples[from:min(from+perChunk, len(samples))]
		text = append(text, cmaf.NewChunk(uint32(from/perChunk+1), at, part)...)
		for i := range part {
			at += media.Ticks(part[i].Duration)
		}
	}
	file := filepath.Join(t.TempDir(), "clip.mp4")
	if err = os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), ffprobe, "-v", "warning", "-show_streams", "-show_packets", "-of", "json", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("ffprobe complains: %v\n%s", err, stderr.Bytes())
	}
	checkProbe(t, out, track, samples, start)
}

// checkProbe compares what ffprobe printed with the samples.
func checkProbe(t *testing.T, out []byte, track *media.Track, samples []cmaf.Sample, at int64) {
	t.Helper()
	var probe struct {
		Streams []struct {
			Codec  string `json:"codec_name"`
			Width  int
			Height int
		}
		Packets []struct {
			PTS, DTS, Duration int64
			Size, Flags        string
		}
	}
	if err := json.Unmarshal(out, &probe); err != nil {
		t.Fatal(err)
	}
	if len(probe.Streams) != 1 || probe.Streams[0].Codec != "h264" ||
		probe.Streams[0].Width != track.Width || probe.Streams[0].Height != track.Height {
		t.Errorf("streams %+v", probe.Streams)
	}
	if len(probe.Packets) != len(samples) || len(samples) < 2*perChunk {
		t.Fatalf("%d packets of %d access units", len(probe.Packets), len(samples))
	}
	for i, s := range samples {
		p := probe.Packets[i]
		if p.DTS != at || p.PTS != at+int64(s.CompositionOffset) || p.Size != strconv.Itoa(len(s.Data)) || (p.Flags[0] == 'K') != s.Sync {
			t.Fatalf("packet %d is %+v; want DTS %d, offset %d, %d bytes, sync %v", i, p, at, s.CompositionOffset, len(s.Data), s.Sync)
		}
		at += int64(s.Duration)
	}
}
