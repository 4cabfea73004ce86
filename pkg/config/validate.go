package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate reports everything that is wrong, as Errors without Source. It
// reads the TLS files, and nothing else outside c.
func (c Config) Validate() error {
	v := validator{cfg: c}
	v.words()
	v.listeners()
	v.certificate()
	v.publicURL()
	if c.DataDir == "" {
		v.add("data_dir", "", "is empty", "Write a folder that Weir may write to, such as ./data.")
	}
	v.lasts("srt.latency", c.SRT.Latency, 20*time.Millisecond, 8*time.Second)
	v.passphrase("srt.passphrase", c.SRT.Passphrase)
	v.streams()
	v.auth()
	v.channels()
	v.backup()
	v.recording()
	v.ingest()
	v.ladder()
	v.rungs()
	v.webhooks()
	v.lasts("slate.repeat", c.Slate.Repeat, 0, time.Minute)
	v.lasts("drain.wait", v.cfg.Drain.Wait, 0, 24*time.Hour)
	v.between("transcode.audio_bitrate", c.Transcode.AudioBitrate, 32*Kbps, 512*Kbps)
	return v.problems.err()
}

type validator struct {
	cfg      Config
	problems Errors
}

func (v *validator) add(key, value, what, remedy string) {
	v.problems = append(v.problems, Problem{Key: key, Value: value, What: what, Remedy: remedy})
}

// words checks the settings that have a list of words.
func (v *validator) words() {
	for _, k := range keys() {
		word := fmt.Sprint(k.value(v.cfg))
		switch {
		case k.enum == nil:
		case !slices.Contains(k.enum, word):
			v.add(k.path, word, "is unknown", "Write one of: "+strings.Join(k.enum, ", ")+".")
		}
	}
}

// listeners checks the addresses, each for itself and against the others.
func (v *validator) listeners() {
	taken := make(map[string]string)
	for _, l := range []struct{ key, address string }{
		{"rtmp.address", v.cfg.RTMP.Address},
		{"rtmps.address", v.cfg.RTMPS.Address},
		{"srt.address", v.cfg.SRT.Address},
		{"http.address", v.cfg.HTTP.Address},
		{"https.address", v.cfg.HTTPS.Address},
		{"admin.address", v.cfg.Admin.Address},
	} {
		if l.address == "" {
			continue
		}
		host, port, err := net.SplitHostPort(l.address)
		number, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || strings.ContainsAny(host, " /") {
			v.add(l.key, l.address, "is not an address", "Write host:port, such as :1935 for every interface or 127.0.0.1:1935.")
			continue
		}
		if l.key == "srt.address" {
			continue // UDP has ports of its own.
		}
		if other, clash := taken[l.address]; clash && number != 0 {
			v.add(l.key, l.address, "is already the address of "+other, "Choose another port.")
		}
		taken[l.address] = l.key
	}
	if v.cfg.RTMP.Address == "" && v.cfg.RTMPS.Address == "" && v.cfg.SRT.Address == "" {
		v.add("rtmp.address", "", "is off, and rtmps.address and srt.address too: nobody could publish", "Write :1935 to one of them.")
	}
	if v.cfg.HTTP.Address == "" && v.cfg.HTTPS.Address == "" {
		v.add("http.address", "", "is off, and https.address too: nobody could watch", "Write :8080 to one of them.")
	}
}

func (v *validator) publicURL() {
	if v.cfg.PublicURL == "" {
		return
	}
	u, err := url.Parse(v.cfg.PublicURL)
	wrong := ""
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		wrong = "is not an http or https address"
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		wrong = "has more than a host, and Weir cannot live below a path"
	}
	if wrong != "" {
		v.add("public_url", v.cfg.PublicURL, wrong, "Write what viewers type, such as https://live.example.com.")
	}
}

// Stream keys travel in URLs and are guessed at by strangers.
const (
	leastKey = 16
	mostKey  = 128
)

