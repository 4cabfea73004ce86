package mpegts

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

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

// Demuxer turns a transport stream into access units: of the first video and the
// first audio that Weir takes. It is used by one goroutine.
type Demuxer struct {
	most    int
	packets packets
	pat     sections
	pmt     sections
	pmtPID  uint16
	// program is the last program map, nil before the first.
	program      []byte
	video, audio *track
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
	for _, t := range []*track{d.video, d.audio} {
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
	case d.audio != nil && p.pid == d.audio.pid:
		d.assemble(d.audio, p)
	case p.starts && d.others[p.pid]:
		d.stats.OtherUnits++
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
	video, refusedVideo := choose(all, media.Video, others)
	audio, refusedAudio := choose(all, media.Audio, others)
	for _, refused := range []*format{refusedVideo, refusedAudio} {
		if refused != nil {
			d.fatal = refused.rejection()
			return
		}
	}
	changed := replace(&d.video, video)
	changed = replace(&d.audio, audio) || changed
	d.others = others
	if changed && d.program != nil {
		d.stats.Changes++
	}
	d.program = bytes.Clone(section)
	d.metadata = ingest.Metadata{HasVideo: new(video != nil), HasAudio: new(audio != nil), OtherTracks: len(others) > 0}
}

// choose takes the first track of a kind that Weir takes; the rest are others.
// refused is set where there are some and all are of no use.
func choose(all []elementary, kind media.Kind, others map[uint16]bool) (taken *elementary, refused *format) {
	for i, e := range all {
		switch {
		case e.format.kind != kind:
		case e.format.codec != "" && taken == nil:
			taken = &all[i]
		default:
			others[e.pid] = true
			if refused == nil {
				refused = &all[i].format
			}
		}
	}
	if taken != nil {
		return taken, nil
	}
	return nil, refused
}

// replace makes now the track in slot, and reports whether it was another one.
func replace(slot **track, now *elementary) bool {
	was := *slot
	switch {
	case now == nil:
		*slot = nil
		return was != nil
	case was != nil && was.pid == now.pid && was.format == now.format && string(was.opus) == string(now.opus):
		return false
	}
	t := &track{elementary: *now}
	t.opus = append([]byte(nil), now.opus...)
	if now.format.kind == media.Video {
		t.pictures = codec.NewByteStream(now.format.codec)
	} else {
		t.frames = newFrames(t.elementary)
	}
	*slot = t
	return true
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
		return
	case t.lost && !au.Enters():
		d.stats.Waited++
		return
	}
	t.lost = false
	au.DTS, au.PTS = u.dts, u.pts
	d.out = append(d.out, au)
}
