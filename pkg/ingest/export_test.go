package ingest

import "weir/pkg/media"

// SilentFrame lets tests decode what fills gaps.
func SilentFrame(channels int) []byte { return silentFrame(channels) }

// SilentTrack lets tests see the track of a stream without audio.
func SilentTrack() *media.Track { return silentTrack(48_000) }
