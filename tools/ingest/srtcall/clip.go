package srtcall

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

const (
	packetSize = 188
	// perDatagram is how many packets of MPEG-TS encoders send together.
	perDatagram = 7
)

// Clip is MPEG-TS in datagrams.
type Clip struct {
	datagrams [][]byte
	// at is when each is sent: the clock of the program so far.
	at []time.Duration
}

// Load has ffmpeg make a clip of a file in a loop, so long.
func Load(ctx context.Context, file string, length time.Duration) (*Clip, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", file, //nolint:gosec // the operator's own file.
		"-t", strconv.FormatFloat(length.Seconds(), 'f', 3, 64), "-c", "copy", "-f", "mpegts", "pipe:1")
	stream, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("make MPEG-TS of %s: %w", file, err)
	}
	return cut(stream), nil
}

// cut makes datagrams of a stream of whole packets.
func cut(stream []byte) *Clip {
	var c Clip
	first, now := time.Duration(-1), time.Duration(0)
	for len(stream) > 0 {
		n := min(len(stream), perDatagram*packetSize)
		for i := 0; i+packetSize <= n; i += packetSize {
			if at, ok := clock(stream[i : i+packetSize]); ok {
				if first < 0 {
					first = at
				}
				now = at - first
			}
		}
		c.datagrams, c.at = append(c.datagrams, stream[:n]), append(c.at, now)
		stream = stream[n:]
	}
	return &c
}

// clock is the program's (ISO/IEC 13818-1, 2.4.3.4), where a packet has it. It does
// not begin anew within the 26 hours that 33 bits last.
func clock(packet []byte) (at time.Duration, ok bool) {
	const hasField, hasClock, least = 0x20, 0x10, 7
	if packet[3]&hasField == 0 || packet[4] < least || packet[5]&hasClock == 0 {
		return 0, false
	}
	base := int64(packet[6])<<25 | int64(packet[7])<<17 | int64(packet[8])<<9 | int64(packet[9])<<1 | int64(packet[10])>>7
	return time.Duration(base) * time.Second / 90_000, true
}
