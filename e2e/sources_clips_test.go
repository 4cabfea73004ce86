//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// sounding has a small picture with a keyframe every 2 s, and sound as the
// arguments make it of a film's 5.1 mix.
func sounding(t *testing.T, name string, sound ...string) string {
	t.Helper()
	source := filepath.Join(media, "bbb_480p24_aac51.mp4")
	if _, err := os.Stat(source); err != nil {
		missing(t, source)
	}
	arguments := []string{"-i", source, "-vf", "scale=640:360,setsar=1", "-r", "24"}
	arguments = append(append(arguments, small(48)...), sound...)
	return cached(t, name+"-square-360p24-30s.flv", arguments...)
}

// small is a cheap encoding with a keyframe every so many frames.
func small(interval int) []string {
	return []string{
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p",
		"-b:v", "500k", "-maxrate", "500k", "-bufsize", "500k",
		"-g", itoa(interval), "-keyint_min", itoa(interval), "-sc_threshold", "0", "-bf", "2",
	}
}

func stereoClip(t *testing.T) string {
	t.Helper()
	return sounding(t, "stereo", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2")
}

// blackClip shows nothing, and its sound is cut off at full scale.
func blackClip(t *testing.T) string {
	t.Helper()
	arguments := append([]string{"-i", stereoClip(t), "-vf", "drawbox=c=black:t=fill"}, small(48)...)
	return cached(t, "black-loud-360p24-30s.flv", append(arguments, "-af", "volume=40dB,aformat=s16", "-c:a", "aac", "-b:a", "128k")...)
}

// autoClip is what an encoder sends whose keyframe interval is "auto": one
// where scenes change, else after 250 frames.
func autoClip(t *testing.T) string {
	t.Helper()
	source := filepath.Join(media, "bbb_480p24_aac51.mp4")
	if _, err := os.Stat(source); err != nil {
		missing(t, source)
	}
	return cached(t, "auto-480p24-30s.flv", "-i", source, "-c:v", "libx264", "-preset", "veryfast",
		"-b:v", "800k", "-maxrate", "800k", "-bufsize", "800k", "-c:a", "aac", "-ac", "2")
}

// changingClip goes from 640x360 to 480x270 after 10 s, as an encoder does
// whose creator changes its settings without a stop.
func changingClip(t *testing.T) string {
	t.Helper()
	second := append(append([]string{"-i", stereoClip(t), "-vf", "scale=480:270,setsar=1"}, small(48)...), "-c:a", "copy")
	return changingTo(t, cached(t, "stereo-square-270p24-30s.flv", second...))
}

// professionalClip goes over to 4:2:2, which browsers do not decode.
func professionalClip(t *testing.T) string {
	t.Helper()
	second := append(append([]string{"-i", stereoClip(t)}, small(48)...), "-profile:v", "high422", "-pix_fmt", "yuv422p", "-c:a", "copy")
	return changingTo(t, cached(t, "stereo-square-422-360p24-30s.flv", second...))
}

// changingTo is 10 s of stereoClip, then second.
func changingTo(t *testing.T, second string) string {
	t.Helper()
	joined := filepath.Join(t.TempDir(), "changing.flv")
	var out []byte
	var at uint32
	for i, clip := range []string{stereoClip(t), second} {
		raw, err := os.ReadFile(clip)
		if err != nil {
			t.Fatal(err)
		}
		out, at = appendFLV(out, raw, at, []uint32{10_000, 30_000}[i])
	}
	if err := os.WriteFile(joined, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return joined
}

// appendFLV appends what comes in an FLV file before length to another one, from
// a time on, and returns where that ends, all in milliseconds. The header and
// the metadata are the first one's.
func appendFLV(out, raw []byte, from, length uint32) ([]byte, uint32) {
	const head, tagHead, trailer, script = 9 + 4, 11, 4, 18
	first := len(out) == 0
	if first {
		out = append(out, raw[:head]...)
	}
	for raw = raw[head:]; len(raw) > tagHead; {
		size := tagHead + (int(raw[1])<<16 | int(raw[2])<<8 | int(raw[3])) + trailer
		at := uint32(raw[4])<<16 | uint32(raw[5])<<8 | uint32(raw[6]) | uint32(raw[7])<<24
		tag := bytes.Clone(raw[:size])
		raw = raw[size:]
		if at >= length || tag[0] == script && !first {
			continue
		}
		at += from
		tag[4], tag[5], tag[6], tag[7] = byte(at>>16), byte(at>>8), byte(at), byte(at>>24)
		out = append(out, tag...)
	}
	return out, from + length
}

// cutFLV is the part of an FLV file that is decoded in [from, to), in milliseconds, as a
// file of its own.
func cutFLV(raw []byte, from, to uint32) []byte {
	const head, tagHead, trailer, script = 9 + 4, 11, 4, 18
	out := bytes.Clone(raw[:head])
	for raw = raw[head:]; len(raw) > tagHead; {
		size := tagHead + (int(raw[1])<<16 | int(raw[2])<<8 | int(raw[3])) + trailer
		at := uint32(raw[4])<<16 | uint32(raw[5])<<8 | uint32(raw[6]) | uint32(raw[7])<<24
		tag := bytes.Clone(raw[:size])
		raw = raw[size:]
		settings := tag[0] == script || tag[tagHead+1] == 0 // of H.264 and of AAC
		if !settings && (at < from || at >= to) {
			continue
		}
		at = max(at, from) - from
		tag[4], tag[5], tag[6], tag[7] = byte(at>>16), byte(at>>8), byte(at), byte(at>>24)
		out = append(out, tag...)
	}
	return out
}
