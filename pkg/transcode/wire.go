package transcode

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"time"

	"weir/pkg/media"
)

// On the wire a message is
//
//	length  uint32  of all that follows
//	kind    uint8
//	body    fixed fields, then for Unit and Coded the access unit's bytes
//
// in network byte order. Media never passes through JSON; Order, TrackChange
// and Ready, which are rare, do.

const (
	lengthSize = 4
	// MaxUnit is the largest access unit, in bytes, that either side sends or
	// accepts: half a second at a rate beyond any publisher's limit.
	MaxUnit = 16 << 20
	maxJSON = 1 << 20
	maxText = 4 << 10

	unitHeader     = 1 + 8 + 8 + 8
	codedHeader    = 2 + 8 + unitHeader
	boundaryBody   = 8 + 8
	progressBody   = 4 * 8
	helloBody      = len(helloMagic) + 2
	restedBody     = 2
	sightBody      = 3 * 8
	heardBody      = 2 * 8
	maxRungs       = 64
	helloMagic     = "weir"
	pipeBufferSize = 64 << 10
)

const (
	flagSync = 1 << iota
	flagDiscontinuity
	flagStarts
	flagRecovery
)

// ErrWire is wrapped by every error that means the peer said something that
// is not of this protocol.
var ErrWire = errors.New("not the worker protocol")

// Writer sends messages; it is safe for several goroutines.
type Writer struct {
	mu      sync.Mutex
	w       *bufio.Writer
	scratch []byte
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, pipeBufferSize)}
}

// Write sends m at once. It blocks while the pipe is full. Data of an access
// unit is not kept.
func (w *Writer) Write(m Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	head := append(w.scratch[:0], 0, 0, 0, 0, byte(m.kind()))
	head, data, err := appendBody(head, m)
	if err != nil {
		return fmt.Errorf("send %T: %w", m, err)
	}
	w.scratch = head[:0]
	if len(data) > MaxUnit {
		return fmt.Errorf("send %T: access unit of %d bytes, at most %d can pass", m, len(data), MaxUnit)
	}
	binary.BigEndian.PutUint32(head, uint32(len(head)-lengthSize+len(data)))
	// bufio keeps the first error, so Flush tells of all three.
	_, _ = w.w.Write(head)
	_, _ = w.w.Write(data)
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("send %T: %w", m, err)
	}
	return nil
}

// appendBody appends the fixed fields of m to b and returns the bytes of an
// access unit, if m has one, beside it.
func appendBody(b []byte, m Message) (head, data []byte, err error) {
	switch m := m.(type) {
	case Hello:
		b = append(b, helloMagic...)
		return binary.BigEndian.AppendUint16(b, m.Version), nil, nil
	case Order, Ready:
		return appendJSON(b, m)
	case TrackChange:
		return appendJSON(b, m.Track)
	case Unit:
		return appendUnit(b, m.AU, 0), m.AU.Data, nil
	case BoundaryAt:
		b = binary.BigEndian.AppendUint64(b, m.MSN)
		return binary.BigEndian.AppendUint64(b, uint64(m.PTS)), nil, nil
	case Coded:
		b = binary.BigEndian.AppendUint16(b, uint16(m.Rung))
		b = binary.BigEndian.AppendUint64(b, m.MSN)
		var flags byte
		if m.Starts {
			flags = flagStarts
		}
		return appendUnit(b, m.AU, flags), m.AU.Data, nil
	case Progress:
		for _, v := range []uint64{m.Units, m.Damaged, uint64(m.Media), uint64(m.Busy)} {
			b = binary.BigEndian.AppendUint64(b, v)
		}
		return b, nil, nil
	case Paces:
		for _, p := range m.Paces {
			b = append(b, byte(p))
		}
		return b, nil, nil
	case Sight:
		b = appendNumbers(b, m.Brightness, m.Contrast)
		return binary.BigEndian.AppendUint64(b, uint64(m.Still)), nil, nil
	case Heard:
		return appendNumbers(b, m.Level, m.Clipped), nil, nil
	case SoundTrack:
		return appendJSON(b, m.Track)
	case Sound:
		return appendUnit(b, m.AU, 0), m.AU.Data, nil
	case Rested:
		return binary.BigEndian.AppendUint16(b, uint16(m.Rung)), nil, nil
	case Report:
		return append(append(b, byte(int8(m.Level))), clip(m.Text)...), nil, nil
	case Fatal:
		return append(b, clip(m.Text)...), nil, nil
	}
	return b, nil, nil
}

