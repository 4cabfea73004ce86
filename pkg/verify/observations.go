package verify

import (
	"net/http"
	"time"

	"github.com/Eyevinn/mp4ff/av1"
	"github.com/Eyevinn/mp4ff/mp4"
)

// kind is what a URL names.
type kind string

const (
	kindMultivariant kind = "multivariant playlist"
	kindPlaylist     kind = "media playlist"
	kindManifest     kind = "MPD"
	kindInit         kind = "init segment"
	kindSegment      kind = "segment"
	kindClock        kind = "clock"
)

// isMedia reports whether what k names never changes.
func (k kind) isMedia() bool { return k == kindInit || k == kindSegment }

// observations are all that was seen, in the order in which it was seen. Rules
// only read them.
type observations struct {
	multivariants []multivariant
	renditions    []*rendition
	manifests     []manifest
	// inits and segments are by absolute URL. What could not be fetched or read
	// has a fault.
	inits    map[string]*initSegment
	segments map[string]*segment
	// unread are playlists and MPDs that could not be read.
	unread []unread
	// failed are the requests that brought nothing.
	failed []exchange
	// fetched counts the requests that were answered with 200.
	fetched int
	probes  []probe
	// iframes are the I-frame playlists.
	iframes []iframes
	// low is what low-latency requests brought.
	low []*lowLatency
	// lowDASH is nil where the stream offers none.
	lowDASH *lowDASH
	// kept are renewed requests for segments that had left their playlist.
	kept  []exchange
	clock *clockReading
}

type unread struct {
	kind  kind
	url   string
	fault string
}

// multivariant is one reading of the multivariant playlist.
type multivariant struct {
	independent bool
	variants    []variant
	// audio are the renditions of all audio groups.
	audio []audioChoice
	// iframes are the I-frame playlists.
	iframes []string
}

// variant is EXT-X-STREAM-INF.
type variant struct {
	url           string
	bandwidth     int // bit/s
	codecs        string
	width, height int
	// audio are the playlists of its audio group.
	audio []string
}

// audioChoice is EXT-X-MEDIA of an audio rendition.
type audioChoice struct {
	// url is empty where the audio is in the variant itself.
	url, group, name, language, characteristics string
	channels                                    string
	isDefault, autoselect                       bool
}

// iframes is one reading of an I-frame playlist.
type iframes struct {
	name string
	playlist
}

// rendition is what was seen of one media playlist.
type rendition struct {
	// name is the playlist's URL, shortened for reports.
	name, url string
	playlists []playlist
}

// playlist is one reading of a media playlist.
type playlist struct {
	at            time.Time // when it was asked for
	target        int       // s
	sequence      uint64
	discontinuity uint64
	independent   bool
	// endlists counts EXT-X-ENDLIST; afterEnd is true if segments follow one.
	endlists int
	afterEnd bool
	entries  []entry
	low
}

// length is how much media p lists.
func (p playlist) length() (d time.Duration) {
	for _, e := range p.entries {
		d += e.duration
	}
	return d
}

// entry is one media segment of a playlist, with absolute URLs.
type entry struct {
	msn uint64
	// period is the segment's discontinuity sequence number.
	period    uint64
	url, init string
	duration  time.Duration
	date      time.Time // zero if there is none
	gap       bool
	// bytes is the length of EXT-X-BYTERANGE, 0 without one.
	bytes int
	parts []part
}

// manifest is one reading of the MPD.
type manifest struct {
	kind, availability string
	publish            time.Time
	clockScheme, clock string
	periods            []period
}

type period struct {
	id              string
	start           time.Duration // since availabilityStartTime
	representations []representation
	sets            []adaptationSet
}

// adaptationSet is what a player chooses by.
type adaptationSet struct {
	id, contentType, language, label string
	roles                            []string
	// inits are those of its Representations.
	inits []string
}

type representation struct {
	// live is true if the MPD was dynamic, so that times count from
	// availabilityStartTime.
	live                    bool
	id, contentType, codecs string
	width, height           int
	timescale, offset       uint64 // offset is presentationTimeOffset
	init                    string
	entries                 []timed
}

// timed is one segment of a SegmentTimeline.
type timed struct {
	time, duration uint64
	url            string
}

// initSegment is what an init segment says.
type initSegment struct {
	fault         string
	tracks        int
	trackID       uint32
	handler       string // vide or soun
	timescale     uint32
	codecs        string
	width, height int
	channels      int
	editList      bool
	trex          *mp4.TrexBox
	// sequence is AV1's sequence header, nil for other codecs.
	sequence *av1.SequenceHeader
}

func (i *initSegment) isVideo() bool { return i != nil && i.fault == "" && i.handler == "vide" }
func (i *initSegment) isAudio() bool { return i != nil && i.fault == "" && i.handler == "soun" }

// segment is what a media segment says.
type segment struct {
	fault  string
	size   int
	chunks []chunk
}

// chunk is moof and mdat.
type chunk struct {
	sequence, trackID uint32
	baseIsMoof        bool
	trunVersion       byte
	start, duration   uint64 // in the track's timescale
	// offset, sync and idr are of the first sample, and lead is where it ends,
	// in bytes from the segment's first.
	offset    int32
	sync, idr bool
	lead      int
}

func (s *segment) start() uint64 { return s.chunks[0].start }

func (s *segment) end() uint64 {
	last := s.chunks[len(s.chunks)-1]
	return last.start + last.duration
}

// readable reports whether times can be taken from s.
func (s *segment) readable() bool { return s != nil && s.fault == "" && len(s.chunks) > 0 }

// exchange is one answer to a request.
type exchange struct {
	kind   kind
	url    string
	status int
	fault  string
	header http.Header
	size   int
}

func (e exchange) ok() bool { return e.fault == "" && e.status == http.StatusOK }

// probe is a URL asked for in every way that caches and players do.
type probe struct {
	kind                         kind
	url                          string
	isAudio                      bool
	get, head, unchanged, ranged exchange
}

// clockReading compares the UTCTiming clock with the local one.
type clockReading struct {
	url, fault string
	// ahead is how far the server's clock is ahead of the local one at the
	// middle of the request, which lasted trip.
	ahead, trip time.Duration
}
