package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/doctor"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/ingest/srt"
	"weir/pkg/live"
)

// collector reads the parts' own counters when it is scraped, so that no part
// on the media path knows of metrics.
type collector struct {
	manager *live.Manager
	rtmp    *rtmp.Server
	srt     *srt.Server

	connections, publishing, accepted, ended, bytes, units, bad, others *prometheus.Desc
	stream, repaired, keyframes, restarts, speed, rejected              *prometheus.Desc
	behind, shed, restored, dropped                                     *prometheus.Desc
	packets, trouble, damage, roundTrip, latency, buffer                *prometheus.Desc
	findings, streamFindings                                            *prometheus.Desc
	onAir, sounds, absences, absent, switches, onBackup, delays         *prometheus.Desc
}

func newCollector(manager *live.Manager, overRTMP *rtmp.Server, overSRT *srt.Server) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("weir_"+name, help, labels, nil)
	}
	return &collector{
		manager: manager, rtmp: overRTMP, srt: overSRT,
		connections:    desc("ingest_connections", "Connections of publishers open now."),
		publishing:     desc("ingest_sessions", "Publish sessions open now."),
		accepted:       desc("ingest_connections_total", "Connections of publishers accepted; over SRT, handshakes that came to a decision."),
		ended:          desc("ingest_rejections_total", "Connections and sessions that Weir ended, by reason.", "reason"),
		bytes:          desc("ingest_bytes_total", "Bytes received from publishers."),
		units:          desc("ingest_access_units_total", "Access units handed on."),
		bad:            desc("ingest_bad_access_units_total", "Access units that could not be read."),
		others:         desc("ingest_other_tracks_access_units_total", "Access units of further tracks that are passed over: too many of them, or of a codec that is not taken."),
		stream:         desc("stream_state", "1 for the state that the stream is in.", "stream", "state"),
		repaired:       desc("stream_timestamp_repairs", "Repairs of the session's time, by kind.", "stream", "kind"),
		keyframes:      desc("stream_keyframe_interval_seconds", "Distance of the source's last two keyframes.", "stream"),
		restarts:       desc("worker_restarts", "Restarts of the session's worker.", "stream"),
		speed:          desc("worker_realtime_ratio", "How much faster than real time the worker encodes.", "stream"),
		behind:         desc("worker_behind_seconds", "Media time that waits to be encoded.", "stream"),
		shed:           desc("worker_rungs_shed", "Steps by which the session's rungs gave way to overload: half the frame rate, then off.", "stream"),
		restored:       desc("worker_rungs_restored", "Steps of that kind that were taken back.", "stream"),
		dropped:        desc("worker_dropped_access_units", "Access units of the session that were not encoded.", "stream"),
		findings:       desc("findings", "Findings of the stream doctor that stand now, over all streams.", "code", "severity"),
		streamFindings: desc("stream_findings", "Findings of the stream doctor that stand now.", "stream", "severity"),
		packets:        desc("srt_packets_total", "SRT data packets received."),
		trouble:        desc("srt_packet_troubles_total", "SRT packets that were lost on the way, came again on request (retransmitted), never came in time (dropped) or could not be decrypted.", "kind"),
		damage:         desc("mpegts_damages_total", "Where packets of a track of MPEG-TS were missing (gap) or broken (damaged).", "kind"),
		roundTrip:      desc("srt_round_trip_seconds", "Round trip to the stream's publisher over SRT.", "stream"),
		latency:        desc("srt_latency_seconds", "How long packets of the stream's publisher are held, so that lost ones can come again.", "stream"),
		buffer:         desc("srt_buffer_seconds", "Media time of the stream that is held for that now.", "stream"),
		rejected:       desc("stream_rejected_access_units_total", "Access units that the segmenters could not use.", "stream"),
		sounds:         desc("stream_audio_track", "1 for what each audio rendition is made of: a track of the publisher as it is (passthrough) or encoded, or silence.", "stream", "rendition", "served"),
		onAir:          desc("stream_on_air", "1 for what the stream's renditions are made of: source, slate, gap or nothing.", "stream", "on_air"),
		absences:       desc("stream_absences_total", "Times that the timeline went on without media.", "stream"),
		switches:       desc("stream_backup_switches_total", "Times that the publisher that stood by went on air, by reason: lost, black, frozen or silent is what the other one was, back is the primary that is well again.", "stream", "reason"),
		onBackup:       desc("stream_on_backup", "1 while the backup publisher is on air.", "stream"),
		delays:         desc("segment_publish_delay_seconds", "How far the end of a segment lay behind the clock when viewers could first ask for it: what the way to Weir, encoding and packaging took.", "stream", "rendition"),
		absent:         desc("stream_absent_seconds_total", "How long the timeline went on without media.", "stream"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.connections, c.publishing, c.accepted, c.ended, c.bytes, c.units, c.bad, c.others,
		c.stream, c.repaired, c.keyframes, c.restarts, c.speed, c.rejected,
		c.behind, c.shed, c.restored, c.dropped,
		c.packets, c.trouble, c.damage, c.roundTrip, c.latency, c.buffer, c.findings, c.streamFindings,
		c.onAir, c.sounds, c.absences, c.absent, c.switches, c.onBackup, c.delays,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	c.collectIngest(send)
	type kind struct{ code, severity string }
	standing := make(map[kind]int)
	for _, st := range c.manager.Streams() {
		bySeverity := map[doctor.Severity]int{doctor.Info: 0, doctor.Warning: 0, doctor.Problem: 0}
		for _, f := range st.Findings {
			bySeverity[f.Severity]++
			standing[kind{f.Code, string(f.Severity)}]++
		}
		for severity, count := range bySeverity {
			send(c.streamFindings, prometheus.GaugeValue, float64(count), st.Name, string(severity))
		}
		send(c.stream, prometheus.GaugeValue, 1, st.Name, string(st.State))
		send(c.onAir, prometheus.GaugeValue, 1, st.Name, string(st.OnAir))
		for _, one := range st.AudioTracks {
			send(c.sounds, prometheus.GaugeValue, 1, st.Name, one.Rendition, string(one.Served))
		}
		send(c.absences, prometheus.CounterValue, float64(st.Absences), st.Name)
		c.collectBackup(send, st)
		send(c.absent, prometheus.CounterValue, st.Absent.Seconds(), st.Name)
		send(c.rejected, prometheus.CounterValue, float64(st.Rejected), st.Name)
		send(c.keyframes, prometheus.GaugeValue, st.KeyframeInterval.Seconds(), st.Name)
		for i, r := range st.Renditions {
			out <- delays(c.delays, st.Delays[i], st.Name, r.ID)
		}
		for kind, count := range repairs(st.Repairs) {
			send(c.repaired, prometheus.GaugeValue, float64(count), st.Name, kind)
		}
		if st.Session != nil && st.Session.Link != nil {
			link := st.Session.Link
			send(c.roundTrip, prometheus.GaugeValue, link.RoundTrip.Seconds(), st.Name)
			send(c.latency, prometheus.GaugeValue, link.Latency.Seconds(), st.Name)
			send(c.buffer, prometheus.GaugeValue, link.Buffer.Seconds(), st.Name)
		}
		if st.Worker != nil {
			send(c.restarts, prometheus.GaugeValue, float64(st.Worker.Restarts), st.Name)
			send(c.behind, prometheus.GaugeValue, st.Worker.Backlog.Seconds(), st.Name)
			send(c.shed, prometheus.GaugeValue, float64(st.Worker.Shed), st.Name)
			send(c.restored, prometheus.GaugeValue, float64(st.Worker.Restored), st.Name)
			send(c.dropped, prometheus.GaugeValue, float64(st.Worker.Dropped), st.Name)
			send(c.speed, prometheus.GaugeValue, st.Worker.Speed, st.Name)
		}
	}
	for k, count := range standing {
		send(c.findings, prometheus.GaugeValue, float64(count), k.code, k.severity)
	}
}

// collectBackup tells of the publisher that stands by, where there was one.
func (c *collector) collectBackup(send sender, st live.Status) {
	if st.Backup == nil && st.Switched == nil {
		return
	}
	for _, reason := range live.SwitchReasons() {
		send(c.switches, prometheus.CounterValue, float64(st.Switches[reason]), st.Name, string(reason))
	}
	onAir := 0.0
	if st.Backup != nil && st.Backup.OnAir {
		onAir = 1
	}
	send(c.onBackup, prometheus.GaugeValue, onAir, st.Name)
}

func delays(d *prometheus.Desc, of live.Delays, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(of.UpTo))
	for i, bound := range live.DelayBounds() {
		buckets[bound] = of.UpTo[i]
	}
	return prometheus.MustNewConstHistogram(d, of.Count, of.Sum, buckets, labels...)
}

