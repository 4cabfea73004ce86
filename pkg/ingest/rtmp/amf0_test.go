package rtmp

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestDecodeAMF0(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []byte
		want []any
	}{
		{"number", []byte("\x00\x3f\xf0\x00\x00\x00\x00\x00\x00"), []any{1.0}},
		{"booleans", []byte("\x01\x00\x01\x07"), []any{false, true}},
		{"strings", []byte("\x02\x00\x00\x02\x00\x02hi"), []any{"", "hi"}},
		{"long string, XML", []byte("\x0c\x00\x00\x00\x02hi\x0f\x00\x00\x00\x01x"), []any{"hi", "x"}},
		{"null, undefined, unsupported, reference", []byte("\x05\x06\x0d\x07\x00\x01"), []any{nil, nil, nil, nil}},
		{"object", []byte("\x03\x00\x01a\x05\x00\x01b\x01\x01\x00\x00\x09"), []any{amfObject{{"a", nil}, {"b", true}}}},
		{"empty object", []byte("\x03\x00\x00\x09"), []any{amfObject(nil)}},
		{"typed object", []byte("\x10\x00\x01C\x00\x01a\x05\x00\x00\x09"), []any{amfObject{{"a", nil}}}},
		{"ECMA array with a wrong count", []byte("\x08\xff\xff\xff\xff\x00\x01a\x05\x00\x00\x09"), []any{amfObject{{"a", nil}}}},
		{"ECMA array without end", []byte("\x08\x00\x00\x00\x01\x00\x01a\x05"), []any{amfObject{{"a", nil}}}},
		{"an empty name is no end", []byte("\x03\x00\x00\x01\x01\x00\x00\x09"), []any{amfObject{{"", true}}}},
		{"strict array", []byte("\x0a\x00\x00\x00\x02\x05\x01\x01"), []any{[]any{nil, true}}},
		{"date", []byte("\x0b\x3f\xf0\x00\x00\x00\x00\x00\x00\x00\x00"), []any{1.0}},
		{"nothing", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeAMF0(c.in)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("decoded %#v (%v), want %#v", got, err, c.want)
			}
		})
	}
}

func TestDecodeAMF0KeepsWhatCameBeforeAnError(t *testing.T) {
	t.Parallel()
	deep := func(n int) []byte { return bytes.Repeat([]byte("\x03\x00\x01a"), n) }
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"unknown type", join(0x99)},
		{"AMF3", join(0x11, 1)},
		{"object end without object", join(0x09)},
		{"string longer than the rest", join(0x02, 0xff, 0xff, "x")},
		{"long string longer than memory", join(0x0c, 0xff, 0xff, 0xff, 0xff, "x")},
		{"number cut short", join(0x00, 1, 2)},
		{"array that claims 4 billion values", join(0x0a, 0xff, 0xff, 0xff, 0xff, 0x05, 0x05)},
		{"objects nested too deep", deep(maxAMFDepth)},
		{"objects nested beyond every stack", deep(60_000)},
		{"arrays nested beyond every stack", bytes.Repeat([]byte{0x0a, 0, 0, 0, 1}, 60_000)},
		{"too many values", bytes.Repeat([]byte{0x05}, maxAMFValues)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeAMF0(join(0x02, 0, 2, "hi", c.in))
			if !errors.Is(err, errAMF) || len(got) == 0 || got[0] != "hi" {
				t.Errorf("decoded %.100v (%v)", got, err)
			}
		})
	}
}

// amfValue draws a value that survives encoding and decoding.
func amfValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.String().AsAny(), rapid.Just[any](nil),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	object := rapid.Custom(func(t *rapid.T) any {
		var o amfObject
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			o = append(o, amfProperty{rapid.StringN(1, 10, -1).Draw(t, "name"), amfValue(depth-1).Draw(t, "value")})
		}
		return o
	})
	return rapid.OneOf(append(scalars, object)...)
}

func TestAMF0RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(amfValue(3), 1, 6).Draw(t, "values")
		got, err := decodeAMF0(appendAMF0(nil, want...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("decoded %#v (%v), want %#v", got, err, want)
		}
	})
}

func TestParseCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []byte
		want command
		ok   bool
	}{
		{
			"publish", appendAMF0(nil, "publish", 5.0, nil, "key", "live"),
			command{name: "publish", transaction: 5, args: []any{"key", "live"}},
			true,
		},
		{
			"connect", appendAMF0(nil, "connect", 1.0, amfObject{{"app", "live"}}),
			command{name: "connect", transaction: 1, object: amfObject{{"app", "live"}}, args: []any{}},
			true,
		},
		{"a name only", appendAMF0(nil, "x"), command{name: "x"}, true},
		{"a name and rubbish", join(appendAMF0(nil, "x"), 0x99), command{name: "x"}, true},
		{"no number of a transaction", appendAMF0(nil, "x", math.NaN()), command{name: "x"}, true},
		{"no name", appendAMF0(nil, 1.0), command{}, false},
		{"nothing", nil, command{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := parseCommand(c.in); ok != c.ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("parsed %#v, %v; want %#v, %v", got, ok, c.want, c.ok)
			}
		})
	}
}
