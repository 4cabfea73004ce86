package libav

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/transcode"
)

// bits writes the codes of parameter sets (ITU-T H.264, 9.1).
type bits struct {
	data []byte
	free int
}

func (b *bits) put(value uint32, count int) {
	for i := count - 1; i >= 0; i-- {
		if b.free == 0 {
			b.data, b.free = append(b.data, 0), 8
		}
		b.free--
		b.data[len(b.data)-1] |= byte(value>>i&1) << b.free
	}
}

// ue writes an unsigned Exp-Golomb code.
func (b *bits) ue(value uint32) {
	length := 0
	for value+1 >= 1<<(length+1) {
		length++
	}
	b.put(value+1, 2*length+1)
}

// hugePicture is an access unit whose own parameter sets say that it has so many
// samples each way: a few bytes.
func hugePicture(side uint32) []byte {
	sps := bits{data: []byte{0x67, 66, 0, 62}}
	for _, v := range []uint32{0, 0, 2, 1} { // id, frame_num, order by decoding, one reference
		sps.ue(v)
	}
	sps.put(0, 1)
	sps.ue(side/16 - 1)
	sps.ue(side/16 - 1)
	sps.put(0b1100, 4) // frames, direct_8x8, no cropping, no VUI
	sps.put(1, 1)
	pps := bits{data: []byte{0x68}}
	for range 2 {
		pps.ue(0)
	}
	pps.put(0, 2)
	for range 3 {
		pps.ue(0)
	}
	pps.put(0, 3)
	for range 3 {
		pps.ue(0)
	}
	pps.put(0b1001, 4)
	slice := bits{data: []byte{0x65}}
	for _, v := range []uint32{0, 7, 0} { // first macroblock, I, parameter set
		slice.ue(v)
	}
	slice.put(0, 4)
	slice.ue(0)
	slice.put(0b00, 2)
	slice.ue(0)
	slice.ue(1)
	slice.put(1, 1)
	var unit []byte
	for _, nal := range [][]byte{sps.data, pps.data, slice.data} {
		unit = append(binary.BigEndian.AppendUint32(unit, uint32(len(nal))), nal...)
	}
	return unit
}

// peak is the most memory that this process has had resident, in bytes.
func peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: memory cannot be read here: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// TestHugePictures: pictures of 16384 x 16384, of which a few bytes come, take no
// memory. What refers to them is lost, up to the next keyframe.
func TestHugePictures(t *testing.T) {
	c := readClip(t, mediaFile(t, "src_butterfly_720p30.mp4"), "v:0")
	c.units = c.units[:60]
	at := boundariesOf(c.units)
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: 180}}})
	transcodeClip(t, c, rungs, at) // what decoding takes anyway
	before := peak(t)
	bombs := 0
	for i := range c.units {
		if i > 0 && !c.units[i].Sync && i%7 == 0 {
			c.units[i].Data = hugePicture(16384)
			bombs++
		}
	}
	r := transcodeClip(t, c, rungs, at)
	grown := peak(t) - before
	t.Logf("%d bombs: %d units damaged, %d MiB more", bombs, r.last.Damaged, grown>>20)
	if grown > 128<<20 {
		t.Errorf("%d MiB were taken", grown>>20)
	}
	if int(r.last.Damaged) < bombs {
		t.Errorf("%d of %d bombs were refused", r.last.Damaged, bombs)
	}
}

// TestManySlices: pictures of some thousand slices are encoded like any other.
func TestManySlices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slices.mp4")
	ffmpeg(t, "-i", mediaFile(t, "src_butterfly_720p30.mp4"), "-t", "0.5", "-an", "-c:v", "libx264", "-preset", "ultrafast",
		"-x264-params", "slice-max-mbs=2:keyint=8:min-keyint=8:scenecut=0", path)
	c := readClip(t, path, "v:0")
	if n := len(nalUnits(c.units[1].Data)); n < 1000 {
		t.Fatalf("a picture has only %d slices", n)
	}
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: 180}}})
	r := transcodeClip(t, c, rungs, boundariesOf(c.units))
	for i, spec := range rungs {
		if r.last.Damaged > 0 || len(r.coded[i]) != len(c.units)/spec.FrameDivisor {
			t.Errorf("%s: %d of %d pictures, %d damaged", spec.ID, len(r.coded[i]), len(c.units), r.last.Damaged)
		}
	}
}
