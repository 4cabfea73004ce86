package gateway

import (
	"weir/pkg/api"
	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/ingest/srt"
)

// openIngest makes the servers that publishers connect to. Both count connections
// together.
func (g *gateway) openIngest() {
	g.connections = ingest.NewAdmission()
	g.rtmp = rtmp.NewServer(rtmp.Config{Gate: g.manager, Log: g.log, Refused: g.refusals.tell, Admission: g.connections})
	g.srt = srt.NewServer(srt.Config{
		Gate: g.manager, Log: g.log, Refused: g.refusals.tell, Admission: g.connections,
	})
	g.limitIngest()
}

// limitIngest holds publishers that come from now on to the configuration.
func (g *gateway) limitIngest() {
	cfg := g.cfg.Load()
	in := cfg.Ingest
	g.rtmp.SetLimits(rtmp.Limits{
		PublishTimeout: in.PublishTimeout, IdleTimeout: in.IdleTimeout,
		MaxConnections: in.MaxConnections, MaxConnectionsPerAddress: in.MaxConnectionsPerAddress,
		MaxBitrate: int(in.MaxBitrate),
	})
	g.srt.SetLimits(srt.Limits{
		Latency:        cfg.SRT.Latency,
		PublishTimeout: in.PublishTimeout, IdleTimeout: in.IdleTimeout,
		MaxConnections: in.MaxConnections, MaxConnectionsPerAddress: in.MaxConnectionsPerAddress,
		MaxBitrate: int(in.MaxBitrate),
	})
}

func link(l *ingest.Link) *api.Link {
	if l == nil {
		return nil
	}
	return &api.Link{
		RoundTrip: rounded(l.RoundTrip.Seconds()), Latency: rounded(l.Latency.Seconds()), Buffer: rounded(l.Buffer.Seconds()),
		Received: l.Received, Lost: l.Lost, Repeated: l.Repeated, Dropped: l.Dropped, Undecrypted: l.Undecrypted,
	}
}
