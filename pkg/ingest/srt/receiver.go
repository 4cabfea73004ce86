package srt

import (
	"time"
)

const (
	// maxWindow is how many packets are held at most; libsrt's own default is half
	// of it. At 1316 bytes they are 21 MB.
	maxWindow = 16384
	// firstWindow is where the ring begins to grow from.
	firstWindow = 256
	// driftWindow is how long the least delay is looked for, and driftStep how far
	// one look moves the time base.
	driftWindow = 10 * time.Second
	driftStep   = 5 * time.Millisecond
	// leastRetry is the shortest time between two requests for a packet.
	leastRetry = 20 * time.Millisecond
)

// slot is one packet, or the place of one that is missing.
type slot struct {
	data []byte
	// at is the sender's time, counted without end.
	at   time.Duration
	have bool
	// given is true where the sender says that it will not come, asked is when it
	// was requested last.
	given bool
	asked time.Time
}

// receiver puts the data packets of one caller in order and holds each until its
// time: the sender's timestamp and the latency (section 4.5). It reads no clock.
// It is not safe for concurrent use.
type receiver struct {
	latency time.Duration
	// ring holds the packets from head up to tail; its length is a power of two.
	// acked is the first that is missing.
	ring              []slot
	head, tail, acked sequence
	spare             [][]byte

	// base is when the sender's time was 0, on our clock. clock is its greatest
	// time, unwrapped.
	base  time.Time
	clock time.Duration
	// least is the least delay against base in the drift window that began at
	// measured.
	least    time.Duration
	seen     bool
	measured time.Time

	// timed is true once a round trip was measured; before, both are guesses.
	timed       bool
	rtt, rttVar time.Duration
	stats       receiverStats
}

// receiverStats counts packets since the connection began.
type receiverStats struct {
	packets, bytes uint64
	// lost were missing when a later one came, again came a second time on
	// request, late came after their place was given up or filled, dropped never
	// came in time, and sealed could not be decrypted. rekeyed counts key changes.
	lost, again, late, dropped, sealed, rekeyed uint64
}

func newReceiver(first sequence, latency time.Duration, base time.Time) *receiver {
	const rtt, rttVar = 100 * time.Millisecond, 50 * time.Millisecond // section 4.10
	return &receiver{
		latency: latency, ring: make([]slot, firstWindow), head: first, tail: first, acked: first,
		base: base, measured: base, rtt: rtt, rttVar: rttVar,
	}
}

func (r *receiver) slot(s sequence) *slot { return &r.ring[int(s)&(len(r.ring)-1)] }

// senderTime unwraps a timestamp (section 4.5.1.1).
func (r *receiver) senderTime(timestamp uint32) time.Duration {
	last := uint32(r.clock / time.Microsecond)
	at := r.clock.Truncate(time.Microsecond) + time.Duration(int32(timestamp-last))*time.Microsecond
	r.clock = max(r.clock, at)
	return at
}

// push takes a data packet; decrypt may refuse its payload. It copies what it
// keeps.
func (r *receiver) push(h header, payload []byte, decrypt func(payload []byte) bool) {
	r.stats.packets++
	r.stats.bytes += uint64(len(payload))
	if h.again {
		r.stats.again++
	}
	at := r.senderTime(h.timestamp)
	ahead := h.seq.since(r.head)
	if ahead < 0 {
		r.stats.late++
		return
	}
	if ahead >= maxWindow {
		r.skipTo(h.seq.plus(1 - maxWindow))
		ahead = h.seq.since(r.head)
	}
	r.grow(ahead + 1)
	s := r.slot(h.seq)
	if h.seq.since(r.tail) < 0 && s.have {
		r.stats.late++
		return
	}
	for ; h.seq.since(r.tail) >= 0; r.tail = r.tail.plus(1) {
		*r.slot(r.tail) = slot{}
		if r.tail != h.seq {
			r.stats.lost++
		}
	}
	data := append(r.buffer(), payload...)
	if decrypt != nil && !decrypt(data) {
		r.stats.sealed++
		data = data[:0]
	}
	*s = slot{data: data, at: at, have: true}
	for r.acked.since(r.tail) < 0 && r.slot(r.acked).have {
		r.acked = r.acked.plus(1)
	}
}

func (r *receiver) buffer() []byte {
	if n := len(r.spare); n > 0 {
		b := r.spare[n-1]
		r.spare = r.spare[:n-1]
		return b[:0]
	}
	return make([]byte, 0, maxPayload)
}

