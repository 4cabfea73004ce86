//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/pkg/verify"
)

// TestHostilePeers bothers every port while a stream plays that comes over RTMP, and
// another that comes over the very socket of SRT that is flooded. Viewers do not
// notice, and when it is over nothing of it is left.
func TestHostilePeers(t *testing.T) {
	t.Parallel()
	clip, dir := cameraClip(t), t.TempDir()
	w := start(t, dir, "--transcode.ladder", "source", "--ingest.max-connections-per-address", "2000", "--ingest.max-connections", "2000",
		"--rtmps.address", "127.0.0.1:0", "--tls.mode", "self_signed", "--admin.address", "127.0.0.1:0")
	studio, err := exec.Command(w.process.Path, "keys", "create", "studio", "--data-dir", dir).Output()
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	w.publish(clip)
	w.sendTo(clip, "srt://"+w.srt+"?latency=1000000&streamid="+strings.TrimSpace(string(studio)))
	streams := []string{"main", "studio"}
	for _, name := range streams {
		eventually(t, 20*time.Second, name+" is live", func() bool {
			body, _ := w.get("/live/" + name + "/source/index.m3u8")
			return strings.Count(body, "#EXTINF") >= 4
		})
	}
	quiet, before := w.holds(), w.newest(streams)

	peers := besiege(t, w)
	flood := floodSRT(t, w.srt)
	besieged := w.holds()
	eventually(t, 40*time.Second, "both streams have five segments more", func() bool {
		now := w.newest(streams)
		return now[0] >= before[0]+5 && now[1] >= before[1]+5
	})
	for _, name := range streams {
		report, err := verify.Run(t.Context(), w.base+"/live/"+name+"/", verify.Options{Duration: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, broken := range report.Failed() {
			t.Errorf("%s: rule %s (%s) is broken: %s", name, broken.Rule, broken.Section, broken.Seen)
		}
		text, _ := w.get("/live/" + name + "/source/index.m3u8")
		for _, tag := range []string{"#EXT-X-GAP", "#EXT-X-DISCONTINUITY\n", "#EXT-X-ENDLIST"} {
			if strings.Contains(text, tag) {
				t.Errorf("%s has %s:\n%s", name, tag, text)
			}
		}
	}
	flooded, sent := w.holds(), flood()
	for _, peer := range peers {
		_ = peer.Close()
	}
	t.Logf("before: %v; with %d hostile connections: %v; after %d datagrams: %v", quiet, len(peers), besieged, sent, flooded)
	for _, h := range []holding{besieged, flooded} {
		if h.live > quiet.live+24<<20 || h.resident > quiet.resident+128<<20 {
			t.Errorf("the gateway grew to %v", h)
		}
	}
	if besieged.descriptors < quiet.descriptors+1000 {
		t.Error("the gateway was not besieged")
	}
	eventually(t, 20*time.Second, "the descriptors are given back", func() bool { return w.descriptors() <= quiet.descriptors })
	checkWindow(t, w.fetchWindow("source"), true)
}

// besiege opens some 1,500 connections that are up to no good, and leaves them open.
func besiege(t *testing.T, w *weir) (peers []net.Conn) {
	t.Helper()
	open := func(address string, say ...byte) {
		peer := dial(t, address)
		peers = append(peers, peer)
		_, _ = peer.Write(say)
	}
	noise := make([]byte, 2000)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	for range 250 {
		open(w.rtmp) // an idle handshake
		open(w.rtmp, 3)
		open(w.rtmp, []byte("GET / HTTP/1.1\r\n\r\n")...)
		open(w.rtmp, append([]byte{3}, noise...)...)
	}
	for range 200 { // headers that never end
		open(strings.TrimPrefix(w.base, "http://"), []byte("GET /live/main/index.m3u8 HTTP/1.1\r\nX-Slow: ")...)
	}
	for range 60 {
		open(w.rtmps)
		open(w.rtmps, noise...)
		open(w.rtmps, append([]byte{3}, noise...)...)                              // RTMP without TLS
		open(w.rtmps, append([]byte{22, 3, 1, 0x3f, 0xff, 1, 0}, noise[:9]...)...) // the beginning of a record of 16 KiB
		secret := tls.Client(dial(t, w.rtmps), &tls.Config{InsecureSkipVerify: true})
		if _, err := secret.Write(noise); err != nil {
			t.Fatalf("TLS: %v", err)
		}
		peers = append(peers, secret)
	}
	return peers
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	peer, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	return peer
}

// floodSRT sends what a listener of SRT has to look at and must not keep, some thousand
// datagrams a second, until it is told to stop; it says then how many there were.
func floodSRT(t *testing.T, address string) (stop func() int) {
	t.Helper()
	sockets := make([]net.Conn, 4)
	for i := range sockets {
		socket, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		sockets[i] = socket
	}
	caller := newRogue(t, sockets[0])
	sent, quit := 0, make(chan struct{})
	var flood sync.WaitGroup
	flood.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-quit:
				return
			case <-pace.C:
			}
			for i, datagram := range caller.next() {
				_, _ = sockets[i%len(sockets)].Write(datagram)
				sent++
			}
		}
	})
	end := sync.OnceFunc(func() {
		close(quit)
		flood.Wait()
		for _, socket := range sockets {
			_ = socket.Close()
		}
	})
	t.Cleanup(end)
	return func() int { end(); return sent }
}

