// Package mpegts reads MPEG transport streams (ITU-T H.222.0 | ISO/IEC 13818-1)
// of one program.
//
// In flow bytes as they come, out flow raw access units on the clock of PTS: 90
// kHz in 33 bits. Layer by layer: packets (synchronisation, continuity),
// sections (what the program is made of), PES packets, and the codecs' own
// frames. Nothing waits and nothing starts a goroutine.
//
// Everything is foreign. What a packet of a track loses costs that access unit,
// and with video all up to the next one that decoding can start at; what is held
// at once is bounded, whatever lengths the bytes claim.
package mpegts
