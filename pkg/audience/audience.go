package audience

import (
	"hash/maphash"
	"maps"
	"math/bits"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/cmcd"
)

const (
	// Window is how long after its last request somebody counts as a viewer.
	Window = 10 * time.Second
	// windowTargets is the window of streams with long segments, in target
	// durations: their viewers ask for something once in each.
	windowTargets = 2.5
	// MaxViewers bounds those that are told apart, of all streams together; it is
	// about 25 MB.
	MaxViewers = 100_000
	// MaxPerAddress bounds the viewers of a stream behind one address, or one /64
	// of IPv6, which one host can make up at will.
	MaxPerAddress = 256
)

// Kind says what a request asks for.
type Kind uint8

// The kinds of requests.
const (
	// Index is a multivariant playlist or a manifest. To ask for it is not to
	// watch, but with it a player begins.
	Index Kind = iota
	// Playlist is the media playlist or the init segment of a rendition.
	Playlist
	// Media is a segment or part.
	Media
)

// Request is one request for something of a stream that there is.
type Request struct {
	Stream string
	// Rendition is empty where the request is about none.
	Rendition string
	Kind      Kind
	// Audio tells of which kind the rendition is.
	Audio bool
	// Target is the stream's target duration, 0 while there is none.
	Target time.Duration
	// Client is where the request came from; it is not kept.
	Client netip.Addr
	Header http.Header
	// Query is the URL's, as it came.
	Query string
}

// Audience counts the viewers of all streams. It is safe for concurrent use.
type Audience struct {
	salt maphash.Seed
	// viewers are those that are told apart now, of all streams.
	viewers    atomic.Int64
	unreadable atomic.Uint64
	// adding guards the replacement of crowds, never its reading.
	adding sync.Mutex
	crowds atomic.Pointer[map[string]*crowd]
}

// New makes an Audience of nobody.
func New() *Audience {
	a := &Audience{salt: maphash.MakeSeed()}
	a.crowds.Store(&map[string]*crowd{})
	return a
}

// Observe takes note of a request. Nothing of r is kept.
func (a *Audience) Observe(now time.Time, r Request) {
	data, err := cmcd.Of(r.Header, r.Query)
	if err != nil {
		a.unreadable.Add(1)
	}
	if r.Kind == Index && !data.Has(cmcd.SessionID) {
		return
	}
	a.crowd(r.Stream).observe(now.UnixMilli(), &r, &data, a.names(&r, &data))
}

// names are hashes that stand for who asks.
type names struct {
	// address is the client's, agent that and its user agent; viewer is what it
	// is told apart by: its session, else agent.
	address, agent, viewer uint64
	named                  bool
}

func (a *Audience) names(r *Request, data *cmcd.Data) names {
	whole := r.Client.As16()
	shared := whole[:]
	if r.Client.Is6() && !r.Client.Is4In6() {
		shared = whole[:8]
	}
	n := names{address: maphash.Bytes(a.salt, shared)}
	n.agent = maphash.Bytes(a.salt, whole[:])
	if agents := r.Header["User-Agent"]; len(agents) > 0 {
		n.agent ^= bits.RotateLeft64(maphash.String(a.salt, agents[0]), 1)
	}
	n.viewer, n.named = n.agent, data.Has(cmcd.SessionID)
	if n.named {
		n.viewer = maphash.String(a.salt, data.SessionID)
	}
	return n
}

// crowd is the one of a stream, which is made if there is none.
func (a *Audience) crowd(stream string) *crowd {
	if c, ok := (*a.crowds.Load())[stream]; ok {
		return c
	}
	a.adding.Lock()
	defer a.adding.Unlock()
	old := *a.crowds.Load()
	if c, ok := old[stream]; ok {
		return c
	}
	c := newCrowd(&a.viewers)
	changed := maps.Clone(old)
	changed[stream] = c
	a.crowds.Store(&changed)
	return c
}

// Forget drops the viewers whose window is over, and everything about streams
// that there are no more. It is to be called each second or so.
func (a *Audience) Forget(now time.Time, exists func(stream string) bool) {
	for name, c := range *a.crowds.Load() {
		if exists(name) {
			c.sweep(now.UnixMilli())
		} else {
			a.remove(name)
		}
	}
}

func (a *Audience) remove(stream string) {
	a.adding.Lock()
	defer a.adding.Unlock()
	changed := maps.Clone(*a.crowds.Load())
	if c, ok := changed[stream]; ok {
		c.clear()
	}
	delete(changed, stream)
	a.crowds.Store(&changed)
}

// Figures are those of a stream; they are up to a second old.
func (a *Audience) Figures(now time.Time, stream string) Figures {
	if c, ok := (*a.crowds.Load())[stream]; ok {
		return c.figures(now.UnixMilli())
	}
	return nobody()
}

// Totals are those of a stream since its first viewer.
func (a *Audience) Totals(stream string) Totals {
	if c, ok := (*a.crowds.Load())[stream]; ok {
		return c.tally.read()
	}
	return Totals{}
}

// Streams lists those that somebody has asked for, by name.
func (a *Audience) Streams() []string { return slices.Sorted(maps.Keys(*a.crowds.Load())) }

// Unreadable counts requests whose client data broke its syntax.
func (a *Audience) Unreadable() uint64 { return a.unreadable.Load() }
