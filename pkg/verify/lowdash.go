package verify

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// lowDASH is what a low-latency DASH player is told and given.
type lowDASH struct {
	manifest *lowManifest
	grown    []grown
}

// grown is the newest segment of a Representation, asked for when the MPD listed
// it.
type grown struct {
	of    offer
	entry timed
	// first is what came first, and again a second request when it was complete.
	first, again exchange
	// open is true if it was not complete when it was asked for: its length was
	// not known. same is true if both requests brought the same bytes.
	open, same bool
	// published is the time in prft, zero without one, and stamped the media time
	// that it stands for.
	published time.Time
	stamped   uint64
}

// Where Weir has the MPD for all players and that for low-latency ones.
const plainName, lowName = "manifest.mpd", "manifest-ll.mpd"

// probeLowDASH reads the low-latency MPD, if the stream has one, and asks for the
// newest segment of every Representation.
func (w *watcher) probeLowDASH(ctx context.Context) {
	folder, ok := strings.CutSuffix(w.manifest, plainName)
	if !ok {
		return
	}
	address := folder + lowName
	seen, body := w.fetch.get(ctx, kindManifest, address)
	if !seen.ok() {
		return // nobody has to offer one
	}
	m, err := parseLowManifest(address, body)
	if err != nil {
		w.unreadable(kindManifest, address, err)
		return
	}
	if m == nil || m.kind != "dynamic" {
		return
	}
	all := &lowDASH{manifest: m, grown: make([]grown, len(m.offered))}
	var group sync.WaitGroup
	for i, o := range m.offered {
		group.Go(func() { all.grown[i] = w.grow(ctx, o) })
	}
	group.Wait()
	w.seen.lowDASH = all
}

// grow asks for the newest segment that o lists, twice.
func (w *watcher) grow(ctx context.Context, o offer) grown {
	g := grown{of: o, entry: o.entries[len(o.entries)-1]}
	var body, again []byte
	g.first, body = w.fetch.get(ctx, kindSegment, g.entry.url)
	g.open = g.first.ok() && g.first.header.Get("Content-Length") == ""
	g.again, again = w.fetch.get(ctx, kindSegment, g.entry.url)
	g.same = bytes.Equal(body, again)
	g.published, g.stamped = producerTime(body)
	return g
}

// producerTime reads prft (ISO/IEC 14496-12, 8.16.5) at the beginning of a
// segment.
func producerTime(segment []byte) (published time.Time, at uint64) {
	var err error
	defer guarded(&err) // of a library, on broken bytes: then there is none
	file, err := decode(segment)
	if err != nil {
		return published, 0
	}
	for _, box := range file.Children {
		if prft, ok := box.(*mp4.PrftBox); ok {
			return prft.NTPTimestamp.Time(), prft.MediaTime
		}
	}
	return published, 0
}
