package cmaf

import (
	"encoding/binary"
	"time"

	"weir/pkg/media"
)

// Sample is one access unit as a chunk holds it.
type Sample struct {
	// Duration and CompositionOffset are in the track's timescale.
	Duration          uint32
	CompositionOffset int32
	Sync              bool
	// Data is copied into the chunk.
	Data []byte
}

// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other sample, and
// depends on others and is no sync sample.
const (
	syncFlags    = 0x0200_0000
	nonSyncFlags = 0x0101_0000
)

// The flags of tfhd and trun that Weir sets (8.8.7, 8.8.8).
const (
	defaultBaseIsMoof = 0x02_0000
	trunFlags         = 0x0001 | 0x0100 | 0x0200 | 0x0400 | 0x0800
)

const (
	prftSize   = 32
	mfhdSize   = 16
	tfhdSize   = 16
	tfdtSize   = 20
	trunHeader = 20
	trunEntry  = 16
	boxHeader  = 8
)

// version1 makes tfdt and prft hold 64 bits and trun signed offsets.
const version1 = 1 << 24

// ntpEpoch is how long before the Unix epoch that of NTP is, in seconds.
const ntpEpoch = 2_208_988_800

// NewChunk makes moof and mdat of at least one sample (CMAF 7.3.3): decode
// times start at start, in the track's timescale, and follow each other by the
// samples' durations. It allocates once, what it returns.
//
// The layout is the same for every chunk, so it is written straight into
// place: a box library builds the same bytes from a dozen objects.
func NewChunk(sequence uint32, start media.Ticks, samples []Sample) []byte {
	return newChunk(0, sequence, start, samples)
}

// NewFirstChunk makes the chunk that opens a segment. It begins with the
// wall-clock time at which its first sample was published, which is what media
// time counts (prft, ISO/IEC 14496-12, 8.16.5), so that players can tell their
// latency. scale is the timescale of start.
func NewFirstChunk(scale media.Timescale, sequence uint32, start media.Ticks, samples []Sample) []byte {
	return newChunk(scale, sequence, start, samples)
}

func newChunk(scale media.Timescale, sequence uint32, start media.Ticks, samples []Sample) []byte {
	trunSize := trunHeader + trunEntry*len(samples)
	trafSize := boxHeader + tfhdSize + tfdtSize + trunSize
	moofSize := boxHeader + mfhdSize + trafSize
	payload := 0
	for i := range samples {
		payload += len(samples[i].Data)
	}
	total := moofSize + boxHeader + payload
	if scale > 0 {
		total += prftSize
	}
	w := writer{buf: make([]byte, 0, total)}
	if scale > 0 {
		w.producerReferenceTime(scale.Time(start), start)
	}
	w.box("moof", moofSize)
	w.box("mfhd", mfhdSize)
	w.u32(0, sequence)
	w.box("traf", trafSize)
	w.box("tfhd", tfhdSize)
	w.u32(defaultBaseIsMoof, trackID)
	w.box("tfdt", tfdtSize)
	w.u32(version1)
	w.u64(uint64(start))
	w.box("trun", trunSize)
	w.u32(version1|trunFlags, uint32(len(samples)), uint32(moofSize+boxHeader))
	for i := range samples {
		w.sample(&samples[i])
	}
	w.box("mdat", boxHeader+payload)
	for i := range samples {
		w.buf = append(w.buf, samples[i].Data...)
	}
	return w.buf
}

type writer struct{ buf []byte }

func (w *writer) box(name string, size int) {
	w.u32(uint32(size))
	w.buf = append(w.buf, name...)
}

func (w *writer) u32(values ...uint32) {
	for _, v := range values {
		w.buf = binary.BigEndian.AppendUint32(w.buf, v)
	}
}

func (w *writer) u64(v uint64) { w.buf = binary.BigEndian.AppendUint64(w.buf, v) }

// producerReferenceTime writes prft: the sample at the media time at was ready
// to be encoded at published. The seconds of NTP begin anew in 2036, as they do
// for everyone.
func (w *writer) producerReferenceTime(published time.Time, at media.Ticks) {
	fraction := uint64(published.Nanosecond()) << 32 / uint64(time.Second)
	w.box("prft", prftSize)
	w.u32(version1, trackID, uint32(published.Unix()+ntpEpoch), uint32(fraction))
	w.u64(uint64(at))
}

func (w *writer) sample(s *Sample) {
	flags := uint32(nonSyncFlags)
	if s.Sync {
		flags = syncFlags
	}
	w.u32(s.Duration, uint32(len(s.Data)), flags, uint32(s.CompositionOffset))
}
