package transcode_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// messages has one of every kind, with values at their limits.
func messages() []transcode.Message {
	au := media.AccessUnit{DTS: 158_400_000_000_000, PTS: 158_400_000_003_003, Duration: 3003, Sync: true, Discontinuity: true, Data: []byte{0, 0, 0, 2, 0x65, 0x88}}
	return []transcode.Message{
		transcode.Hello{Version: transcode.WireVersion},
		transcode.Order{
			Mode: transcode.ModeVideo, Stream: "main", Latency: transcode.LatencyBalanced,
			Rungs: transcode.Ladder(source(1920, 1080, fps(30, 1), 6_000_000), transcode.LadderConfig{}),
		},
		transcode.Order{Mode: transcode.ModeVideo, Hold: &transcode.Hold{Rate: fps(25, 1), Until: 1 << 40}},
		transcode.Order{Mode: transcode.ModeAudio, Bitrate: 128_000, SampleRate: 44_100, Channels: 1},
		transcode.Order{Mode: transcode.ModeWatch, Stream: "main"},
		transcode.TrackChange{Track: media.Track{Kind: media.Video, Codec: media.H264, Config: []byte{1, 100}, FrameRate: fps(30000, 1001)}},
		transcode.Unit{AU: au},
		transcode.Unit{AU: media.AccessUnit{DTS: -1, PTS: -1, Data: []byte{}}},
		transcode.Unit{AU: media.AccessUnit{Recovery: true, Data: []byte{1}}},
		transcode.BoundaryAt{MSN: 1<<64 - 1, PTS: -90_000},
		transcode.Resync{},
		transcode.Paces{Paces: []transcode.Pace{transcode.PaceFull, transcode.PaceHalf, transcode.PaceOff}},
		transcode.Rested{Rung: 2},
		transcode.Sight{Brightness: 0.25, Contrast: 0.125, Still: 12 * time.Second},
		transcode.Heard{Level: transcode.Silence, Clipped: 1},
		transcode.SoundTrack{Track: media.Track{Kind: media.Audio, Codec: media.AAC, Config: []byte{0x11, 0x90}, SampleRate: 48_000, Channels: 2}},
		transcode.Sound{AU: au},
		transcode.End{},
		transcode.Ready{Tracks: []media.Track{{Kind: media.Video, Width: 1280, Height: 720, Config: []byte{1}}}},
		transcode.Coded{Rung: 3, MSN: 1_790_000_000, Starts: true, AU: au},
		transcode.Progress{Units: 7, Damaged: 1, Media: time.Second, Busy: time.Millisecond},
		transcode.Report{Level: slog.LevelWarn, Text: "no frame"},
		transcode.Report{Level: slog.LevelDebug, Text: ""},
		transcode.Done{},
		transcode.Fatal{Text: "no decoder"},
	}
}

func TestEveryMessagePassesUnchanged(t *testing.T) {
	var pipe bytes.Buffer
	w := transcode.NewWriter(&pipe)
	for _, m := range messages() {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	r := transcode.NewReader(&pipe)
	for _, want := range messages() {
		got, err := r.Read()
		if err != nil {
			t.Fatalf("%T: %v", want, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %#v\nwant %#v", got, want)
		}
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func TestUnitsDoNotShareBuffers(t *testing.T) {
	var pipe bytes.Buffer
	w := transcode.NewWriter(&pipe)
	for i := range 2 {
		if err := w.Write(transcode.Unit{AU: media.AccessUnit{Data: []byte{byte(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	r := transcode.NewReader(&pipe)
	first, _ := r.Read()
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	if got := first.(transcode.Unit).AU.Data[0]; got != 0 {
		t.Errorf("the second unit overwrote the first: %d", got)
	}
}

func TestReaderRefusesForeignBytes(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"text":             {"panic: runtime error", transcode.ErrWire},
		"length of zero":   {"\x00\x00\x00\x00\x01", transcode.ErrWire},
		"huge unit":        {"\x7f\xff\xff\xff\x04", transcode.ErrWire},
		"long log line":    {"\x00\x00\xff\xff\x0b", transcode.ErrWire},
		"end with a body":  {"\x00\x00\x00\x02\x07x", transcode.ErrWire},
		"wrong magic":      {"\x00\x00\x00\x07\x01WEIR\x00\x01", transcode.ErrWire},
		"short boundary":   {"\x00\x00\x00\x08\x051234567", transcode.ErrWire},
		"bad JSON":         {"\x00\x00\x00\x02\x02{", transcode.ErrWire},
		"cut in a message": {"\x00\x00\x00\x11\x0512", io.ErrUnexpectedEOF},
		"cut in a header":  {"\x00\x00", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := transcode.NewReader(bytes.NewReader([]byte(c.in))).Read()
			if !errors.Is(err, c.want) {
				t.Errorf("Read = %#v, %v, want %v", m, err, c.want)
			}
		})
	}
}

func TestWriterRefusesWhatNoReaderTakes(t *testing.T) {
	var pipe bytes.Buffer
	w := transcode.NewWriter(&pipe)
	if err := w.Write(transcode.Unit{AU: media.AccessUnit{Data: make([]byte, transcode.MaxUnit+1)}}); err == nil {
		t.Error("an oversized unit was sent")
	}
	if err := w.Write(transcode.Fatal{Text: string(make([]byte, 1<<20))}); err != nil {
		t.Fatal(err)
	}
	if _, err := transcode.NewReader(&pipe).Read(); err != nil {
		t.Errorf("a long text was not clipped: %v", err)
	}
}

func TestPassingAUnitAllocatesItsDataOnly(t *testing.T) {
	var pipe bytes.Buffer
	w, r := transcode.NewWriter(&pipe), transcode.NewReader(&pipe)
	var unit transcode.Message = transcode.Unit{AU: media.AccessUnit{Data: make([]byte, 20_000)}}
	allocs := testing.AllocsPerRun(100, func() {
		if err := w.Write(unit); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
	})
	// The data, the interface that holds the message, and the first growth
	// of the buffer in this test.
	if allocs > 3 {
		t.Errorf("%v allocations per access unit, want at most 3", allocs)
	}
}

// FuzzRead covers both directions: the kinds of both are known to one Reader.
// What it accepts must pass through a Writer and come back the same.
func FuzzRead(f *testing.F) {
	for _, m := range messages() {
		var pipe bytes.Buffer
		if err := transcode.NewWriter(&pipe).Write(m); err != nil {
			f.Fatal(err)
		}
		f.Add(pipe.Bytes())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := transcode.NewReader(bytes.NewReader(in))
		for {
			m, err := r.Read()
			if err != nil {
				return
			}
			var pipe bytes.Buffer
			if err = transcode.NewWriter(&pipe).Write(m); err != nil {
				t.Fatalf("%#v was read and cannot be written: %v", m, err)
			}
			again, err := transcode.NewReader(&pipe).Read()
			if err != nil || !reflect.DeepEqual(again, m) {
				t.Fatalf("%#v came back as %#v, %v", m, again, err)
			}
		}
	})
}
