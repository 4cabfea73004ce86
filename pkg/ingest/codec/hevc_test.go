package codec

import (
	"errors"
	"testing"

	"weir/pkg/media"
)

// What x265 of Debian 12's ffmpeg writes for 640x360, without its SEI message.
const hevcRecord = "01016000000090000000" + "00003ff000fcfdf8f800000f03" +
	"200001001840010c01ffff016000000300900000030000030" + "03f959809" +
	"210001002a42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c1" +
	"22000100074401c172b46240"

// hevcRest is what follows profile_tier_level for 4:2:2 in 10 bits, 1922x1078.
const hevcRest = "b003c48010e725b65959a4932bc05a020000030002000003003c10"

func TestHEVCTrack(t *testing.T) {
	t.Parallel()
	record := fromHex(t, hevcRecord)
	record[21] &^= 2 // lengths of 2 bytes
	track, lengthSize, err := HEVCTrack(record)
	if err != nil || lengthSize != 2 || track.Codec != media.HEVC || track.Width != 640 || track.Height != 360 {
		t.Fatalf("%+v, %d, %v", track, lengthSize, err)
	}
	if track.Config[21]&3 != 3 || track.Config[hevcFixed]&0x80 == 0 || record[hevcFixed]&0x80 != 0 {
		t.Error("the configuration was not made to say 4 bytes and complete parameter sets in a copy")
	}
	for n := range record {
		if _, _, err := HEVCTrack(record[:n]); !errors.Is(err, errHEVCConfig) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	const profileAndLevel = "111111111111111111111111"
	for name, head := range map[string]string{
		"one layer":    "420101" + profileAndLevel,
		"three layers": "420105" + profileAndLevel + "d000" + profileAndLevel + "33", // a profile and two levels
	} {
		s, err := parseHEVCSPS(fromHex(t, head+hevcRest))
		if err != nil || s.width != 1922 || s.height != 1078 {
			t.Errorf("%s in 4:2:2: %+v, %v", name, s, err)
		}
	}
}
