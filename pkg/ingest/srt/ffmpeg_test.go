package srt

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/badnet"
	"weir/pkg/ingest"
	"weir/pkg/ingest/mpegts"
	"weir/pkg/media"
)

// send has ffmpeg send a clip in real time; args are of its input.
func send(tb testing.TB, path string, to netip.AddrPort, query string, args ...string) (says string, err error) {
	tb.Helper()
	all := slices.Concat([]string{"-v", "warning", "-nostdin", "-re"}, args, []string{
		"-i", path, "-c", "copy",
		"-f", "mpegts", fmt.Sprintf("srt://%s?%s", to, query),
	})
	return run(tb, "ffmpeg", all...)
}

// expected is what ffmpeg sends of a clip, as access units.
func expected(tb testing.TB, path string) (units []media.AccessUnit) {
	tb.Helper()
	stream, err := exec.CommandContext(tb.Context(), "ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "mpegts", "-").Output()
	if err != nil {
		tb.Fatal(err)
	}
	d := mpegts.NewDemuxer(0)
	units, err = d.Push(stream)
	if err != nil {
		tb.Fatal(err)
	}
	return append(slices.Clone(units), d.End()...)
}

// complete holds that a session got all of a clip: but for the last packets,
// which libsrt throws away when its socket is closed.
func complete(t *testing.T, s *session, want []media.AccessUnit) {
	t.Helper()
	for _, kind := range []media.Kind{media.Video, media.Audio} {
		var sent []media.AccessUnit
		for _, u := range want {
			if u.Track.Kind == kind {
				sent = append(sent, u)
			}
		}
		got := s.by(kind)
		if len(got) < len(sent)*9/10-3 {
			t.Fatalf("%d of %d access units of %v came", len(got), len(sent), kind)
		}
		for i, u := range got {
			if w := sent[i]; u.DTS != w.DTS || u.PTS != w.PTS || u.Sync != w.Sync || !bytes.Equal(u.Data, w.Data) {
				t.Fatalf("%v %d: at %d with %d bytes, sent was at %d with %d", kind, i, u.DTS, len(u.Data), w.DTS, len(w.Data))
			}
		}
	}
}

// interleaved is a clip so many times over in MPEG-TS, which ffmpeg sends packet
// by packet, as an encoder does.
func interleaved(tb testing.TB, path string, times int) string {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "clip.ts")
	if says, err := run(tb, "ffmpeg", "-v", "error", "-stream_loop", strconv.Itoa(times-1), "-i", path, "-c", "copy", out); err != nil {
		tb.Fatalf("%v: %s", err, says)
	}
	return out
}

// TestPaths: nothing of the media is lost on networks that the latency allows
// for, encrypted or not.
func TestPaths(t *testing.T) {
	t.Parallel()
	path, twice := clip(t), interleaved(t, clip(t), 2)
	const secret = passphrase
	for name, c := range map[string]struct {
		path       badnet.Conditions
		twice      bool
		query      string
		passphrase string
		rekeys     uint64
	}{
		"clean":             {},
		"clean, AES-192":    {query: "&pbkeylen=24&passphrase=" + secret, passphrase: passphrase},
		"2 % lost":          {path: badnet.Conditions{Loss: 0.02}, query: "&latency=2000000"},
		"5 % lost, AES-128": {path: badnet.Conditions{Loss: 0.05, Delay: 10 * time.Millisecond}, query: "&latency=2000000&pbkeylen=16&passphrase=" + secret, passphrase: passphrase},
		// libsrt changes its key after so many packets, of its own accord after 2^24.
		// It looks at their number now and then: where they come in bursts, as from the
		// clip as it is, or the machine is busy, it changes the key late. These are
		// enough packets for four changes.
		"keys change, 2 % lost": {
			path: badnet.Conditions{Loss: 0.02, Delay: 10 * time.Millisecond}, twice: true,
			query:      "&latency=2000000&kmrefreshrate=500&kmpreannounce=240&passphrase=" + secret,
			passphrase: passphrase, rekeys: 2,
		},
		"disorder":            {path: badnet.Conditions{Disorder: 0.05, Delay: 5 * time.Millisecond}, query: "&latency=2000000"},
		"200 ms and 2 % lost": {path: badnet.Conditions{Loss: 0.02, Delay: 100 * time.Millisecond}, query: "&latency=2500000"},
		"all of it, AES-256":  {path: badnet.Conditions{Loss: 0.02, Disorder: 0.02, Delay: 100 * time.Millisecond}, query: "&latency=2500000&pbkeylen=32&passphrase=" + secret, passphrase: passphrase},
		"5 % lost, 5 % disorder, 200 ms, AES-256": {path: badnet.Conditions{Loss: 0.05, Disorder: 0.05, Delay: 100 * time.Millisecond}, query: "&latency=2500000&pbkeylen=32&passphrase=" + secret, passphrase: passphrase},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate := newRecorder()
			gate.passphrase = c.passphrase
			s, at := serve(t, Config{
				Gate: gate, Limits: Limits{IdleTimeout: 4 * time.Second, Latency: 2 * time.Second}, // who sends gives up what is older, and a busy machine needs some
			})
			path := path
			if c.twice {
				path = twice
			}
			want := expected(t, path)
			relay, front := badnet.New(t, at, c.path)
			var says string
			var err error
			for range 3 { // ffmpeg gives up where its handshake is lost too often
				if says, err = send(t, path, front, "linger=5&streamid=#!::r="+goodKey+",m=publish"+c.query); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatalf("%v: %s", err, says)
			}
			got := gate.next(t)
			got.ended(t)
			stats := s.Stats()
			t.Logf("%d datagrams lost: %+v", relay.Lost(), stats)
			complete(t, got, want)
			if stats.Dropped+stats.Gaps+stats.Damaged+stats.Sealed != 0 || c.path.Loss > 0 && (stats.Lost == 0 || stats.Again == 0) {
				t.Errorf("%+v", stats)
			}
			if stats.Rekeyed < c.rekeys {
				t.Errorf("the key changed %d times, want %d at least", stats.Rekeyed, c.rekeys)
			}
			if got.request.Protocol != "srt" || got.request.Clock != mpegts.Clock() || !*got.metadata.HasVideo || !*got.metadata.HasAudio {
				t.Errorf("%+v, %+v", got.request, got.metadata)
			}
		})
	}
}