// grow makes the ring hold n packets from head on.
func (r *receiver) grow(n int) {
	if n <= len(r.ring) {
		return
	}
	size := len(r.ring)
	for size < n {
		size *= 2
	}
	old := *r
	r.ring = make([]slot, size)
	for s := r.head; s.since(r.tail) < 0; s = s.plus(1) {
		*r.slot(s) = *old.slot(s)
	}
}

// ripe reports whether it is time for a packet.
func (r *receiver) ripe(s *slot, now time.Time) bool {
	return !now.Before(r.base.Add(s.at + r.latency))
}

// take returns the next payload if it is time for it; what is missing before it
// has then been waited for long enough (section 4.6). The payload is valid until
// release gives it back.
func (r *receiver) take(now time.Time) (payload []byte, ok bool) {
	next := r.head
	for next.since(r.tail) < 0 && !r.slot(next).have {
		next = next.plus(1)
	}
	if next == r.tail || !r.ripe(r.slot(next), now) {
		return nil, false
	}
	r.skipTo(next)
	s := r.slot(next)
	payload = s.data
	*s = slot{}
	r.head = next.plus(1)
	r.settle()
	return payload, true
}

// release gives a payload back, to hold another.
func (r *receiver) release(payload []byte) {
	const most = 64
	if len(r.spare) < most && cap(payload) >= maxPayload {
		r.spare = append(r.spare, payload)
	}
}

// skipTo gives up everything before s.
func (r *receiver) skipTo(s sequence) {
	if missing := s.since(r.head) - max(r.tail.since(r.head), 0); missing > 0 {
		r.stats.dropped += uint64(missing)
	}
	for ; r.head.since(s) < 0 && r.head.since(r.tail) < 0; r.head = r.head.plus(1) {
		r.stats.dropped++
		if old := r.slot(r.head); old.have {
			r.release(old.data)
		}
		*r.slot(r.head) = slot{}
	}
	r.head = s
	r.settle()
}

// settle keeps tail and acked from falling behind head.
func (r *receiver) settle() {
	if r.tail.since(r.head) < 0 {
		r.tail = r.head
	}
	if r.acked.since(r.head) < 0 {
		r.acked = r.head
	}
	for r.acked.since(r.tail) < 0 && r.slot(r.acked).have {
		r.acked = r.acked.plus(1)
	}
}

// giveUp takes the sender's word that packets will not come any more.
func (r *receiver) giveUp(first, last sequence) {
	if first.since(r.head) < 0 {
		first = r.head
	}
	for s := first; s.since(last) <= 0 && s.since(r.tail) < 0; s = s.plus(1) {
		r.slot(s).given = true
	}
}

// missing calls ask for each range of packets that is to be requested now: not
// yet, or so long ago that the answer should be here.
func (r *receiver) missing(now time.Time, ask func(first, last sequence)) {
	retry := max(r.rtt+2*r.rttVar, leastRetry)
	open, first := false, r.acked
	for s := r.acked; s.since(r.tail) < 0; s = s.plus(1) {
		p := r.slot(s)
		wanted := !p.have && !p.given && now.Sub(p.asked) >= retry
		switch {
		case wanted && !open:
			open, first = true, s
		case !wanted && open:
			ask(first, s.plus(-1))
			open = false
		}
		if wanted {
			p.asked = now
		}
	}
	if open {
		ask(first, r.tail.plus(-1))
	}
}

// answered takes the round trip of an acknowledgement (section 4.10), and when
// the sender says that it sent the answer: the clocks of both drift apart, and
// the least delay tells how far (section 4.7).
func (r *receiver) answered(now time.Time, rtt time.Duration, timestamp uint32) {
	if r.timed {
		r.rttVar = (3*r.rttVar + max(r.rtt-rtt, rtt-r.rtt)) / 4
		r.rtt = (7*r.rtt + rtt) / 8
	} else {
		r.timed, r.rtt, r.rttVar = true, rtt, rtt/2
	}
	delay := now.Sub(r.base.Add(r.senderTime(timestamp)))
	if !r.seen || delay < r.least {
		r.seen, r.least = true, delay
	}
	if now.Sub(r.measured) < driftWindow {
		return
	}
	r.base = r.base.Add(min(max(r.least, -driftStep), driftStep))
	r.seen, r.measured = false, now
}

// held is how much media time waits.
func (r *receiver) held() time.Duration {
	var first, last time.Duration
	found := false
	for s := r.head; s.since(r.tail) < 0; s = s.plus(1) {
		if p := r.slot(s); p.have {
			if !found {
				first, found = p.at, true
			}
			last = p.at
		}
	}
	return last - first
}

// room is how many more packets are taken.
func (r *receiver) room() int { return maxWindow - r.tail.since(r.head) }
