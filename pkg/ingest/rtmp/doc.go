// Package rtmp receives live streams over RTMP (Adobe's Real Time Messaging
// Protocol specification 1.0) from OBS, ffmpeg and other encoders.
//
// In flow a publisher's bytes: handshake, chunks, messages, commands, FLV tags.
// Out flow raw access units, written into the [ingest.Session] that the
// [ingest.Gate] gives for a stream key. Layer by layer: link (deadlines),
// handshake, chunkReader and chunkWriter (messages), amf0 (values), conn
// (what commands do), demuxer (FLV tags to access units).
//
// Everything that arrives is foreign. Nothing is allocated because a length
// field says so, only for bytes that have come or for as much as the same
// connection has sent before; before a publisher is let in it costs 256 KiB at
// most, and must have been let in before an absolute deadline.
//
// One goroutine serves each connection and alone reads, writes and calls the
// session. While it publishes a second one waits for the session or the server
// to end, only to have the first one stop. [Server.Serve] waits for them all.
//
// Until it publishes, a connection of [Ticked] is read when something has come, and
// from then on at ticks that all have in common (decision 31).
package rtmp