// TestRefusedCallers: what is wrong is told by a code that encoders have words for,
// in the log and to who asks.
func TestRefusedCallers(t *testing.T) {
	t.Parallel()
	path := clip(t)
	const denied, wrong, unexpected = "Application-defined rejection reason", "Incorrect passphrase", "Password required or unexpected"
	for name, c := range map[string]struct {
		streamID, query, passphrase string
		reason                      ingest.Reason
		// says is what libsrt makes of the code.
		says string
		code uint32
	}{
		"wrong key":        {"other_key", "", "", ingest.WrongKey, denied, 1401},
		"no key":           {"", "", "", ingest.MissingKey, denied, 1400},
		"a viewer":         {"#!::r=" + goodKey + ",m=request", "", "", ingest.PlayRequested, denied, 1405},
		"wrong passphrase": {goodKey, "&passphrase=another+pass+phrase", passphrase, ingest.WrongPassphrase, wrong, 0},
		"no passphrase":    {goodKey, "", passphrase, ingest.WrongPassphrase, unexpected, rejectUnsecure},
		"one too many":     {goodKey, "&passphrase=another+pass+phrase", "", ingest.WrongPassphrase, unexpected, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused refusals
			gate := newRecorder()
			gate.passphrase = c.passphrase
			s, at := serve(t, Config{Gate: gate, Refused: refused.tell})
			says, err := send(t, path, at, "streamid="+c.streamID+c.query, "-t", "1", "-v", "verbose")
			if err == nil || !strings.Contains(says, c.says) {
				t.Errorf("ffmpeg says %v: %s", err, says)
			}
			if why := refused.last(); why.Reason != c.reason || s.Stats().Ended[c.reason] == 0 {
				t.Errorf("refused for %+v, stats %+v", why, s.Stats())
			}
			if c.code == 0 {
				return // It takes a caller that encrypts.
			}
			p := newPeer(t, at)
			answer := p.handshake(hello(p.greet(), c.streamID))
			if answer.typ != rejectionBase+c.code {
				t.Errorf("the answer is of type %d, want code %d", answer.typ, c.code)
			}
		})
	}
}

// TestTakenOver: a second encoder with the right key takes over, and the first is
// told to go.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	path := clip(t)
	gate := newRecorder()
	_, at := serve(t, Config{Gate: gate})
	first := make(chan error, 1)
	go func() {
		_, err := send(t, path, at, "streamid="+goodKey, "-stream_loop", "5")
		first <- err
	}()
	one := gate.next(t)
	for len(one.by(media.Video)) < 10 {
		<-time.After(10 * time.Millisecond)
	}
	if _, err := send(t, path, at, "streamid="+goodKey, "-t", "1"); err != nil {
		t.Errorf("the second: %v", err)
	}
	end := one.ended(t)
	if why, ok := errors.AsType[*ingest.Rejection](end.Err); !ok || why.Reason != ingest.TakenOver {
		t.Errorf("the first ended with %+v", end)
	}
	if err := <-first; err == nil {
		t.Error("the first has not noticed")
	}
	if end := gate.next(t).ended(t); !end.OnPurpose {
		t.Errorf("the second ended with %+v", end)
	}
}
