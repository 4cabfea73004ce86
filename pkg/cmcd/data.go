package cmcd

import (
	"math"
	"time"
)

// Key is one thing that a player may say.
type Key uint32

// The keys that are read; Data.Has tells which of them were given.
const (
	SessionID    Key = 1 << iota // sid
	ObjectType                   // ot
	State                        // sta (version 2)
	Bitrate                      // br
	TopBitrate                   // tb
	Throughput                   // mtp
	BufferLength                 // bl
	LiveLatency                  // ltc (version 2)
	StartDelay                   // msd (version 2)
	StallTime                    // bsd (version 2)
	Rate                         // pr
	Dropped                      // dfa (version 2), or df as it was called in drafts
)

// Data is what one request says. A field is of use only where Has says that it
// was given.
type Data struct {
	given Key

	// SessionID names one playback: a UUID, as a rule; 64 bytes at most.
	SessionID string
	// ObjectType is what is asked for: a, v, av, m, i, c, tt, k or o.
	ObjectType string
	// State is the player's: s starting, p playing, k seeking, r rebuffering, a
	// paused, e ended, f failed, q quit, d preloading.
	State string
	// Bitrate and TopBitrate are those of the object that is asked for and of
	// the best that the player knows of; Throughput is what it has measured. All
	// are in bits per second.
	Bitrate, TopBitrate, Throughput int64
	// BufferLength is the media that the player has ahead of its playhead.
	BufferLength time.Duration
	// LiveLatency is how long ago what it shows was made.
	LiveLatency time.Duration
	// StartDelay is the time from the wish to play to the first picture.
	StartDelay time.Duration
	// StallTime is how long the player stood still, told once when it goes on.
	StallTime time.Duration
	// Rate is that of playback: 1 is real time, 0 is not playing.
	Rate float64
	// Dropped counts the session's frames that were decoded too late to be shown.
	Dropped int64
	// Starved is true if the buffer ran empty since the request before (bs), and
	// Startup if the object is needed at once to begin or to go on (su).
	Starved, Startup bool
}

// Has reports whether all of keys were given.
func (d *Data) Has(keys Key) bool { return d.given&keys == keys }

// Given reports whether anything that is read was given.
func (d *Data) Given() bool { return d.given != 0 || d.Starved || d.Startup }

const (
	// maxSession is the longest session id (CTA-5004, 4).
	maxSession = 64
	// maxToken is longer than any token that is read.
	maxToken = 4
	// maxKilobits is more than any stream has: 10 Gbit/s.
	maxKilobits = 10_000_000
	// maxMilliseconds is a day: what is longer was not measured.
	maxMilliseconds = 24 * 60 * 60 * 1000
	maxRate         = 16
	maxDropped      = 1 << 40
)

// set takes what a key says. What is of another type than the key's, or cannot
// be true, is passed over as unknown keys are.
func (d *Data) set(key string, v value) {
	switch key {
	case "sid":
		if v.kind == kindString && v.text != "" && len(v.text) <= maxSession {
			d.SessionID, d.given = v.text, d.given|SessionID
		}
	case "ot":
		d.token(&d.ObjectType, ObjectType, v)
	case "sta":
		d.token(&d.State, State, v)
	case "br":
		d.kilobits(&d.Bitrate, Bitrate, v)
	case "tb":
		d.kilobits(&d.TopBitrate, TopBitrate, v)
	case "mtp":
		d.kilobits(&d.Throughput, Throughput, v)
	case "bl":
		d.milliseconds(&d.BufferLength, BufferLength, v.number, v)
	case "ltc":
		d.milliseconds(&d.LiveLatency, LiveLatency, v.number, v)
	case "msd":
		d.milliseconds(&d.StartDelay, StartDelay, v.number, v)
	case "bsd":
		d.milliseconds(&d.StallTime, StallTime, v.sum, v)
	case "pr":
		if v.upTo(maxRate) {
			d.Rate, d.given = v.number, d.given|Rate
		}
	case "dfa", "df":
		if v.upTo(maxDropped) {
			d.Dropped, d.given = int64(math.Round(v.number)), d.given|Dropped
		}
	case "bs":
		d.Starved = v.kind == kindBoolean && v.flag
	case "su":
		d.Startup = v.kind == kindBoolean && v.flag
	}
}

func (d *Data) token(into *string, key Key, v value) {
	if v.kind == kindToken && len(v.text) <= maxToken {
		*into, d.given = v.text, d.given|key
	}
}

func (d *Data) kilobits(into *int64, key Key, v value) {
	if v.upTo(maxKilobits) {
		*into, d.given = int64(math.Round(v.number))*1000, d.given|key
	}
}

func (d *Data) milliseconds(into *time.Duration, key Key, n float64, v value) {
	if v.upTo(maxMilliseconds) && n <= maxMilliseconds {
		*into, d.given = time.Duration(math.Round(n))*time.Millisecond, d.given|key
	}
}
