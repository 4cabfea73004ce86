package publish

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"weir/pkg/ingest"
)

const (
	flvHeaderSize = 9
	flvTagHeader  = 11
	flvTrailer    = 4 // PreviousTagSize
	// An FLV file may say that its header is longer, for extensions that
	// nobody made.
	flvMostHeader = 1 << 16
)

var errFLV = errors.New("broken FLV file")

// tag is one FLV tag.
type tag struct {
	kind kind
	// time is in milliseconds.
	time int32
	body []byte
}

// tagReader reads the tags of an FLV file. It never reads beyond size bytes
// and allocates no more than that.
type tagReader struct {
	r    *bufio.Reader
	left int64
}

// newTagReader reads the header of a file of size bytes.
func newTagReader(r *bufio.Reader, size int64) (*tagReader, error) {
	t := &tagReader{r: r, left: size}
	var header [flvHeaderSize]byte
	if err := t.read(header[:]); err != nil {
		return nil, fmt.Errorf("%w: no header", errFLV)
	}
	length := binary.BigEndian.Uint32(header[5:])
	if string(header[:3]) != "FLV" || header[3] != 1 || length < flvHeaderSize || length > flvMostHeader {
		return nil, fmt.Errorf("%w: this header is unknown: % x", errFLV, header)
	}
	if err := t.skip(int64(length) - flvHeaderSize + flvTrailer); err != nil {
		return nil, fmt.Errorf("%w: nothing after the header", errFLV)
	}
	return t, nil
}

// next returns the next tag of audio, video or data, and io.EOF at the end. A
// tag that was cut off is the end as well: that is how recordings stop.
func (t *tagReader) next() (tag, error) {
	for {
		var header [flvTagHeader]byte
		if err := t.read(header[:]); err != nil {
			return tag{}, err
		}
		size := int64(header[1])<<16 | int64(header[2])<<8 | int64(header[3])
		if size+flvTrailer > t.left {
			return tag{}, io.EOF
		}
		got := tag{
			kind: kind(header[0]),
			// The extension is the upper 8 of 32 bits.
			time: int32(binary.BigEndian.Uint32([]byte{header[7], header[4], header[5], header[6]})),
		}
		switch got.kind {
		case kindAudio, kindVideo, kindData:
			got.body = make([]byte, size)
			if err := t.read(got.body); err != nil {
				return tag{}, err
			}
			return got, t.skip(flvTrailer)
		case 0x20 | kindAudio, 0x20 | kindVideo, 0x20 | kindData:
			return tag{}, fmt.Errorf("%w: it is encrypted", errFLV)
		default:
			if header[0]&0xc0 != 0 {
				return tag{}, fmt.Errorf("%w: there is no tag of type %d", errFLV, header[0])
			}
			if err := t.skip(size + flvTrailer); err != nil {
				return tag{}, err
			}
		}
	}
}

func (t *tagReader) read(p []byte) error {
	if int64(len(p)) > t.left {
		return io.EOF
	}
	n, err := io.ReadFull(t.r, p)
	t.left -= int64(n)
	return eof(err)
}

func (t *tagReader) skip(n int64) error {
	if n > t.left {
		return io.EOF
	}
	// n fits an int: it is at most 24 bits and a trailer.
	skipped, err := t.r.Discard(int(n))
	t.left -= int64(skipped)
	return eof(err)
}

// eof takes a file that became shorter for one that ends there.
func eof(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.EOF
	default:
		return fmt.Errorf("read a tag: %w", err)
	}
}

// flv is a clip in an FLV file. Its bodies go out as they are, whatever codec
// is inside.
type flv struct {
	r     io.ReadSeeker
	buf   *bufio.Reader
	size  int64
	tags  *tagReader
	whole timing
}

func newFLV(r io.ReadSeeker, size int64) (*flv, error) {
	f := &flv{r: r, buf: bufio.NewReaderSize(r, 64<<10), size: size}
	if err := f.rewind(); err != nil {
		return nil, err
	}
	if err := f.measure(); err != nil {
		return nil, err
	}
	return f, f.rewind()
}

