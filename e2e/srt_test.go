//go:build e2e

package e2e

import (
	"encoding/json"
	"net/netip"
	"os/exec"

	"weir/internal/badnet"
)

// srtPassphrase encrypts what comes over SRT.
const srtPassphrase = "correct-horse-battery"

// sendForEver has ffmpeg send a clip over SRT and a bad network, over and over.
func (w *weir) sendForEver(clip string, network badnet.Conditions) {
	w.t.Helper()
	server, err := netip.ParseAddrPort(w.srt)
	if err != nil {
		w.t.Fatal(err)
	}
	_, front := badnet.New(w.t, server, network)
	w.sendTo(clip, "srt://"+front.String()+"?latency=1000000&pbkeylen=32&passphrase="+srtPassphrase+"&streamid=#!::r="+w.key+",m=publish")
}

// sendTo has ffmpeg send a clip as MPEG-TS to url, over and over.
func (w *weir) sendTo(clip, url string) {
	w.t.Helper()
	encoder := exec.Command(program(w.t, "ffmpeg"), "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy", "-f", "mpegts", url)
	if err := encoder.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = encoder.Process.Kill()
		_ = encoder.Wait()
	})
}

// checkLink holds that packets were lost on the way, and no media.
func (w *weir) checkLink() {
	w.t.Helper()
	body, _ := w.get("/api/v1/streams/main")
	var status struct {
		Session struct {
			Protocol string
			Link     struct {
				RoundTrip                                          float64 `json:"rtt_s"`
				Latency                                            float64 `json:"latency_s"`
				Packets, Lost, Retransmitted, Dropped, Undecrypted uint64
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		w.t.Fatal(err)
	}
	link := status.Session.Link
	if status.Session.Protocol != "srt" || link.Packets == 0 || link.Lost == 0 || link.Retransmitted == 0 ||
		link.Dropped+link.Undecrypted > 0 || link.Latency != 1 || link.RoundTrip < 0.02 {
		w.t.Errorf("the session is %+v", status.Session)
	}
}
