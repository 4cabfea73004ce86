package gateway

import (
	"encoding/binary"
	"os"
	"testing"
)

// tag is one of an FLV file (Adobe Flash Video File Format 10.1, E.4.1).
type tag struct {
	// kind is 8 for audio, 9 for video and 18 for data, at is in milliseconds.
	kind byte
	at   int
	body []byte
}

// key reports whether it is a keyframe, header whether it is no media.
func (g tag) key() bool    { return g.kind == 9 && g.body[0]>>4 == 1 }
func (g tag) header() bool { return g.kind == 18 || g.body[1] == 0 }

const (
	flvHeader = 9 + 4
	tagHeader = 11
)

// retag rewrites the tags of a file.
func retag(t *testing.T, file string, change func([]tag) []tag) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest := raw[:flvHeader], raw[flvHeader:]
	var tags []tag
	for len(rest) > tagHeader {
		size := int(binary.BigEndian.Uint32(rest) & 0xffffff)
		at := int(rest[7])<<24 | int(binary.BigEndian.Uint32(rest[4:])>>8)
		tags = append(tags, tag{rest[0], at, rest[tagHeader : tagHeader+size]})
		rest = rest[tagHeader+size+4:]
	}
	out := append([]byte{}, head...)
	for _, g := range change(tags) {
		out = binary.BigEndian.AppendUint32(out, uint32(g.kind)<<24|uint32(len(g.body)))
		out = append(out, byte(g.at>>16), byte(g.at>>8), byte(g.at), byte(g.at>>24), 0, 0, 0)
		out = append(out, g.body...)
		out = binary.BigEndian.AppendUint32(out, uint32(tagHeader+len(g.body)))
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
}
