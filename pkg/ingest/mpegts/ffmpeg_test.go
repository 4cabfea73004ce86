package mpegts_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"weir/pkg/ingest/mpegts"
	"weir/pkg/media"
)

// clips is the folder of real clips beside the checkout.
const clips = "../../../../shared/media"

// transportStream has ffmpeg make a transport stream of a clip.
func transportStream(tb testing.TB, clip string, args ...string) []byte {
	tb.Helper()
	path := filepath.Join(clips, clip)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("the test clips are not there: %v", err)
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		tb.Skip("ffmpeg is not there")
	}
	args = slices.Concat([]string{"-v", "error", "-i", path}, args, []string{"-f", "mpegts", "-"})
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", args...)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("ffmpeg %v: %v", args, err)
	}
	return out
}

// probed is a packet as ffprobe sees it.
type probed struct {
	pts, dts media.Ticks
	key      bool
}

// probe reads the packets of a transport stream by kind.
func probe(t *testing.T, stream []byte) map[media.Kind][]probed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stream.ts")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-of", "json",
		"-show_entries", "packet=codec_type,pts,dts,flags", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Packets []struct {
			Kind  string      `json:"codec_type"`
			PTS   json.Number `json:"pts"`
			DTS   json.Number `json:"dts"`
			Flags string      `json:"flags"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	found := make(map[media.Kind][]probed)
	for _, p := range answer.Packets {
		pts, _ := strconv.ParseInt(p.PTS.String(), 10, 64)
		dts, _ := strconv.ParseInt(p.DTS.String(), 10, 64)
		kind := media.Audio
		if p.Kind == "video" {
			kind = media.Video
		}
		found[kind] = append(found[kind], probed{media.Ticks(pts), media.Ticks(dts), p.Flags[0] == 'K'})
	}
	return found
}

// demux pushes a stream in pieces of a size.
func demux(t *testing.T, d *mpegts.Demuxer, stream []byte, size int) []media.AccessUnit {
	t.Helper()
	var all []media.AccessUnit
	for piece := range slices.Chunk(stream, size) {
		units, err := d.Push(piece)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, units...)
	}
	return append(all, d.End()...)
}

// TestRealStreams compares what comes out with what ffprobe sees, for every
// codec that comes in MPEG-TS.
func TestRealStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		clip         string
		args         []string
		video, audio media.Codec
	}{
		"H.264 and AAC":    {"src_butterfly_720p30.mp4", []string{"-c", "copy"}, media.H264, media.AAC},
		"open GOPs":        {"opengop_bframes_720p30_44k1.mp4", []string{"-c", "copy"}, media.H264, media.AAC},
		"HEVC":             {"hevc_720p30.mp4", []string{"-c", "copy"}, media.HEVC, media.AAC},
		"AAC in LATM":      {"src_butterfly_720p30.mp4", []string{"-c", "copy", "-mpegts_flags", "latm"}, media.H264, media.AAC},
		"MP3":              {"src_bee_720p30.mp4", []string{"-c:v", "copy", "-c:a", "libmp3lame"}, media.H264, media.MP3},
		"MP3 of 22.05 kHz": {"src_bee_720p30.mp4", []string{"-c:v", "copy", "-c:a", "libmp3lame", "-ar", "22050", "-ac", "1"}, media.H264, media.MP3},
		"MP2":              {"src_bee_720p30.mp4", []string{"-c:v", "copy", "-c:a", "mp2"}, media.H264, media.MP3},
		"AC-3":             {"src_bee_720p30.mp4", []string{"-c:v", "copy", "-c:a", "ac3"}, media.H264, media.AC3},
		"Opus":             {"src_bee_720p30.mp4", []string{"-c:v", "copy", "-c:a", "libopus"}, media.H264, media.Opus},
		"AAC 5.1":          {"bbb_480p24_aac51.mp4", []string{"-t", "5", "-c", "copy"}, media.H264, media.AAC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream := transportStream(t, c.clip, c.args...)
			want := probe(t, stream)
			d := mpegts.NewDemuxer(0)
			got := make(map[media.Kind][]probed)
			for _, u := range demux(t, d, stream, 1316) {
				got[u.Track.Kind] = append(got[u.Track.Kind], probed{u.PTS, u.DTS, u.Enters()})
				if codec := map[media.Kind]media.Codec{media.Video: c.video, media.Audio: c.audio}[u.Track.Kind]; u.Track.Codec != codec {
					t.Fatalf("a track of %+v, want %s", u.Track, codec)
				}
			}
			for kind, all := range want {
				compare(t, kind, got[kind], all)
			}
			if s := d.Stats(); s.BadUnits+s.Gaps+s.Damaged+s.Waited+s.OtherUnits != 0 || s.Packets != uint64(len(stream)/188) {
				t.Errorf("of %d packets: %+v", len(stream)/188, s)
			}
		})
	}
}

// compare allows audio frames behind the first of a PES packet what ffprobe
// rounds.
func compare(t *testing.T, kind media.Kind, got, want []probed) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d access units of %v, ffprobe sees %d", len(got), kind, len(want))
	}
	for i := range want {
		near := max(got[i].pts-want[i].pts, want[i].pts-got[i].pts) <= 5
		if !near || kind == media.Video && got[i] != want[i] {
			t.Fatalf("%v %d: %+v, ffprobe sees %+v", kind, i, got[i], want[i])
		}
	}
}

// TestPicturesDecode has ffmpeg decode what comes out, with the parameter sets of
// the track alone.
func TestPicturesDecode(t *testing.T) {
	t.Parallel()
	stream := transportStream(t, "src_bee_720p30.mp4", "-c", "copy")
	var h264 []byte
	count := 0
	for _, u := range demux(t, mpegts.NewDemuxer(0), stream, 1316) {
		if u.Track.Kind != media.Video {
			continue
		}
		if count++; count == 1 {
			sps := int(binary.BigEndian.Uint16(u.Track.Config[6:]))
			pps := u.Track.Config[8+sps+1:]
			h264 = slices.Concat([]byte{0, 0, 0, 1}, u.Track.Config[8:8+sps],
				[]byte{0, 0, 0, 1}, pps[2:2+binary.BigEndian.Uint16(pps)])
			if u.Data[4]&0x1f == 7 {
				t.Error("the parameter sets are still in the picture")
			}
		}
		for data := u.Data; len(data) > 0; {
			size := 4 + int(binary.BigEndian.Uint32(data))
			h264 = append(append(h264, 0, 0, 0, 1), data[4:size]...)
			data = data[size:]
		}
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "warning", "-xerror", "-f", "h264", "-i", "-", "-f", "rawvideo", "-s", "16x16", "-pix_fmt", "gray", "-")
	cmd.Stdin = bytes.NewReader(h264)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	pixels, err := cmd.Output()
	if err != nil || complaints.Len() > 0 || len(pixels) != count*256 {
		t.Errorf("%d of %d pictures: %v, %s", len(pixels)/256, count, err, complaints.String())
	}
}