// streamName checks the name of the entry at a place.
func (v *validator) streamName(at, name string) {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`).MatchString(name) {
		v.add(at+".name", name, "is not a stream name", "Write 1 to 64 of a-z, 0-9, _ and -, a letter or digit first: it is part of every URL.")
	}
}

func (v *validator) streams() {
	names, secrets := make(map[string]int), make(map[Secret]int)
	if v.cfg.Auth.Mode == AuthOpen && len(v.cfg.Streams) > 0 {
		v.add("streams", "", "has keys, but auth.mode is open and would ignore them", "Set auth.mode to keys, or remove the streams.")
	}
	for i, s := range v.cfg.Streams {
		at := fmt.Sprintf("streams[%d]", i)
		v.streamName(at, s.Name)
		if first, twice := names[s.Name]; twice {
			v.add(at+".name", s.Name, fmt.Sprintf("is the name of streams[%d] too", first), "Give every stream a name of its own.")
		}
		names[s.Name] = i
		v.passphrase(at+".passphrase", s.Passphrase)
		v.streamKey(at+".key", s.Key, i, secrets)
		if s.BackupKey != "" {
			v.streamKey(at+".backup_key", s.BackupKey, i, secrets)
		}
	}
}

// streamKey checks a key of the stream with that number; owners are those of the keys
// that were checked before.
func (v *validator) streamKey(at string, key Secret, number int, owners map[Secret]int) {
	secret := key.Reveal()
	if len(secret) < leastKey || len(secret) > mostKey || !regexp.MustCompile(`^[A-Za-z0-9_.~-]+$`).MatchString(secret) {
		v.add(at, "", fmt.Sprintf("(%d characters, not shown) is not a good stream key", len(secret)),
			fmt.Sprintf("Write %d to %d letters, digits, _, -, . or ~, such as the output of: openssl rand -hex 16.", leastKey, mostKey))
		return
	}
	if first, twice := owners[key]; twice {
		v.add(at, "", fmt.Sprintf("(not shown) is a key of streams[%d] too", first), "Give every stream a key of its own, and its backup another.")
	}
	owners[key] = number
}

// passphrase checks one of SRT: libsrt takes no other lengths.
func (v *validator) passphrase(key string, p Secret) {
	const least, most = 10, 79
	if n := len(p.Reveal()); n > 0 && (n < least || n > most) {
		v.add(key, "", fmt.Sprintf("(%d characters, not shown) is no passphrase of SRT", n), fmt.Sprintf("Write %d to %d characters.", least, most))
	}
}

func (v *validator) ingest() {
	in := v.cfg.Ingest
	v.lasts("ingest.publish_timeout", in.PublishTimeout, time.Second, time.Minute)
	v.lasts("ingest.idle_timeout", in.IdleTimeout, time.Second, 5*time.Minute)
	v.lasts("ingest.resume_window", in.ResumeWindow, 0, time.Hour)
	const most = 100_000
	if in.MaxConnections < 1 || in.MaxConnections > most {
		v.add("ingest.max_connections", strconv.Itoa(in.MaxConnections), "is out of range", fmt.Sprintf("Write a number from 1 to %d.", most))
	}
	if in.MaxConnectionsPerAddress < 1 || in.MaxConnectionsPerAddress > most {
		v.add("ingest.max_connections_per_address", strconv.Itoa(in.MaxConnectionsPerAddress), "is out of range", fmt.Sprintf("Write a number from 1 to %d.", most))
	}
	v.between("ingest.max_bitrate", in.MaxBitrate, 100*Kbps, mostBitrate)
	const mostTracks = 16
	if in.AudioTracks < 1 || in.AudioTracks > mostTracks {
		v.add("ingest.audio_tracks", strconv.Itoa(in.AudioTracks), "is out of range", fmt.Sprintf("Write a number from 1 to %d.", mostTracks))
	}
}

// Bounds of a rung. The least bit rate still shows something at 144 lines.
const (
	leastHeight, mostHeight = 96, 4320
	mostFPS                 = 120
	mostRungs               = 8
	leastRungBitrate        = 64 * Kbps
	mostRungBitrate         = 100 * Mbps
)

func (v *validator) ladder() {
	const path = "transcode.ladder"
	ladder := v.cfg.Transcode.Ladder
	switch ladder.Mode {
	case LadderAuto, LadderSource:
		return
	case LadderList:
	default:
		v.add(path, string(ladder.Mode), "is not a ladder", "Write auto, source, or rungs such as 720p:2500k,480p:1200k.")
		return
	}
	if n := len(ladder.Rungs); n == 0 || n > mostRungs {
		v.add(path, "", fmt.Sprintf("has %d rungs", n), fmt.Sprintf("Write 1 to %d of them, or source for none.", mostRungs))
		return // Each of too many would be held against each other.
	}
	byHeight := make(map[int]int)
	for i, r := range ladder.Rungs {
		at := fmt.Sprintf("%s[%d]", path, i)
		if r.Height < leastHeight || r.Height > mostHeight {
			v.add(at+".height", strconv.Itoa(r.Height), "is out of range", fmt.Sprintf("Write lines from %d to %d, such as 720.", leastHeight, mostHeight))
		}
		if r.FPS < 0 || r.FPS > mostFPS {
			v.add(at+".fps", strconv.Itoa(r.FPS), "is out of range", fmt.Sprintf("Write frames per second from 1 to %d, or leave it out.", mostFPS))
		}
		if r.Bitrate != 0 {
			v.between(at+".bitrate", r.Bitrate, leastRungBitrate, mostRungBitrate)
		}
		if first, twice := byHeight[r.Height]; twice {
			v.add(at+".height", strconv.Itoa(r.Height), fmt.Sprintf("is the height of [%d] too", first), "Write every height once.")
		}
		byHeight[r.Height] = i
		for j, other := range ladder.Rungs[:i] {
			if r.Bitrate != 0 && other.Bitrate != 0 && r.Height != other.Height && (r.Height > other.Height) != (r.Bitrate > other.Bitrate) {
				v.add(at+".bitrate", r.Bitrate.String(), fmt.Sprintf("is out of order with %s of [%d]", other.Bitrate, j), "Give the larger picture the higher bit rate.")
			}
		}
	}
}

// between checks a bit rate.
func (v *validator) between(key string, rate, least, most Bitrate) {
	if rate < least || rate > most {
		v.add(key, rate.String(), "is out of range", fmt.Sprintf("Write a bit rate from %s to %s.", least, most))
	}
}

// lasts checks a duration.
func (v *validator) lasts(key string, d, least, most time.Duration) {
	if d < least || d > most {
		v.add(key, duration(d), "is out of range", fmt.Sprintf("Write a duration from %s to %s.", duration(least), duration(most)))
	}
}
