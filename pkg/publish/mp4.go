package publish

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/yutopp/go-amf0"

	"weir/pkg/media"
)

// mostBody is what fits an RTMP message, whose length has 24 bits.
const mostBody = 1<<24 - 1

// movie is a clip in an MP4 file, progressive or fragmented.
type movie struct {
	r io.ReaderAt
	// video and audio are the default tracks, and further are those of audio beside
	// it, sent as tracks 1, 2 and so on (Enhanced RTMP v2, "Multitrack").
	video, audio *track
	further      []*track
	// all are those that are sent; of two that come at the same time, the first goes
	// first.
	all     []*track
	headers []packet
	whole   timing
	// sentHeaders counts those that next has returned since rewind.
	sentHeaders int
}

func newMP4(r io.ReaderAt, size int64) (*movie, error) {
	tracks, err := readTracks(r, size)
	if err != nil {
		return nil, err
	}
	m := &movie{r: r}
	for _, t := range tracks {
		t.applyEdit()
		if err := t.check(size); err != nil {
			return nil, err
		}
		switch {
		case len(t.samples) == 0:
		case t.kind == media.Video && m.video == nil:
			m.video = t
		case t.kind == media.Audio && m.audio == nil:
			m.audio = t
		case t.kind == media.Audio && len(m.further) < maxTracks:
			m.further = append(m.further, t)
			t.number = len(m.further)
		}
	}
	if m.video == nil && m.audio == nil {
		return nil, fmt.Errorf("%w: there is neither video nor audio in it", errMP4)
	}
	for _, t := range append([]*track{m.video, m.audio}, m.further...) {
		if t != nil {
			m.all = append(m.all, t)
		}
	}
	m.measure()
	return m, m.makeHeaders()
}

// readTracks reads all that describes samples.
func readTracks(r io.ReaderAt, size int64) ([]*track, error) {
	var tracks []*track
	err := walk(r, size, func(b topBox) error {
		switch b.name {
		case "moov":
			data, err := load(r, b, mostMoov)
			if err != nil {
				return err
			}
			tracks, err = parseMovie(data)
			return err
		case "moof":
			data, err := load(r, b, mostMoof)
			if err != nil {
				return err
			}
			return parseFragment(data, b.start, tracks)
		}
		return nil
	})
	if err == nil && tracks == nil {
		err = fmt.Errorf("%w: it has no table of contents (moov); was the recording finished?", errMP4)
	}
	return tracks, err
}

func parseMovie(moov []byte) ([]*track, error) {
	boxes, err := children(moov)
	if err != nil {
		return nil, err
	}
	header, ok, err := leaf[*mp4.MvhdBox](boxes, "mvhd")
	if err != nil || !ok {
		return nil, orMissing(err, "mvhd")
	}
	tracks := []*track{}
	for _, b := range boxes {
		if b.name != "trak" {
			continue
		}
		t, ok, err := parseTrack(b, media.Timescale(header.Timescale))
		if err != nil {
			return nil, err
		}
		if ok {
			tracks = append(tracks, t)
		}
	}
	return tracks, setDefaults(boxes, tracks)
}

// setDefaults finds what the fragments of each track need not repeat.
func setDefaults(moov []box, tracks []*track) error {
	mvex, err := descend(moov, "mvex")
	if err != nil {
		return err
	}
	for _, b := range mvex {
		if b.name != "trex" {
			continue
		}
		defaults, ok, err := leaf[*mp4.TrexBox]([]box{b}, "trex")
		if err != nil || !ok {
			return err
		}
		for _, t := range tracks {
			if t.id == defaults.TrackID {
				t.defaults = defaults
			}
		}
	}
	return nil
}

// check refuses samples that lie outside the file, or at impossible times.
func (t *track) check(size int64) error {
	for i, s := range t.samples {
		switch {
		case s.offset < 0 || s.offset+int64(s.size) > size:
			return fmt.Errorf("%w: %s sample %d lies outside the file; is the download complete?", errMP4, t.kind, i+1)
		case int(s.size) > mostBody-mostHead:
			return fmt.Errorf("%w: %s sample %d has %d bytes", errMP4, t.kind, i+1, s.size)
		case s.dts > mostEdit || s.dts < -mostEdit:
			return fmt.Errorf("%w: %s sample %d is at an impossible time", errMP4, t.kind, i+1)
		}
	}
	return nil
}

// at is the decode time of a sample.
func (t *track) at(s sample) time.Duration { return t.timescale.Duration(s.dts) }

