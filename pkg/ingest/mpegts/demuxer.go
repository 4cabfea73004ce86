package mpegts

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"weir/pkg/ingest"
	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

// Clock is that of the access units that a Demuxer returns.
func Clock() ingest.Clock { return ingest.Clock{Timescale: media.VideoTimescale, WrapBits: 33} }

// Stats counts what a Demuxer has met.
type Stats struct {
	// Packets counts transport packets.
	Packets uint64
	// Gaps counts where packets of a track were missing, Damaged those that were
	// broken, scrambled or out of step, and tables with a wrong checksum.
	Gaps, Damaged uint64
	// BadUnits counts access units that were thrown away, Waited those of video
	// that came between damage and the next one that decoding can start at, and
	// OtherUnits those of tracks that are passed over.
	BadUnits, Waited, OtherUnits uint64
	// Changes counts new program maps after the first.
	Changes uint64
}

// maxAudio is how many audio tracks are taken.
const maxAudio = 16

// Demuxer turns a transport stream into access units: of the first video and of all
// audio that Weir takes. It is used by one goroutine.
type Demuxer struct {
	most    int
	packets packets
	pat     sections
	pmt     sections
	pmtPID  uint16
	// program is the last program map, nil before the first.
	program []byte
	video   *track
	// sounds are the audio tracks in the order of the map. The first to come is
	// number 0, the default one, as long as it is there.
	sounds []*track
	// others are the PIDs of video and audio that is passed over.
	others map[uint16]bool

	stats    Stats
	metadata ingest.Metadata
	out      []media.AccessUnit
	fatal    error
	spoiled  error
}

// track is one that is taken.
type track struct {
	elementary

	// number is media.Track's.
	number   int
	assembly assembly
	// pictures is of video, frames of audio.
	pictures *codec.ByteStream
	frames   *frames
	// lost is true from damage to the next picture that decoding can start at.
	lost bool
}

// NewDemuxer makes one that holds at most so many bytes of one access unit; 0
// means 16 MiB.
func NewDemuxer(most int) *Demuxer {
	const largest = 16 << 20
	return &Demuxer{most: cmp.Or(most, largest), others: make(map[uint16]bool)}
}

// Push takes bytes as they come and returns the access units that they complete;
// the slice is valid until the next call, and the units' Data is the caller's.
// The error is an *ingest.Rejection where the stream can never be used.
func (d *Demuxer) Push(data []byte) ([]media.AccessUnit, error) {
	d.out, d.spoiled = d.out[:0], nil
	before := d.packets.skipped
	d.packets.each(data, d.take)
	if skipped := d.packets.skipped - before; skipped > 0 {
		d.stats.Damaged += skipped
		d.spoil(fmt.Errorf("%w: no sync byte where a packet should begin", errBad))
	}
	return d.out, d.fatal
}

// End returns what the last bytes complete.
func (d *Demuxer) End() []media.AccessUnit {
	d.out = d.out[:0]
	for _, t := range append([]*track{d.video}, d.sounds...) {
		if t != nil && t.assembly.open {
			if u, err := t.assembly.finish(); err == nil {
				d.hand(t, u)
			}
		}
	}
	return d.out
}

// Stats is what has been met so far.
func (d *Demuxer) Stats() Stats { return d.stats }

// Spoiled is the last thing that was wrong with the bytes of the last Push, nil
// if nothing was.
func (d *Demuxer) Spoiled() error { return d.spoiled }

// Metadata is what the program map says; ok is false before the first.
func (d *Demuxer) Metadata() (m ingest.Metadata, ok bool) { return d.metadata, d.program != nil }

func (d *Demuxer) spoil(err error) { d.spoiled = err }

// take takes one packet.
func (d *Demuxer) take(b []byte) {
	d.stats.Packets++
	p, ok := parsePacket(b)
	if !ok {
		d.stats.Damaged++
		d.spoil(fmt.Errorf("%w: a packet that is broken or scrambled", errBad))
		return
	}
	const patPID = 0
	switch {
	case p.pid == nullPID:
	case p.pid == patPID:
		d.stats.Damaged += uint64(d.pat.push(p, d.associate))
	case p.pid == d.pmtPID && d.pmtPID != 0:
		d.stats.Damaged += uint64(d.pmt.push(p, d.mapProgram))
	case d.video != nil && p.pid == d.video.pid:
		d.assemble(d.video, p)
	case d.others[p.pid]:
		if p.starts {
			d.stats.OtherUnits++
		}
	default:
		for _, t := range d.sounds {
			if p.pid == t.pid {
				d.assemble(t, p)
				return
			}
		}
	}
}

// associate follows a program association table.
func (d *Demuxer) associate(section []byte) {
	if pid, ok := parsePAT(section); ok && pid != d.pmtPID {
		d.pmtPID, d.pmt = pid, sections{}
	}
}

