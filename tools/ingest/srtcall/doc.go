// Package srtcall is an SRT caller for load: as little as a listener has to be told
// (draft-sharabayko-srt-01, live mode, not encrypted), so that a machine has enough
// left to send many streams beside the listener that is measured.
//
// In flows a clip as datagrams, which all callers share; out flow packets. A [Send]
// has two goroutines and waits for both.
package srtcall
