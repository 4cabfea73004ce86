package srt

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"weir/pkg/ingest"
)

const (
	// maxPayload is that of a packet in an Ethernet frame.
	maxPayload = 1500 - 28 - headerSize
	// keepAliveEvery is how long nothing is sent before the other end is told that
	// we are there (section 3.2.3).
	keepAliveEvery = time.Second
	// acksKept is how many acknowledgements may wait for their answer.
	acksKept = 128
	// deriveEvery bounds what new salts cost.
	deriveEvery = time.Second
	// tickEvery is how often what time brings is looked at (section 4.8.1).
	tickEvery = ingest.Tick
)

// caller is one connection: what its datagrams and the passing of time do. It is
// safe for concurrent use.
type caller struct {
	send   func(b []byte, to netip.AddrPort)
	remote netip.AddrPort
	// id is the number of our socket, peer that of the caller's.
	id, peer uint32
	began    time.Time
	// answer is the reply to its handshake, for when that is lost.
	answer []byte
	// wake gets a value when a packet is ripe or the caller has left.
	wake chan struct{}

	mu       sync.Mutex
	receiver *receiver
	keyring  *keyring // nil without encryption
	// gone is true once the caller has said that it leaves.
	gone bool
	// material is the last that was taken after the handshake, derived when it
	// came with a new salt.
	material []byte
	derived  time.Time

	// ackNumber counts acknowledgements; acks are when the last were sent.
	ackNumber  uint32
	acks       [acksKept]time.Time
	acked      sequence
	ackedAt    time.Time
	answeredNo uint32
	spoke      time.Time
}

// link is how the connection does.
func (c *caller) link() ingest.Link {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.receiver
	return ingest.Link{
		RoundTrip: r.rtt, Latency: r.latency, Buffer: r.held(),
		Received: r.stats.packets, Lost: r.stats.lost, Repeated: r.stats.again,
		Dropped: r.stats.dropped, Undecrypted: r.stats.sealed,
	}
}

func (c *caller) counts() receiverStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receiver.stats
}

// timestamp is our time in a packet.
func (c *caller) timestamp(now time.Time) uint32 {
	return uint32(now.Sub(c.began) / time.Microsecond)
}

// handle takes a datagram of the caller.
func (c *caller) handle(now time.Time, h header, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !h.control {
		c.data(h, body)
		return
	}
	switch h.typ {
	case typeACKACK:
		c.answered(now, h)
	case typeShutdown:
		c.gone = true
		c.rouse()
	case typeDropRequest:
		if len(body) >= 8 {
			first, last := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
			c.receiver.giveUp(sequence(first)&sequenceMask, sequence(last)&sequenceMask)
		}
	case typeUser:
		if h.subtype == extKeyRequest {
			c.refresh(now, body)
		}
	}
}

func (c *caller) data(h header, body []byte) {
	var decrypt func([]byte) bool
	if c.keyring != nil || h.key != 0 {
		decrypt = func(payload []byte) bool {
			return c.keyring != nil && c.keyring.decrypt(h.seq, h.key, payload)
		}
	}
	c.receiver.push(h, body, decrypt)
}

// answered takes the answer to an acknowledgement.
func (c *caller) answered(now time.Time, h header) {
	age := c.ackNumber - h.info
	if age >= acksKept || age >= c.ackNumber {
		return
	}
	sent := c.acks[h.info%acksKept]
	if sent.IsZero() {
		return
	}
	c.acks[h.info%acksKept] = time.Time{}
	c.answeredNo = max(c.answeredNo, h.info)
	c.receiver.answered(now, now.Sub(sent), h.timestamp)
}

// refresh takes the keys that will follow those in use (section 6.1.6). A caller
// that sends the same once more has missed the answer.
func (c *caller) refresh(now time.Time, material []byte) {
	if c.keyring == nil {
		return
	}
	if !bytes.Equal(material, c.material) && !c.rekey(now, material) {
		return // What it encrypts so will be counted.
	}
	c.write(now, append(controlPacket(typeUser, extKeyResponse, 0, c.timestamp(now), c.peer), material...))
}

