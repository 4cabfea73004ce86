package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Grant is what a publisher was let in with.
type Grant struct {
	// Stream is the name of what it publishes.
	Stream string
	// Key is the id of its stream key; empty for a key of the configuration.
	Key   string
	Rules Rules
	// Passphrase is what SRT has to be encrypted with; empty for none that is the key's
	// own. It must never be logged or shown.
	Passphrase string
	// Yields is true for what goes on only while nobody else does: any publisher
	// takes over, and it takes over from none.
	Yields bool
}

// Rules are what holds for whoever publishes with a stream key, in the form that
// is stored, and that programs write. The zero value allows everything that the
// gateway does.
type Rules struct {
	// Protocols are those of Protocols() that may be used; empty for all.
	Protocols []string `json:"protocols,omitempty"`
	// Addresses are IP addresses and networks from which it may be used; empty
	// for all.
	Addresses []string `json:"addresses,omitempty"`
	// MaxBitrate is that of audio and video together, in bits per second.
	MaxBitrate int `json:"max_bitrate,omitempty"`
	// MaxResolution is such as "1920x1080", the longer side first; pictures in
	// portrait are held to it, too.
	MaxResolution string `json:"max_resolution,omitempty"`
	// MaxFrameRate is in frames per second.
	MaxFrameRate float64 `json:"max_frame_rate,omitempty"`
	// MaxDuration is of a broadcast, in seconds, over reconnects.
	MaxDuration int `json:"max_duration_s,omitempty"`
	// Takeover is TakeoverAllow or TakeoverForbid; empty is TakeoverAllow.
	Takeover string `json:"takeover,omitempty"`
	// Ladder replaces transcode.ladder of the configuration, in the same words;
	// empty does not.
	Ladder string `json:"ladder,omitempty"`
	// Backup: it stands by beside the publisher of another key, and is on air while
	// that one is not.
	Backup bool `json:"backup,omitempty"`
	// Record: what is on air is recorded from its session on, until the stream ends.
	Record bool `json:"record,omitempty"`
}

// What becomes of a publisher that comes while the stream is published already.
const (
	// TakeoverAllow: it takes over at once.
	TakeoverAllow = "allow"
	// TakeoverForbid: it is refused while the other one sends something.
	TakeoverForbid = "forbid"
)

// Protocols are the words for how a publisher may come.
func Protocols() []string { return []string{"rtmp", "rtmps", "srt"} }

// Bounds of rules: beyond them, something else was meant.
const (
	minRuleBitrate, maxRuleBitrate = 16_000, 1_000_000_000
	maxRuleSide                    = 16_384
	maxRuleFrameRate               = 1000
	maxRuleDuration                = 366 * 24 * 60 * 60
	maxRuleEntries                 = 100
	maxRuleLadder                  = 256
)

// Validate reports every mistake, in words for who wrote the rules. The ladder's
// words are not checked: they are the configuration's. What is too long is not
// looked into: foreign programs write rules, and each mistake is a line.
func (r Rules) Validate() error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if len(r.Addresses) > maxRuleEntries || len(r.Protocols) > maxRuleEntries {
		wrong("there are more than %d addresses or protocols", maxRuleEntries)
	}
	if len(r.Ladder) > maxRuleLadder {
		wrong("the ladder has %d bytes: write rungs such as 720p:2500k,480p, in up to %d", len(r.Ladder), maxRuleLadder)
	}
	for _, p := range r.Protocols[:min(len(r.Protocols), maxRuleEntries)] {
		if !slices.Contains(Protocols(), p) {
			wrong("protocol %q is not known: write %s", p, strings.Join(Protocols(), ", "))
		}
	}
	for _, a := range r.Addresses[:min(len(r.Addresses), maxRuleEntries)] {
		if _, err := network(a); err != nil {
			wrong("%q is neither an IP address nor a network: write one such as 192.0.2.7 or 10.0.0.0/8", a)
		}
	}
	if r.MaxBitrate != 0 && (r.MaxBitrate < minRuleBitrate || r.MaxBitrate > maxRuleBitrate) {
		wrong("a bit rate of %d is out of range: write bits per second, from %d to %d", r.MaxBitrate, minRuleBitrate, maxRuleBitrate)
	}
	if _, _, err := r.Resolution(); err != nil {
		wrong("%w", err)
	}
	if r.MaxFrameRate != 0 && (r.MaxFrameRate < 1 || r.MaxFrameRate > maxRuleFrameRate || math.IsNaN(r.MaxFrameRate)) {
		wrong("a frame rate of %v is out of range: write frames per second, from 1 to %d", r.MaxFrameRate, maxRuleFrameRate)
	}
	if r.MaxDuration < 0 || r.MaxDuration > maxRuleDuration {
		wrong("a duration of %d s is out of range: write seconds, up to %d (a year)", r.MaxDuration, maxRuleDuration)
	}
	if r.Takeover != "" && r.Takeover != TakeoverAllow && r.Takeover != TakeoverForbid {
		wrong("takeover %q is not known: write %s or %s", r.Takeover, TakeoverAllow, TakeoverForbid)
	}
	return errors.Join(mistakes...)
}

// Resolution is MaxResolution's longer and shorter side in pixels; zeros where
// there is no limit.
func (r Rules) Resolution() (long, short int, err error) {
	if r.MaxResolution == "" {
		return 0, 0, nil
	}
	width, height, _ := strings.Cut(r.MaxResolution, "x")
	w, wrongWidth := strconv.Atoi(width)
	h, wrongHeight := strconv.Atoi(height)
	if wrongWidth != nil || wrongHeight != nil || min(w, h) < 1 || max(w, h) > maxRuleSide {
		return 0, 0, fmt.Errorf("%q is no resolution: write one such as 1920x1080", r.MaxResolution)
	}
	return max(w, h), min(w, h), nil
}

// Duration is MaxDuration, 0 for no limit.
func (r Rules) Duration() time.Duration { return time.Duration(r.MaxDuration) * time.Second }

// Refuse holds a request against what can be known of it, and says what is wrong;
// nil if nothing is.
func (r Rules) Refuse(req Request) *Rejection {
	if len(r.Protocols) > 0 && !slices.Contains(r.Protocols, req.Protocol) {
		return &Rejection{Reason: ProtocolNotAllowed, Message: fmt.Sprintf(
			"This stream key may be used by %s, not by %s. Change the server URL in your encoder to one that begins with %s://.",
			strings.Join(r.Protocols, " or "), req.Protocol, r.Protocols[0])}
	}
	if len(r.Addresses) > 0 && !r.covers(req.Remote.Addr()) {
		return &Rejection{
			Reason:  AddressNotAllowed,
			Message: "This stream key may not be used from your address. Publish from where it may, or ask whoever runs the server to allow it.",
		}
	}
	return nil
}

func (r Rules) covers(a netip.Addr) bool {
	return slices.ContainsFunc(r.Addresses, func(text string) bool {
		n, err := network(text)
		return err == nil && n.Contains(a.Unmap())
	})
}

// network is an address or a network as text.
func network(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().WithZone("").Prefix(a.Unmap().BitLen())
	}
	n, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("read the network: %w", err)
	}
	return n.Masked(), nil
}

// Admit is Lookup for a request: keys of a configuration have no rules but that some
// are of backups.
func (k *Keys) Admit(_ context.Context, req Request) (Grant, error) { return k.Lookup(req.Key) }
