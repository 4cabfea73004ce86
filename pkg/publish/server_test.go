package publish_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/media"
	"weir/pkg/publish"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const goodKey = "a-key-that-opens"

// gate lets goodKey in and keeps what its sessions get.
type gate struct {
	sessions chan *session
	// full is how many access units a session takes before it is ended with
	// kicked; 0 for all.
	full int
}

var kicked = &ingest.Rejection{Reason: ingest.TakenOver, Message: "Another encoder took over."}

func (g *gate) Publish(_ context.Context, r ingest.Request) (ingest.Session, error) {
	if r.Key != goodKey {
		return nil, &ingest.Rejection{Reason: ingest.WrongKey, Message: "No stream has this key. Copy it again."}
	}
	s := &session{full: g.full, request: r, closed: make(chan ingest.End, 1), done: make(chan struct{})}
	g.sessions <- s
	return s, nil
}

type session struct {
	full    int
	request ingest.Request
	closed  chan ingest.End
	done    chan struct{}

	mu       sync.Mutex
	metadata []ingest.Metadata
	units    []media.AccessUnit
}

func (s *session) Metadata(m ingest.Metadata) { s.metadata = append(s.metadata, m) }

func (s *session) Write(_ context.Context, unit media.AccessUnit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units = append(s.units, unit)
	if len(s.units) == s.full {
		close(s.done)
	}
	return nil
}

func (s *session) Close(end ingest.End)  { s.closed <- end }
func (s *session) Done() <-chan struct{} { return s.done }
func (*session) Err() error              { return kicked }

func (s *session) of(k media.Kind) (units []media.AccessUnit) {
	for _, u := range s.units {
		if u.Track.Kind == k {
			units = append(units, u)
		}
	}
	return units
}

// serve runs Weir's own server until the test ends, and is its address.
func serve(t *testing.T, g *gate) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := rtmp.NewServer(rtmp.Config{Gate: g, Log: slog.New(slog.DiscardHandler), MaxBitrate: 900_000_000})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return l.Addr().String()
}

func clip(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("../../../shared/media", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: the clip %s is missing; nothing was tested: %v", name, err)
	}
	return path
}

// TestWeirTakesWhatIsPublished sends real clips to Weir's own server, as fast
// as it takes them.
func TestWeirTakesWhatIsPublished(t *testing.T) {
	for _, c := range []struct {
		name            string
		pictures        int
		width, rate     int
		seconds, offset float64 // Of the last picture; of the first PTS.
	}{
		{"camera_1080p30_6M_cbr.flv", 930, 1920, 48_000, 31, 2.0 / 30},
		{"src_bee_720p30.mp4", 121, 1280, 48_000, 4.037, 2 * 1.001 / 30},
		{"opengop_bframes_720p30_44k1.mp4", 226, 1280, 44_100, 7.541, 2 * 1.001 / 30},
		{"wave_croatia_1080p25.mp4", 200, 1920, 0, 8, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, g := clip(t, c.name), &gate{sessions: make(chan *session, 1)}
			address := serve(t, g)
			err := publish.Run(t.Context(), publish.Options{File: file, URL: "rtmp://" + address + "/live/" + goodKey, Speed: 1e6})
			require.NoError(t, err)
			s := <-g.sessions
			end := <-s.closed
			require.True(t, end.OnPurpose, "it left as if it were lost: %v", end.Err)
			require.NotEmpty(t, s.metadata)
			video, audio := s.of(media.Video), s.of(media.Audio)
			require.Len(t, video, c.pictures)
			require.Equal(t, c.width, video[0].Track.Width)
			require.Zero(t, video[0].DTS)
			require.InDelta(t, c.offset, float64(video[0].PTS)/1000, 0.0011)
			require.True(t, video[0].Sync)
			frame := c.seconds / float64(c.pictures)
			require.InDelta(t, c.seconds-frame, float64(video[len(video)-1].DTS)/1000, 0.002)
			if c.rate == 0 {
				require.Empty(t, audio)
				return
			}
			require.Equal(t, media.AAC, audio[0].Track.Codec)
			require.Equal(t, c.rate, audio[0].Track.SampleRate)
			require.InDelta(t, c.seconds, float64(audio[len(audio)-1].DTS)/1000, 0.15)
		})
	}
}

func TestWrongKeyIsToldInWeirsWords(t *testing.T) {
	file, g := clip(t, "src_bee_720p30.mp4"), &gate{sessions: make(chan *session, 1)}
	err := publish.Run(t.Context(), publish.Options{File: file, URL: "rtmp://" + serve(t, g) + "/live/the-wrong-key"})
	var rejected *publish.RejectedError
	require.ErrorAs(t, err, &rejected)
	require.Equal(t, "No stream has this key. Copy it again.", rejected.Description)
	require.NotContains(t, err.Error(), "the-wrong-key")
}

func TestTakeOverIsToldInWeirsWords(t *testing.T) {
	file, g := clip(t, "src_bee_720p30.mp4"), &gate{sessions: make(chan *session, 1), full: 20}
	err := publish.Run(t.Context(), publish.Options{File: file, URL: "rtmp://" + serve(t, g) + "/live/" + goodKey, Speed: 100})
	require.ErrorContains(t, err, kicked.Message)
	require.False(t, (<-(<-g.sessions).closed).OnPurpose)
}

// TestRealTime publishes for two seconds by the wall clock.
func TestRealTime(t *testing.T) {
	file, g := clip(t, "camera_720p60_4M_cbr.flv"), &gate{sessions: make(chan *session, 1)}
	address := serve(t, g)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var late time.Duration
	require.NoError(t, publish.Run(ctx, publish.Options{
		File: file, URL: "rtmp://" + address + "/live/" + goodKey, Loop: true,
		Progress: func(p publish.Progress) { late = max(late, p.Late) },
	}))
	s := <-g.sessions
	require.True(t, (<-s.closed).OnPurpose)
	video := s.of(media.Video)
	require.InDelta(t, 2000, int64(video[len(video)-1].DTS), 300)
	require.Less(t, late, time.Second)
}
