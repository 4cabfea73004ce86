package rtmp

import "time"

// Limits are what a Server can be told anew while it runs. They mean what the
// fields of Config with the same names do, defaults included.
type Limits struct {
	PublishTimeout, IdleTimeout              time.Duration
	MaxConnections, MaxConnectionsPerAddress int
	MaxBitrate                               int
}

func (c Config) limits() Limits {
	return Limits{
		PublishTimeout: c.PublishTimeout, IdleTimeout: c.IdleTimeout,
		MaxConnections: c.MaxConnections, MaxConnectionsPerAddress: c.MaxConnectionsPerAddress,
		MaxBitrate: c.MaxBitrate,
	}
}

// SetLimits holds connections that come from now on to l. Those that are there
// keep the limits that they came with: none is cut off, however many there are.
func (s *Server) SetLimits(l Limits) {
	l = Config{
		PublishTimeout: l.PublishTimeout, IdleTimeout: l.IdleTimeout,
		MaxConnections: l.MaxConnections, MaxConnectionsPerAddress: l.MaxConnectionsPerAddress,
		MaxBitrate: l.MaxBitrate,
	}.withDefaults().limits()
	s.limits.Store(&l)
	s.admission.Limit(l.MaxConnections, l.MaxConnectionsPerAddress)
}
