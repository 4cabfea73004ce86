package gateway

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A picture of bombSide samples each way takes 400 MB.
const bombSide = 16384

// midway is the third and the fourth of six seconds: what comes before is decoded well.
func midway(second int) bool { return second == 2 || second == 3 }

// bomb makes a file of six seconds, of whose pictures enlarge rewrites some: they say that
// they are huge, and few bytes come of them.
func bomb(t *testing.T, encoder, format string, enlarge func([]byte) []byte) string {
	t.Helper()
	folder := t.TempDir()
	stream, file := filepath.Join(folder, "stream"), filepath.Join(folder, "bomb.mp4")
	const source = "-v error -y -f lavfi -i testsrc2=size=640x360:rate=30:d=6 -g 30 -b:v 300k -pix_fmt yuv420p "
	if said, err := exec.CommandContext(t.Context(), "ffmpeg", append(strings.Fields(source+encoder), "-f", format, stream)...).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: ffmpeg cannot make it: %v: %s", err, said)
	}
	raw, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stream, enlarge(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"-v", "error", "-y", "-framerate", "30", "-f", format, "-i", stream, "-f", "lavfi", "-i", "sine=sample_rate=48000:d=6", "-c:v", "copy", "-c:a", "aac"}
	if format == "hevc" {
		arguments = append(arguments, "-tag:v", "hev1") // parameter sets stay where they are
	}
	if said, err := exec.CommandContext(t.Context(), "ffmpeg", append(arguments, file)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, said)
	}
	return file
}

// enlargeNALs rewrites the sequence parameter sets of an Annex B stream.
func enlargeNALs(isSPS func(byte) bool, large func([]byte) []byte) func([]byte) []byte {
	return func(raw []byte) (out []byte) {
		seconds := 0
		for i, nal := range bytes.Split(raw, []byte{0, 0, 1}) {
			if i == 0 {
				continue
			}
			nal = bytes.TrimRight(nal, "\x00")
			if isSPS(nal[0]) {
				if midway(seconds) {
					nal = large(nal)
				}
				seconds++
			}
			out = append(append(out, 0, 0, 0, 1), nal...)
		}
		return out
	}
}

// largeSPS rewrites a parameter set behind its header. at finds the place of width and
// height among its bits, and side is what is written for both.
func largeSPS(nal []byte, header int, side uint32, at func(text string) int) []byte {
	text := bitsOf(bytes.ReplaceAll(nal[header:], []byte{0, 0, 3}, []byte{0, 0}))
	place := at(text)
	_, width := readUE(text[place:])
	_, height := readUE(text[place+width:])
	text = text[:place] + ue(side) + ue(side) + text[place+width+height:]
	return append(bytes.Clone(nal[:header]), escaped(bytesOf(text))...)
}

// afterUEs is where the text goes on after so many unsigned Exp-Golomb codes.
func afterUEs(text string, at, count int) int {
	for range count {
		_, length := readUE(text[at:])
		at += length
	}
	return at
}

// largeH264 is of the Baseline profile (ITU-T H.264, 7.3.2.1.1).
func largeH264(nal []byte) []byte {
	return largeSPS(nal, 1, bombSide/16-1, func(text string) int {
		at := afterUEs(text, 24, 2)
		order, length := readUE(text[at:])
		at += length
		if order == 0 {
			at = afterUEs(text, at, 1)
		}
		return afterUEs(text, at, 1) + 1
	})
}

func bombH264(t *testing.T) string {
	t.Helper()
	return bomb(t, "-c:v libx264 -preset ultrafast -profile:v baseline", "h264",
		enlargeNALs(func(b byte) bool { return b&0x1f == 7 }, largeH264))
}

// hugeFromTheStart rewrites the configuration record of an FLV file (ISO/IEC 14496-15,
// 5.3.3.1), which has one parameter set of H.264.
func hugeFromTheStart(tags []tag) []tag {
	const record, set = 5, 5 + 8
	for i, g := range tags {
		if g.kind == 9 && g.header() {
			size := int(binary.BigEndian.Uint16(g.body[record+6:]))
			nal := largeH264(g.body[set : set+size])
			body := binary.BigEndian.AppendUint16(bytes.Clone(g.body[:record+6]), uint16(len(nal)))
			tags[i].body = append(append(body, nal...), g.body[set+size:]...)
		}
	}
	return tags
}

// bombHEVC is of one temporal layer (ITU-T H.265, 7.3.2.2.1).
func bombHEVC(t *testing.T) string {
	t.Helper()
	return bomb(t, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=30:min-keyint=30:scenecut=0:open-gop=0:bframes=0", "hevc",
		enlargeNALs(func(b byte) bool { return b>>1&0x3f == 33 }, func(nal []byte) []byte {
			return largeSPS(nal, 2, bombSide, func(text string) int { return afterUEs(text, 8+96, 2) })
		}))
}

// bitsOf is bytes as text of zeros and ones, and bytesOf is the way back.
func bitsOf(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		fmt.Fprintf(&text, "%08b", c)
	}
	return text.String()
}

// bytesOf ends behind the last one, which is where the trailing bits begin.
func bytesOf(text string) (b []byte) {
	text = strings.TrimRight(text, "0")
	text += strings.Repeat("0", -len(text)&7)
	for ; text != ""; text = text[8:] {
		b = append(b, byte(number(text[:8])))
	}
	return b
}

func number(text string) (n int) {
	for _, c := range text {
		n = n<<1 | int(c-'0')
	}
	return n
}

// ue is an unsigned Exp-Golomb code (ITU-T H.264, 9.1), and readUE reads one.
func ue(value uint32) string {
	return fmt.Sprintf("%0*b", 2*bits.Len32(value+1)-1, value+1)
}

func readUE(text string) (value, length int) {
	zeros := strings.IndexByte(text, '1')
	length = 2*zeros + 1
	return number(text[:length]) - 1, length
}

// escaped has no start codes in it.
func escaped(b []byte) (out []byte) {
	for _, c := range b {
		if n := len(out); n > 1 && c <= 3 && out[n-1] == 0 && out[n-2] == 0 {
			out = append(out, 3)
		}
		out = append(out, c)
	}
	return out
}