// sender passes on one value.
type sender func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string)

// collectIngest adds up what publishers' connections count, whatever protocol
// they speak.
func (c *collector) collectIngest(send sender) {
	a, b := c.rtmp.Stats(), c.srt.Stats()
	send(c.connections, prometheus.GaugeValue, float64(a.Active)+float64(b.Active))
	send(c.publishing, prometheus.GaugeValue, float64(a.Publishing+b.Active))
	send(c.accepted, prometheus.CounterValue, float64(a.Accepted+b.Accepted))
	send(c.bytes, prometheus.CounterValue, float64(a.Bytes+b.Bytes))
	send(c.units, prometheus.CounterValue, float64(a.AccessUnits+b.AccessUnits))
	send(c.bad, prometheus.CounterValue, float64(a.BadUnits+b.BadUnits))
	send(c.others, prometheus.CounterValue, float64(a.OtherUnits+b.OtherUnits))
	for reason, count := range b.Ended {
		a.Ended[reason] += count
	}
	for reason, count := range a.Ended {
		send(c.ended, prometheus.CounterValue, float64(count), string(reason))
	}
	send(c.packets, prometheus.CounterValue, float64(b.Packets))
	for kind, count := range map[string]uint64{
		"lost": b.Lost, "retransmitted": b.Again, "dropped": b.Dropped, "undecrypted": b.Sealed,
	} {
		send(c.trouble, prometheus.CounterValue, float64(count), kind)
	}
	send(c.damage, prometheus.CounterValue, float64(b.Gaps), "gap")
	send(c.damage, prometheus.CounterValue, float64(b.Damaged), "damaged")
}
