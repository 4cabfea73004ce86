package publish

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"weir/pkg/media"
)

// FLV's first body bytes of H.264 and AAC.
const (
	keyAVC   = frameKey<<4 | codecAVC
	interAVC = 2<<4 | codecAVC
	anyAAC   = codecAAC<<4 | 0x0f
)

// TestForms: the heads are those that Enhanced RTMP v2 draws (ExVideoTagHeader,
// ExAudioTagHeader), and FLV 10.1 for H.264 and AAC.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind               media.Kind
		entry              string
		header, key, inter string
		place              int
	}{
		{media.Video, "avc1", "1700000000", "1701000000", "2701000000", 2},
		{media.Video, "hev1", "9068766331", "9168766331000000", "a168766331000000", 5},
		{media.Video, "av01", "9061763031", "9161763031", "a161763031", 0},
		{media.Audio, "mp4a", "af00", "af01", "af01", 0},
		{media.Audio, "Opus", "904f707573", "914f707573", "914f707573", 0},
		{media.Audio, "fLaC", "90664c6143", "91664c6143", "91664c6143", 0},
		{media.Audio, "ac-3", "", "9161632d33", "9161632d33", 0},
	} {
		f, known := formOf(c.kind, c.entry)
		require.True(t, known, c.entry)
		if f.headerHead > 0 {
			header := (&track{kind: c.kind, form: f, config: []byte{1, 2}}).header()
			require.Equal(t, c.header+"0102", hex.EncodeToString(header.body), c.entry)
			require.True(t, classify(&header) && header.header, c.entry)
		}
		for want, key := range map[string]bool{c.key: true, c.inter: false} {
			body := make([]byte, f.codedHead)
			place := f.writeHead(body, key, false)
			if want == c.key || c.key != c.inter {
				require.Equal(t, want, hex.EncodeToString(body), c.entry)
			}
			require.Equal(t, c.place, place, c.entry)
		}
	}
	_, known := formOf(media.Video, "vp09")
	require.False(t, known)
}

// TestSequenceHeaders: what MP4 keeps in boxes becomes what decoders begin with.
func TestSequenceHeaders(t *testing.T) {
	t.Parallel()
	opus, _ := formOf(media.Audio, "Opus")
	flac, _ := formOf(media.Audio, "fLaC")
	head, err := opus.sequenceHeader([]byte{0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 1, 0})
	require.NoError(t, err)
	require.Equal(t, "4f707573486561640102380180bb0000010000", hex.EncodeToString(head))
	info := append([]byte{0, 0, 0, 0, 0x80, 0, 0, 34}, make([]byte, 34)...)
	head, err = flac.sequenceHeader(info)
	require.NoError(t, err)
	require.Equal(t, "fLaC", string(head[:4]))
	require.Len(t, head, 4+4+34)
	for _, f := range []form{opus, flac} {
		_, err = f.sequenceHeader([]byte{0, 0})
		require.ErrorIs(t, err, errMP4)
	}
}