// span collects the track's times, and length is exact.
func (t *track) span() (s span, length time.Duration) {
	if t == nil {
		return s, 0
	}
	for _, sample := range t.samples {
		s.add(t.at(sample))
	}
	last := t.samples[len(t.samples)-1]
	return s, t.timescale.Duration(last.dts + media.Ticks(last.duration) - t.samples[0].dts)
}

func (m *movie) measure() {
	video, videoLength := m.video.span()
	audio, audioLength := m.audio.span()
	m.whole.set(video, audio, videoLength, audioLength)
	if m.audio != nil {
		m.whole.audioFrame = m.audio.audioFrame()
	}
}

func (m *movie) timing() timing { return m.whole }

func (m *movie) rewind() error {
	m.sentHeaders = 0
	for _, t := range m.all {
		t.sent = 0
	}
	return nil
}

func (m *movie) next() (packet, error) {
	if m.sentHeaders < len(m.headers) {
		m.sentHeaders++
		return m.headers[m.sentHeaders-1], nil
	}
	var first *track
	for _, t := range m.all {
		if t.sent < len(t.samples) && (first == nil || t.at(t.samples[t.sent]) < first.at(first.samples[first.sent])) {
			first = t
		}
	}
	if first == nil {
		return packet{}, io.EOF
	}
	first.sent++
	s := first.samples[first.sent-1]
	if first.kind == media.Audio {
		return m.sound(first, s)
	}
	return m.picture(s)
}

func (m *movie) picture(s sample) (packet, error) {
	form := m.video.form
	body := make([]byte, form.codedHead+int(s.size))
	place := form.writeHead(body, s.sync, false)
	if err := m.read(body[form.codedHead:], s.offset); err != nil {
		return packet{}, err
	}
	return packet{
		kind: kindVideo, time: m.video.at(s), composition: m.video.timescale.Duration(media.Ticks(s.composition)),
		place: place, key: s.sync, body: body,
	}, nil
}

func (m *movie) sound(t *track, s sample) (packet, error) {
	form := t.form
	body := make([]byte, form.codedHead+int(s.size))
	form.writeHead(body, s.sync, false)
	if err := m.read(body[form.codedHead:], s.offset); err != nil {
		return packet{}, err
	}
	p := packet{kind: kindAudio, time: t.at(s), body: body}
	if t.number > 0 {
		p = asSound(p, form, t.number)
		p.frame = t.audioFrame()
	}
	return p, nil
}

func (m *movie) read(p []byte, offset int64) error {
	if _, err := m.r.ReadAt(p, offset); err != nil {
		return fmt.Errorf("read the sample at byte %d: %w", offset, err)
	}
	return nil
}

// makeHeaders writes onMetaData and the decoder configurations.
func (m *movie) makeHeaders() error {
	info := amf0.ECMAArray{"encoder": "weir publish", "hasVideo": m.video != nil, "hasAudio": m.audio != nil}
	if m.video != nil {
		rate := float64(len(m.video.samples)) / m.whole.length.Seconds()
		info["width"], info["height"] = float64(m.video.width), float64(m.video.height)
		info["videocodecid"] = m.video.form.id
		info["videodatarate"] = m.video.kilobits()
		if !math.IsInf(rate, 0) && !math.IsNaN(rate) {
			info["framerate"] = math.Round(rate*1000) / 1000
		}
	}
	if m.audio != nil {
		info["audiocodecid"] = m.audio.form.id
		info["audiodatarate"] = m.audio.kilobits()
	}
	if len(m.further) > 0 {
		said := amf0.ECMAArray{}
		for _, t := range append([]*track{m.audio}, m.further...) {
			said[strconv.Itoa(t.number)] = amf0.ECMAArray{"language": t.language}
		}
		info["audioTrackIdInfoMap"] = said
	}
	var body bytes.Buffer
	encoder := amf0.NewEncoder(&body)
	for _, value := range []any{"onMetaData", info} {
		if err := encoder.Encode(value); err != nil {
			return fmt.Errorf("write the metadata: %w", err)
		}
	}
	m.headers = append(m.headers, packet{kind: kindData, header: true, body: body.Bytes()})
	for _, t := range m.all {
		if t.form.headerHead > 0 {
			m.headers = append(m.headers, t.header())
		}
	}
	return nil
}

// kilobits is the track's mean bit rate in 1000 bits per second.
func (t *track) kilobits() float64 {
	var bytes int64
	for _, s := range t.samples {
		bytes += int64(s.size)
	}
	_, length := t.span()
	if length <= 0 {
		return 0
	}
	return math.Round(float64(bytes) * 8 / 1000 / length.Seconds())
}
