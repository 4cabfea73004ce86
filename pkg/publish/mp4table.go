package publish

import (
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
)

// mostSamples bounds the index of one track: 18 hours at 60 pictures a second.
const mostSamples = 4 << 20

// parseTable reads the sample table of a progressive file; a fragmented one
// has an empty table.
func (t *track) parseTable(stbl []box) error {
	sizes, ok, err := leaf[*mp4.StszBox](stbl, "stsz")
	if err != nil || !ok {
		return err
	}
	if sizes.SampleNumber > mostSamples {
		return fmt.Errorf("%w: a track has %d samples, more than %d", errMP4, sizes.SampleNumber, mostSamples)
	}
	t.samples = make([]sample, sizes.SampleNumber)
	for i := range t.samples {
		t.samples[i].size = sizes.SampleUniformSize
		if sizes.SampleUniformSize == 0 {
			t.samples[i].size = sizes.SampleSize[i]
		}
	}
	if len(t.samples) == 0 {
		return nil
	}
	if err := t.parseTimes(stbl); err != nil {
		return err
	}
	if err := t.parseSync(stbl); err != nil {
		return err
	}
	return t.parseOffsets(stbl)
}

// parseTimes reads stts and ctts, both run-length coded.
func (t *track) parseTimes(stbl []box) error {
	times, ok, err := leaf[*mp4.SttsBox](stbl, "stts")
	if err != nil || !ok {
		return orMissing(err, "stts")
	}
	var dts media.Ticks
	i := 0
	for run, count := range times.SampleCount {
		for ; count > 0 && i < len(t.samples); count-- {
			t.samples[i].dts, t.samples[i].duration = dts, times.SampleTimeDelta[run]
			dts += media.Ticks(times.SampleTimeDelta[run])
			i++
		}
	}
	if i < len(t.samples) {
		return fmt.Errorf("%w: stts has times for %d of %d samples", errMP4, i, len(t.samples))
	}
	offsets, ok, err := leaf[*mp4.CttsBox](stbl, "ctts")
	if err != nil || !ok {
		return err
	}
	i = 0
	for run, offset := range offsets.SampleOffset {
		for end := int(offsets.EndSampleNr[run+1]); i < min(end, len(t.samples)); i++ {
			t.samples[i].composition = offset
		}
	}
	return nil
}

// parseSync reads stss; without it, every sample is a sync sample.
func (t *track) parseSync(stbl []box) error {
	sync, ok, err := leaf[*mp4.StssBox](stbl, "stss")
	if err != nil {
		return err
	}
	if !ok {
		for i := range t.samples {
			t.samples[i].sync = true
		}
		return nil
	}
	for _, number := range sync.SampleNumber {
		if i := int(number) - 1; i >= 0 && i < len(t.samples) {
			t.samples[i].sync = true
		}
	}
	return nil
}

// parseOffsets lays the samples into their chunks: stsc says how many are in
// each, stco or co64 where each begins.
func (t *track) parseOffsets(stbl []box) error {
	chunks, err := chunkOffsets(stbl)
	if err != nil {
		return err
	}
	runs, ok, err := leaf[*mp4.StscBox](stbl, "stsc")
	if err != nil || !ok || len(runs.Entries) == 0 {
		return orMissing(err, "stsc")
	}
	i, run := 0, 0
	for c, offset := range chunks {
		for run+1 < len(runs.Entries) && uint32(c+1) >= runs.Entries[run+1].FirstChunk {
			run++
		}
		at := offset
		for count := runs.Entries[run].SamplesPerChunk; count > 0 && i < len(t.samples); count-- {
			t.samples[i].offset = at
			at += int64(t.samples[i].size)
			i++
		}
	}
	if i < len(t.samples) {
		return fmt.Errorf("%w: only %d of %d samples have a place in the file", errMP4, i, len(t.samples))
	}
	return nil
}

func chunkOffsets(stbl []box) ([]int64, error) {
	var offsets []int64
	short, ok, err := leaf[*mp4.StcoBox](stbl, "stco")
	if err != nil {
		return nil, err
	}
	if ok {
		for _, offset := range short.ChunkOffset {
			offsets = append(offsets, int64(offset))
		}
		return offsets, nil
	}
	long, ok, err := leaf[*mp4.Co64Box](stbl, "co64")
	if err != nil || !ok {
		return nil, orMissing(err, "stco")
	}
	for _, offset := range long.ChunkOffset {
		if int64(offset) < 0 {
			return nil, fmt.Errorf("%w: a chunk is at byte %d", errMP4, offset)
		}
		offsets = append(offsets, int64(offset))
	}
	return offsets, nil
}

// nonSync is sample_is_non_sync_sample in sample flags (ISO/IEC 14496-12,
// 8.8.3.1).
const nonSync = 0x10000

// parseFragment adds the samples of a moof box that starts at byte start.
func parseFragment(moof []byte, start int64, tracks []*track) error {
	boxes, err := children(moof)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if b.name != "traf" {
			continue
		}
		traf, err := children(b.body)
		if err != nil {
			return err
		}
		header, ok, err := leaf[*mp4.TfhdBox](traf, "tfhd")
		if err != nil || !ok {
			return orMissing(err, "tfhd")
		}
		for _, t := range tracks {
			if t.id == header.TrackID {
				if err := t.addFragment(traf, header, start); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// addFragment adds the runs of one traf box.
func (t *track) addFragment(traf []box, header *mp4.TfhdBox, start int64) error {
	base := start
	if header.HasBaseDataOffset() {
		base = int64(header.BaseDataOffset)
	}
	var dts media.Ticks
	if n := len(t.samples); n > 0 {
		dts = t.samples[n-1].dts + media.Ticks(t.samples[n-1].duration)
	}
	clock, ok, err := leaf[*mp4.TfdtBox](traf, "tfdt")
	if err != nil {
		return err
	}
	if ok {
		dts = media.Ticks(clock.BaseMediaDecodeTime())
	}
	at := base
	for _, b := range traf {
		if b.name != "trun" {
			continue
		}
		run, ok, err := leaf[*mp4.TrunBox]([]box{b}, "trun")
		if err != nil || !ok {
			return orMissing(err, "trun")
		}
		if len(t.samples)+len(run.Samples) > mostSamples {
			return fmt.Errorf("%w: a track has more than %d samples", errMP4, mostSamples)
		}
		run.AddSampleDefaultValues(header, t.defaults)
		if run.HasDataOffset() {
			at = base + int64(run.DataOffset)
		}
		for _, s := range run.Samples {
			t.samples = append(t.samples, sample{
				offset: at, size: s.Size, duration: s.Dur, composition: s.CompositionTimeOffset,
				dts: dts, sync: t.kind == media.Audio || s.Flags&nonSync == 0,
			})
			at += int64(s.Size)
			dts += media.Ticks(s.Dur)
		}
	}
	return nil
}
