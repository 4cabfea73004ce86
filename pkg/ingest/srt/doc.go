// Package srt receives live streams over SRT (Secure Reliable Transport,
// draft-sharabayko-srt-01, as libsrt 1.3 and later speak it) in MPEG-TS from OBS,
// ffmpeg, GStreamer and hardware encoders: as a listener, in live mode.
//
// In flow datagrams, out flow raw access units, written into the
// [ingest.Session] that the [ingest.Gate] gives for the key in the caller's
// stream id. Layer by layer: datagrams (what the system gives), header and handshake
// (what they say), keyring (encryption), receiver (order, loss, time), caller (one
// connection), and mpegts.Demuxer.
//
// Everything that arrives is foreign. Nothing is kept for who has not shown, by
// the cookie of the handshake, that it receives at its address. Until the key and
// the passphrase have been found right, a caller is the few bytes of its
// handshake. Afterwards its buffer grows with what comes, to a bound.
//
// One goroutine reads the socket and acts on time for all callers, and one for
// each caller demultiplexes and calls the session. [Server.Serve] waits for them
// all.
package srt