func (f *flv) timing() timing { return f.whole }

func (f *flv) rewind() error {
	if _, err := f.r.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go back to the beginning: %w", err)
	}
	var err error
	f.buf.Reset(f.r)
	f.tags, err = newTagReader(f.buf, f.size)
	return err
}

func (f *flv) next() (packet, error) {
	for {
		t, err := f.tags.next()
		if err != nil {
			return packet{}, err
		}
		p := packet{kind: t.kind, time: time.Duration(t.time) * time.Millisecond, body: t.body}
		if classify(&p) {
			return p, nil
		}
	}
}

// measure reads the whole file once for its timing.
func (f *flv) measure() error {
	var video, audio span
	for {
		p, err := f.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if p.kind == kindAudio && f.whole.audioFrame == 0 {
			f.whole.audioFrame = audioFrame(p)
		}
		switch {
		case p.header:
		case p.kind == kindVideo:
			video.add(p.time)
		case p.kind == kindAudio:
			audio.add(p.time)
		}
	}
	if video.count == 0 && audio.count == 0 {
		return fmt.Errorf("%w: there is neither video nor audio in it", errFLV)
	}
	f.whole.set(video, audio, video.length(), audio.length())
	if f.whole.audioFrame != 0 && video.count == 0 {
		f.whole.length = time.Duration(audio.count) * f.whole.audioFrame
	}
	return nil
}

// set fills in everything but audioFrame.
func (t *timing) set(video, audio span, videoLength, audioLength time.Duration) {
	t.video, t.audioStart = video.count > 0, audio.first
	switch {
	case video.count == 0:
		t.start, t.pictures, t.length = audio.first, audio.first, audioLength
	case audio.count == 0:
		t.start, t.pictures, t.length = video.first, video.first, videoLength
	default:
		t.start, t.pictures, t.length = min(video.first, audio.first), video.first, videoLength
	}
}

// span collects the decode times of one track.
type span struct {
	count       int64
	first, last time.Duration
}

func (s *span) add(t time.Duration) {
	if s.count == 0 {
		s.first, s.last = t, t
	}
	s.first, s.last = min(s.first, t), max(s.last, t)
	s.count++
}

// length is the time to the end of the last unit. Times are whole
// milliseconds, so that the usual frame rates are told by their mean.
func (s *span) length() time.Duration {
	if s.count < 2 {
		return s.last - s.first + time.Second/30
	}
	mean := (s.last - s.first).Seconds() / float64(s.count-1)
	slack := time.Millisecond.Seconds() / float64(s.count-1)
	best, distance := 0.0, slack
	for fps := 1; fps <= 240; fps++ {
		for _, frame := range []float64{1 / float64(fps), 1.001 / float64(fps)} {
			if d := abs(frame - mean); d < distance {
				best, distance = frame, d
			}
		}
	}
	if best == 0 {
		best = mean
	}
	return time.Duration(best * float64(s.count) * float64(time.Second))
}

func abs(f float64) float64 { return max(f, -f) }

// audioFrame is the duration of the frames that follow an AAC header, or of an
// MP3 frame; 0 if p tells nothing.
func audioFrame(p packet) time.Duration {
	switch p.body[0] >> 4 {
	case codecAAC:
		if !p.header {
			return 0
		}
		config, err := ingest.ParseAudioConfig(p.body[2:])
		if err != nil || config.SampleRate == 0 {
			return 0
		}
		return time.Duration(config.FrameLength) * time.Second / time.Duration(config.SampleRate)
	case codecMP3:
		// MPEG-1 has 1152 samples in a frame; FLV's lower rates are MPEG-2
		// with 576.
		switch p.body[0] >> 2 & 3 {
		case 3:
			return 1152 * time.Second / 44_100
		case 2:
			return 576 * time.Second / 22_050
		}
	}
	return 0
}
