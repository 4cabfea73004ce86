package srt

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"weir/pkg/admission"
	"weir/pkg/ingest"
	"weir/pkg/media"
)

// guardedGate lets those in who have goodKey and its passphrase.
type guardedGate struct {
	*recorder

	desk *admission.Desk
}

func (g guardedGate) Publish(ctx context.Context, req ingest.Request) (ingest.Session, error) {
	if _, err := g.desk.Admit(ctx, req); err != nil {
		return nil, fmt.Errorf("admit the publisher: %w", err)
	}
	return g.recorder.Publish(ctx, req)
}

// attacker is at a real address: it has a cookie.
type attacker struct {
	peer

	cookie uint32
	random *rand.Rand
	wrong  []byte
}

// strike sends handshakes of so many sockets: some go no further than to ask for a
// cookie, others come with wrong keys, encrypted or not, or with a wrong passphrase.
func (a attacker) strike(count int) {
	for n := range count {
		socket := a.random.Uint32()
		switch n % 4 {
		case 0:
			greeting := handshake{version: 4, extension: 2, typ: induction, socket: socket, mtu: 1500}
			a.conclude(greeting.append(nil, netip.Addr{}))
		case 1:
			a.conclude(numbered(int(socket), hello(a.cookie, fmt.Sprint("guess-", socket))))
		case 2:
			a.conclude(numbered(int(socket), encrypted(a.cookie, fmt.Sprint("guess-", socket), a.wrong)))
		case 3:
			a.conclude(numbered(int(socket), encrypted(a.cookie, goodKey, a.wrong)))
		}
	}
}

// TestFloodOfCallers: callers from real addresses, who guess keys and passphrases with
// ever more sockets, leave nothing behind. Who is on air all the while goes on, and another
// publisher gets in.
func TestFloodOfCallers(t *testing.T) {
	path := interleaved(t, clip(t), 2)
	gate := guardedGate{newRecorder(), newDesk(t)}
	gate.passphrase = passphrase
	s, at := serve(t, Config{Gate: gate, Limits: Limits{IdleTimeout: 4 * time.Second, Latency: 2 * time.Second}})
	onAir := make(chan error, 1)
	go func() {
		says, err := send(t, path, at, "linger=5&latency=2000000&pbkeylen=16&passphrase="+passphrase+"&streamid="+goodKey)
		if err != nil {
			err = fmt.Errorf("%w: %s", err, says)
		}
		onAir <- err
	}()
	bystander := gate.next(t)
	right := material(t, 9, evenKey, bytes.Repeat([]byte{1}, 16))
	wrong := bytes.Clone(right)
	wrong[len(wrong)-1] ^= 1
	const attackers, each, leastRounds, most = 8, 20, 2, 4 * time.Second // of the 8 s
	var all []attacker
	for n := range attackers {
		p := newPeerAt(t, fmt.Sprintf("127.0.0.%d", 2+n), at)
		all = append(all, attacker{p, p.greet(), rand.New(rand.NewPCG(1, uint64(n))), wrong})
	}
	before, pictures := measure(t), len(bystander.by(media.Video))
	began, rounds, mostGoroutines, mostFiles := time.Now(), 0, 0, 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ; time.Since(began) < most; rounds++ {
		for _, a := range all {
			a.strike(each)
		}
		mostGoroutines, mostFiles = max(mostGoroutines, runtime.NumGoroutine()), max(mostFiles, files(t))
		<-tick.C
	}
	if len(onAir) > 0 || rounds < leastRounds {
		t.Fatalf("the clip was over before the flood, or that had %d rounds: this has shown nothing", rounds)
	}
	lasted := time.Since(began)
	if came := len(bystander.by(media.Video)) - pictures; came < 30 {
		t.Errorf("%d pictures came in %v of who is on air", came, lasted)
	}
	after := measure(t)
	for deadline := time.Now().Add(20 * time.Second); after.goroutines > before.goroutines+8 && time.Now().Before(deadline); after = measure(t) {
		<-tick.C // until all that came has been decided about
	}
	if grown := after.heap - before.heap; grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	const ofDatabase = 4 // which opens them when it is asked for the first time
	if mostGoroutines > before.goroutines+2*maxPending || mostFiles > before.files+ofDatabase {
		t.Errorf("up to %d goroutines and %d files, there were %d and %d", mostGoroutines, mostFiles, before.goroutines, before.files)
	}
	stats := s.Stats()
	if stats.Active != 1 || stats.Ended[ingest.TooManyAttempts] < uint64(attackers*rounds*each/8) || stats.Ended[ingest.WrongKey] == 0 {
		t.Errorf("%+v", stats)
	}
	if n, may := stats.Ended[ingest.WrongKey], attackers*(10+uint64(lasted.Seconds())/6+1); n > may {
		t.Errorf("%d keys were tried in %v, at most %d may be", n, lasted, may)
	}
	// Each of these has cost a derivation.
	if n, may := stats.Ended[ingest.WrongPassphrase], attackers*(10+uint64(lasted.Seconds())+1); n == 0 || n > may {
		t.Errorf("%d passphrases were tried in %v, at most %d may be", n, lasted, may)
	}
	t.Logf("%d handshakes in %v, ended %v, the heap grew by %d bytes, up to %d goroutines", attackers*rounds*each, lasted, stats.Ended, after.heap-before.heap, mostGoroutines)
	if err := <-onAir; err != nil {
		t.Logf("ffmpeg, which gives up what it could not send in time: %v", err)
	}
	if end := bystander.ended(t); !end.OnPurpose {
		t.Errorf("who was on air ended with %+v", end)
	}
	p := newPeerAt(t, "127.0.0.100", at)
	if answer := p.handshake(encrypted(p.greet(), goodKey, right)); answer.typ != conclusion {
		t.Errorf("another publisher is told %d", answer.typ)
	}
	gate.next(t)
}

// use is what the process uses.
type use struct {
	heap              int64
	goroutines, files int
}

func measure(t *testing.T) use {
	t.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return use{int64(m.HeapAlloc), runtime.NumGoroutine(), files(t)}
}

func files(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