func (c *caller) rekey(now time.Time, material []byte) bool {
	wrapping := c.keyring.wrapping
	err := c.keyring.open(material, now.Sub(c.derived) >= deriveEvery)
	if c.keyring.wrapping != wrapping {
		c.derived = now
	}
	if err != nil {
		return false
	}
	c.material = append(c.material[:0], material...)
	c.receiver.stats.rekeyed++
	return true
}

func (c *caller) write(now time.Time, b []byte) {
	c.spoke = now
	c.send(b, c.remote)
}

// tick does what is due.
func (c *caller) tick(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acknowledge(now)
	c.request(now)
	if now.Sub(c.spoke) >= keepAliveEvery {
		c.write(now, append(controlPacket(typeKeepAlive, 0, 0, c.timestamp(now), c.peer), 0, 0, 0, 0))
	}
	if c.ripe(now) || c.gone {
		c.rouse()
	}
}

// ripe reports whether take would return something.
func (c *caller) ripe(now time.Time) bool {
	r := c.receiver
	for s := r.head; s.since(r.tail) < 0; s = s.plus(1) {
		if p := r.slot(s); p.have {
			return r.ripe(p, now)
		}
	}
	return false
}

// acknowledge sends a full acknowledgement (sections 3.2.4 and 4.8.1) of what is
// new, or once more where the last was not answered.
func (c *caller) acknowledge(now time.Time) {
	r := c.receiver
	again := c.answeredNo != c.ackNumber && now.Sub(c.ackedAt) >= r.rtt+4*r.rttVar
	if r.acked == c.acked && !again {
		return
	}
	c.acked, c.ackedAt = r.acked, now
	c.ackNumber++
	c.acks[c.ackNumber%acksKept] = now
	b := controlPacket(typeACK, 0, c.ackNumber, c.timestamp(now), c.peer)
	const leastRoom = 2 // lest the sender wait for ever
	seconds := max(now.Sub(c.began).Seconds(), 1)
	for _, word := range []uint32{
		uint32(r.acked), uint32(r.rtt / time.Microsecond), uint32(r.rttVar / time.Microsecond),
		uint32(max(r.room(), leastRoom)), uint32(float64(r.stats.packets) / seconds), 0, uint32(float64(r.stats.bytes) / seconds),
	} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	c.write(now, b)
}

// request asks for what is missing (sections 3.2.5 and 4.8.2).
func (c *caller) request(now time.Time) {
	if c.receiver.acked == c.receiver.tail {
		return
	}
	const isRange, most = 1 << 31, maxPayload - 8
	b := controlPacket(typeNAK, 0, 0, c.timestamp(now), c.peer)
	c.receiver.missing(now, func(first, last sequence) {
		if len(b) >= most {
			return
		}
		if first == last {
			b = binary.BigEndian.AppendUint32(b, uint32(first))
			return
		}
		b = binary.BigEndian.AppendUint32(b, isRange|uint32(first))
		b = binary.BigEndian.AppendUint32(b, uint32(last))
	})
	if len(b) > headerSize {
		c.write(now, b)
	}
}

// rouse wakes who waits for a packet.
func (c *caller) rouse() {
	select {
	case c.wake <- struct{}{}:
	default: // It has not looked yet.
	}
}

// take appends ripe payloads to some, as many as there is room for; release gives
// them back. left is true once the caller has left and nothing more is to come.
func (c *caller) take(some [][]byte, now time.Time) (payloads [][]byte, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(some) < cap(some) {
		payload, ok := c.receiver.take(now)
		if !ok {
			return some, len(some) == 0 && c.gone && c.receiver.head == c.receiver.tail
		}
		some = append(some, payload)
	}
	return some, false
}

// release gives payloads back, to hold others.
func (c *caller) release(payloads [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, payload := range payloads {
		c.receiver.release(payload)
	}
}

// bye tells the caller that the connection is over (section 3.2.7).
func (c *caller) bye(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write(now, append(controlPacket(typeShutdown, 0, 0, c.timestamp(now), c.peer), 0, 0, 0, 0))
}
