package mpegts_test

import (
	"slices"
	"testing"

	"weir/pkg/ingest/mpegts"
)

// BenchmarkDemuxer tells what an access unit costs.
func BenchmarkDemuxer(b *testing.B) {
	stream := transportStream(b, "src_bee_720p30.mp4", "-c", "copy")
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	units := 0
	for b.Loop() {
		d := mpegts.NewDemuxer(0)
		for piece := range slices.Chunk(stream, 1316) {
			got, err := d.Push(piece)
			if err != nil {
				b.Fatal(err)
			}
			units += len(got)
		}
	}
	b.ReportMetric(float64(units)/float64(b.N), "units/op")
}