// mapProgram follows a program map table. A track that goes on as it was keeps
// what it knows.
func (d *Demuxer) mapProgram(section []byte) {
	if bytes.Equal(section, d.program) {
		return
	}
	all, ok := parsePMT(section)
	if !ok {
		d.stats.Damaged++
		return
	}
	others := make(map[uint16]bool)
	video, refusedVideo := choose(all, media.Video, 1, others)
	audio, refusedAudio := choose(all, media.Audio, maxAudio, others)
	for _, refused := range []*format{refusedVideo, refusedAudio} {
		if refused != nil {
			d.fatal = refused.rejection()
			return
		}
	}
	changed := d.takeVideo(video)
	changed = d.takeAudio(audio) || changed
	d.others = others
	if changed && d.program != nil {
		d.stats.Changes++
	}
	d.program = bytes.Clone(section)
	d.metadata = ingest.Metadata{HasVideo: new(len(video) > 0), HasAudio: new(len(audio) > 0), OtherTracks: len(others) > 0}
	for _, t := range d.sounds {
		d.metadata.AudioTracks = append(d.metadata.AudioTracks, ingest.AudioTrack{Number: t.number, Language: t.language, Role: t.role})
	}
}

// choose takes the first tracks of a kind that Weir takes; the rest are others.
// refused is set where there are some and all are of no use.
func choose(all []elementary, kind media.Kind, most int, others map[uint16]bool) (taken []elementary, refused *format) {
	for i, e := range all {
		switch {
		case e.format.kind != kind:
		case e.format.codec != "" && len(taken) < most:
			taken = append(taken, e)
		default:
			others[e.pid] = true
			if refused == nil {
				refused = &all[i].format
			}
		}
	}
	if len(taken) > 0 {
		return taken, nil
	}
	return nil, refused
}

// takeVideo makes the video track, if there is one, that of now. It reports whether
// it was another one.
func (d *Demuxer) takeVideo(now []elementary) bool {
	was := d.video
	d.video = nil
	if len(now) > 0 {
		d.video = now[0].track(was, 0)
	}
	return d.video != was
}

// takeAudio makes the audio tracks those of now, and reports whether they were others.
// A track that was there keeps its number.
func (d *Demuxer) takeAudio(now []elementary) bool {
	was := d.sounds
	numbers := numbered(now, was)
	d.sounds = make([]*track, len(now))
	for i := range now {
		d.sounds[i] = now[i].track(byPID(was, now[i].pid), numbers[i])
	}
	return !slices.Equal(was, d.sounds)
}

func byPID(all []*track, pid uint16) *track {
	i := slices.IndexFunc(all, func(t *track) bool { return t.pid == pid })
	if i < 0 {
		return nil
	}
	return all[i]
}

// numbered gives each of now a number: that which it has, or else the lowest that is
// free. One of them is the default one, number 0.
func numbered(now []elementary, was []*track) []int {
	numbers := make([]int, len(now))
	taken := map[int]bool{}
	for i, e := range now {
		numbers[i] = -1
		if t := byPID(was, e.pid); t != nil {
			numbers[i], taken[t.number] = t.number, true
		}
	}
	for i := range numbers {
		if !taken[0] { // the default track has gone, and the first takes its place
			numbers[i], taken[0] = 0, true
		}
		for n := 1; numbers[i] < 0; n++ {
			if !taken[n] {
				numbers[i], taken[n] = n, true
			}
		}
	}
	return numbers
}

// track is that of e, with a number: was, if that goes on as it was.
func (e elementary) track(was *track, number int) *track {
	if was != nil && was.number == number && was.pid == e.pid && was.format == e.format && string(was.opus) == string(e.opus) {
		was.language, was.role = e.language, e.role
		return was
	}
	t := &track{elementary: e, number: number}
	t.opus = bytes.Clone(e.opus)
	if e.format.kind == media.Video {
		t.pictures = codec.NewByteStream(e.format.codec)
	} else {
		t.frames = newFrames(t.elementary, number)
	}
	return t
}

// assemble takes a packet of a track.
func (d *Demuxer) assemble(t *track, p packet) {
	done, gap, err := t.assembly.push(p, d.most)
	if gap {
		d.stats.Gaps++
	}
	if err != nil {
		d.bad(t, err)
	}
	for _, u := range done {
		d.hand(t, u)
	}
}

// bad counts an access unit that was thrown away.
func (d *Demuxer) bad(t *track, err error) {
	d.stats.BadUnits++
	d.spoil(err)
	t.lost = t.pictures != nil
	if t.frames != nil {
		t.frames.drop()
	}
}

// hand makes access units of a PES packet.
func (d *Demuxer) hand(t *track, u unit) {
	if t.frames != nil {
		var err error
		if d.out, err = t.frames.split(d.out, u); err != nil {
			d.stats.BadUnits++
			d.spoil(err)
		}
		return
	}
	au, err := t.pictures.Push(u.data, u.random)
	switch {
	case errors.Is(err, codec.ErrNoKeyframe):
		d.stats.Waited++
		return
	case err != nil:
		d.bad(t, fmt.Errorf("%w: %w", errBad, err))
		if why, rejected := errors.AsType[*ingest.Rejection](err); rejected {
			d.fatal = why
		}
		return
	case t.lost && !au.Enters():
		d.stats.Waited++
		return
	}
	t.lost = false
	au.DTS, au.PTS = u.dts, u.pts
	d.out = append(d.out, au)
}
