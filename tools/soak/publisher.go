package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"weir/pkg/publish"
	"weir/tools/program"
)

// publish keeps stream i going: over connections that are cut off, and over ends on
// purpose.
func (o options) publish(ctx context.Context, g *gateway, i int) error {
	if !program.Wait(ctx, o.Life*time.Duration(i)/time.Duration(o.Streams)/4) {
		return nil
	}
	for ctx.Err() == nil {
		// Three lives on average, of which the last one ends on purpose.
		broadcast, cancel := context.WithTimeout(ctx, jitter(4*o.Life))
		err := publish.Run(broadcast, publish.Options{
			File: o.Clip, URL: "rtmp://" + g.rtmp + "/live/soak-" + strconv.Itoa(i), Loop: true, Retry: true,
			Dial: func(ctx context.Context, target publish.Target) (net.Conn, error) { return o.dial(ctx, g, target) },
		})
		cancel()
		if err != nil {
			return fmt.Errorf("stream %d: %w", i, err)
		}
		g.broadcasts.Add(1)
	}
	return nil
}

// dial connects for a while, after which the connection is gone without a farewell.
func (o options) dial(ctx context.Context, g *gateway, target publish.Target) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", target.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to the gateway: %w", err)
	}
	cut := &mortal{Conn: c, lost: &g.lost}
	cut.end = time.AfterFunc(jitter(o.Life), cut.die)
	return cut, nil
}

// jitter is a time of up to most, and a half of it at least.
func jitter(most time.Duration) time.Duration { return most/2 + rand.N(most/2) } //nolint:gosec // it is no secret.

// mortal is a connection that dies.
type mortal struct {
	net.Conn

	end  *time.Timer
	lost *atomic.Int64
}

func (m *mortal) die() {
	m.lost.Add(1)
	if tcp, ok := m.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, as from a machine that lost its power
	}
	_ = m.Conn.Close()
}

// Close is the publisher's own end of it.
func (m *mortal) Close() error {
	m.end.Stop()
	return m.Conn.Close() //nolint:wrapcheck // it stands in for the connection.
}

// CloseWrite says that nothing follows.
func (m *mortal) CloseWrite() error {
	if half, ok := m.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // it stands in for the connection.
	}
	return nil
}