func appendNumbers(b []byte, numbers ...float64) []byte {
	for _, x := range numbers {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

func appendJSON(b []byte, v any) (head, data []byte, err error) {
	text, err := json.Marshal(v)
	return append(b, text...), nil, err
}

func appendUnit(b []byte, au media.AccessUnit, flags byte) []byte {
	if au.Sync {
		flags |= flagSync
	}
	if au.Discontinuity {
		flags |= flagDiscontinuity
	}
	if au.Recovery {
		flags |= flagRecovery
	}
	b = append(b, flags)
	for _, t := range []media.Ticks{au.DTS, au.PTS, au.Duration} {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	return b
}

func clip(text string) string { return text[:min(len(text), maxText)] }

// Reader receives messages; it belongs to one goroutine.
type Reader struct {
	r    *bufio.Reader
	head [lengthSize + 1 + codedHeader]byte
}

// NewReader returns a Reader from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, pipeBufferSize)}
}

// Read returns the next message. The bytes of an access unit are a buffer of
// their own that the caller may keep. The error is io.EOF between messages,
// io.ErrUnexpectedEOF inside one, and wraps ErrWire for foreign bytes, after
// which nothing sensible follows.
func (r *Reader) Read() (Message, error) {
	if _, err := io.ReadFull(r.r, r.head[:lengthSize+1]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(r.head[:lengthSize])) - 1
	kind := messageKind(r.head[lengthSize])
	fixed, rest, ok := bodyLimits(kind)
	if !ok || size < int64(fixed) || size > int64(fixed)+int64(rest) {
		return nil, fmt.Errorf("%w: kind %d with %d bytes", ErrWire, kind, size)
	}
	head := r.head[lengthSize+1:][:fixed]
	if _, err := io.ReadFull(r.r, head); err != nil {
		return nil, inside(err)
	}
	data := make([]byte, size-int64(fixed))
	if _, err := io.ReadFull(r.r, data); err != nil {
		return nil, inside(err)
	}
	m, err := parseBody(kind, head, data)
	if err != nil {
		return nil, fmt.Errorf("%w: kind %d: %w", ErrWire, kind, err)
	}
	return m, nil
}

// inside is err where a message has begun.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// bodyLimits returns how many bytes of fixed fields a kind has and how many
// may follow them.
func bodyLimits(kind messageKind) (fixed, rest int, ok bool) {
	switch kind {
	case kindHello:
		return helloBody, 0, true
	case kindOrder, kindTrack, kindReady, kindSoundTrack:
		return 0, maxJSON, true
	case kindUnit, kindSound:
		return unitHeader, MaxUnit, true
	case kindCoded:
		return codedHeader, MaxUnit, true
	case kindBoundary:
		return boundaryBody, 0, true
	case kindProgress:
		return progressBody, 0, true
	case kindPaces:
		return 0, maxRungs, true
	case kindRested:
		return restedBody, 0, true
	case kindSight:
		return sightBody, 0, true
	case kindHeard:
		return heardBody, 0, true
	case kindReport:
		return 1, maxText, true
	case kindFatal:
		return 0, maxText, true
	case kindResync, kindEnd, kindDone:
		return 0, 0, true
	}
	return 0, 0, false
}

func parseBody(kind messageKind, head, data []byte) (Message, error) {
	switch kind {
	case kindHello:
		if string(head[:len(helloMagic)]) != helloMagic {
			return nil, fmt.Errorf("magic %q", head[:len(helloMagic)])
		}
		return Hello{Version: binary.BigEndian.Uint16(head[len(helloMagic):])}, nil
	case kindOrder:
		return parseJSON[Order](data)
	case kindReady:
		return parseJSON[Ready](data)
	case kindTrack:
		track, err := parseJSON[media.Track](data)
		return TrackChange{Track: track}, err
	case kindUnit:
		au, _ := parseUnit(head, data)
		return Unit{AU: au}, nil
	case kindCoded:
		au, flags := parseUnit(head[10:], data)
		return Coded{
			Rung:   int(binary.BigEndian.Uint16(head)),
			MSN:    binary.BigEndian.Uint64(head[2:]),
			Starts: flags&flagStarts != 0,
			AU:     au,
		}, nil
	case kindBoundary:
		return BoundaryAt{MSN: binary.BigEndian.Uint64(head), PTS: ticks(head[8:])}, nil
	case kindProgress:
		return Progress{
			Units:   binary.BigEndian.Uint64(head),
			Damaged: binary.BigEndian.Uint64(head[8:]),
			Media:   time.Duration(ticks(head[16:])),
			Busy:    time.Duration(ticks(head[24:])),
		}, nil
	case kindPaces:
		return parsePaces(data)
	case kindSight, kindHeard:
		return parsePerception(kind, head)
	case kindSoundTrack:
		track, err := parseJSON[media.Track](data)
		return SoundTrack{Track: track}, err
	case kindSound:
		au, _ := parseUnit(head, data)
		return Sound{AU: au}, nil
	case kindRested:
		return Rested{Rung: int(binary.BigEndian.Uint16(head))}, nil
	case kindReport:
		return Report{Level: slog.Level(int8(head[0])), Text: string(data)}, nil
	case kindFatal:
		return Fatal{Text: string(data)}, nil
	case kindResync:
		return Resync{}, nil
	case kindEnd:
		return End{}, nil
	case kindDone:
		return Done{}, nil
	}
	return nil, errors.New("unknown kind")
}

// parsePerception reads a Sight or a Heard. What is no such thing, not a number
// among them, is refused.
func parsePerception(kind messageKind, head []byte) (Message, error) {
	number := func(i int) float64 { return math.Float64frombits(binary.BigEndian.Uint64(head[8*i:])) }
	within := func(x, least, most float64) bool { return x >= least && x <= most }
	if kind == kindHeard {
		m := Heard{Level: number(0), Clipped: number(1)}
		if !within(m.Level, Silence, 100) || !within(m.Clipped, 0, 1) {
			return nil, fmt.Errorf("heard %+v", m)
		}
		return m, nil
	}
	m := Sight{Brightness: number(0), Contrast: number(1), Still: time.Duration(ticks(head[16:]))}
	if !within(m.Brightness, -1, 2) || !within(m.Contrast, 0, 2) || m.Still < 0 {
		return nil, fmt.Errorf("seen %+v", m)
	}
	return m, nil
}

func parseJSON[M any](data []byte) (M, error) {
	var m M
	err := json.Unmarshal(data, &m)
	return m, err
}

func parsePaces(data []byte) (Message, error) {
	m := Paces{Paces: make([]Pace, len(data))}
	for i, p := range data {
		if Pace(p) > PaceOff {
			return nil, fmt.Errorf("pace %d", p)
		}
		m.Paces[i] = Pace(p)
	}
	return m, nil
}

func parseUnit(head, data []byte) (media.AccessUnit, byte) {
	return media.AccessUnit{
		DTS:           ticks(head[1:]),
		PTS:           ticks(head[9:]),
		Duration:      ticks(head[17:]),
		Sync:          head[0]&flagSync != 0,
		Recovery:      head[0]&flagRecovery != 0,
		Discontinuity: head[0]&flagDiscontinuity != 0,
		Data:          data,
	}, head[0]
}

func ticks(b []byte) media.Ticks { return media.Ticks(binary.BigEndian.Uint64(b)) }
