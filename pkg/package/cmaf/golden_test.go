package cmaf_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

var update = flag.Bool("update", false, "write the golden files anew")

// dump is a list of boxes as an independent reader sees them, then the bytes.
func dump(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	file := decode(t, text)
	for _, box := range file.Children {
		if err := box.Info(&out, "all:1", "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintf(&out, "\n%s", hex.Dump(text))
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	anamorphic := video(t)
	anamorphic.SampleAspect = media.Rational{Num: 4, Den: 3}
	files := map[string][]byte{
		"chunk": cmaf.NewChunk(42, 161_590_152_342_343, []cmaf.Sample{
			{Duration: 3000, Sync: true, Data: []byte("IDR picture")},
			{Duration: 3001, CompositionOffset: 6000, Data: []byte("P")},
			{Duration: 2999, CompositionOffset: -3000, Data: []byte("B picture")},
		}),
	}
	files["first-chunk"] = cmaf.NewFirstChunk(media.VideoTimescale, 43, 161_590_152_342_343, []cmaf.Sample{
		{Duration: 3000, Sync: true, Data: []byte("IDR picture")},
	})
	for name, track := range map[string]*media.Track{
		"init-video": video(t), "init-anamorphic": anamorphic, "init-audio": audio(48_000, 0x11, 0x90),
	} {
		init, err := cmaf.NewInit(track)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = init.Bytes
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			got, file := dump(t, text), filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s has changed (make golden, then read the diff); now:\n%s", file, got)
			}
		})
	}
}