// newest are the newest segments of streams.
func (w *weir) newest(streams []string) (numbers []int) {
	w.t.Helper()
	for _, name := range streams {
		text, code := w.get("/live/" + name + "/source/index.m3u8")
		_, rest, _ := strings.Cut(text, "#EXT-X-MEDIA-SEQUENCE:")
		number, _, _ := strings.Cut(rest, "\n")
		first, err := strconv.Atoi(number)
		if err != nil {
			w.t.Fatalf("playlist of %s: %d %s", name, code, text)
		}
		numbers = append(numbers, first+strings.Count(text, "#EXTINF")-1)
	}
	return numbers
}

// descriptors is how many files and sockets the gateway has open, but for connections
// that this process keeps open for further requests.
func (w *weir) descriptors() int {
	w.t.Helper()
	http.DefaultClient.CloseIdleConnections()
	open, err := os.ReadDir("/proc/" + itoa(w.process.Process.Pid) + "/fd")
	if err != nil {
		w.t.Fatal(err)
	}
	return len(open)
}

// holding is what a gateway takes of its machine, in bytes without the media that can
// be fetched: what is resident, which has much garbage in it as that is cheap, and what
// is in use.
type holding struct{ descriptors, resident, live int }

func (h holding) String() string {
	return fmt.Sprintf("%d descriptors, %d MiB resident, %d MiB in use", h.descriptors, h.resident>>20, h.live>>20)
}

// holds looks at a gateway that has an admin.address.
func (w *weir) holds() holding {
	w.t.Helper()
	h := holding{descriptors: w.descriptors(), resident: w.memory()}
	if text, code := fetch(w.t, w.admin+"/debug/pprof/heap?gc=1"); code != http.StatusOK {
		w.t.Fatalf("collect garbage: %d %s", code, text)
	}
	text, _ := fetch(w.t, w.admin+"/metrics")
	windows := measured(w.t, text, "weir_stream_window_bytes{")
	h.resident -= windows
	h.live = measured(w.t, text, "go_memstats_heap_alloc_bytes ") + measured(w.t, text, "go_memstats_stack_inuse_bytes ") - windows
	return h
}

// measured is the sum of all metrics whose lines begin so, at least one.
func measured(t *testing.T, metrics, begin string) (all int) {
	t.Helper()
	if !strings.Contains(metrics, "\n"+begin) {
		t.Fatalf("there is no metric %s", begin)
	}
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, begin) {
			continue
		}
		value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:len(line)-1], 64)
		if err != nil {
			t.Fatal(err)
		}
		all += int(value)
	}
	return all
}

// memory is the gateway's resident set in bytes.
func (w *weir) memory() int {
	w.t.Helper()
	raw, err := os.ReadFile("/proc/" + itoa(w.process.Process.Pid) + "/statm")
	if err != nil {
		w.t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(raw))[1])
	if err != nil {
		w.t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
