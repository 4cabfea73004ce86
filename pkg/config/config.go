package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config holds every setting of the gateway. The tag "key" names a setting or
// a section of settings, "help" is its line in the command's help, "enum" lists
// the words that it may be, and "change" says what it takes to change a section
// or setting: "restart", or nothing where a reload does it.
type Config struct {
	RTMP  Listener `key:"rtmp" change:"restart" help:"Where encoders connect: host:port, or :port for every interface."`
	RTMPS Listener `key:"rtmps" change:"restart" help:"Where encoders connect with TLS (needs a certificate, see tls.mode). Empty: off."`
	SRT   SRT      `key:"srt"`
	HTTP  Listener `key:"http" change:"restart" help:"Where viewers connect: host:port, or :port for every interface."`
	HTTPS Listener `key:"https" change:"restart" help:"Where viewers connect with TLS (needs a certificate, see tls.mode). Empty: off."`
	Admin Listener `key:"admin" change:"restart" help:"Where operators connect, such as 127.0.0.1:8081: API, metrics and profiles are there and not on http.address. Empty: API and metrics are on http.address."`
	TLS   TLS      `key:"tls" change:"restart"`
	// PublicURL has no slash at its end.
	PublicURL      string         `key:"public_url" help:"The address at which viewers reach Weir, such as https://live.example.com. Empty: the local one."`
	TrustedProxies []netip.Prefix `key:"trusted_proxies" help:"Reverse proxies whose X-Forwarded-For header is believed in the log: addresses or networks."`
	DataDir        string         `key:"data_dir" change:"restart" help:"The folder that keeps the stream key and what must survive a restart."`
	Auth           Auth           `key:"auth"`
	Streams        []Stream       `key:"streams" help:"Streams with keys of their own: name:key,name:key. Empty: one stream, main."`
	Channels       []Channel      `key:"channels" help:"Streams that Weir feeds itself, from files in turn, day and night: name:file;file,name:file."`
	Ingest         Ingest         `key:"ingest"`
	Transcode      Transcode      `key:"transcode"`
	Slate          Slate          `key:"slate"`
	Backup         Backup         `key:"backup"`
	Recording      Recording      `key:"recording"`
	Drain          Drain          `key:"drain"`
	Webhooks       Webhooks       `key:"webhooks"`
	Log            Log            `key:"log"`
}

// Listener is one listening socket.
type Listener struct {
	// Address is host:port; port 0 picks a free one, "" switches it off.
	Address string `key:"address"`
}

// SRT is where encoders connect over UDP.
type SRT struct {
	// Address is host:port as in Listener, of UDP.
	Address    string        `key:"address" change:"restart" help:"Where encoders connect with SRT, over UDP: host:port, or :port for every interface. Empty: off."`
	Latency    time.Duration `key:"latency" help:"How long packets are held so that lost ones can come again: 4 times the round trip is good. An encoder may ask for more."`
	Passphrase Secret        `key:"passphrase" help:"What encoders encrypt SRT with, 10 to 79 characters, for keys that have no passphrase of their own. Empty: without encryption."`
}

// Stream gives a public name a secret key.
type Stream struct {
	// Name is in every URL: 1 to 64 of a-z, 0-9, "_" and "-", a letter or
	// digit first.
	Name string
	Key  Secret
	// BackupKey is that of a backup publisher; "" for none.
	BackupKey Secret
	// Passphrase is of SRT, "" for that of srt.passphrase.
	Passphrase Secret
}

// Ingest bounds what publishers may do.
type Ingest struct {
	PublishTimeout time.Duration `key:"publish_timeout" help:"An encoder must have started to publish this long after it connected."`
	IdleTimeout    time.Duration `key:"idle_timeout" help:"A publisher that is silent for this long is disconnected."`
	ResumeWindow   time.Duration `key:"resume_window" help:"A lost publisher may come back for this long before its stream ends."`
	MaxConnections int           `key:"max_connections" help:"Most connections of publishers at once."`
	// MaxConnectionsPerAddress counts connections from one IP address.
	MaxConnectionsPerAddress int     `key:"max_connections_per_address" help:"Most connections of publishers from one IP address at once."`
	MaxBitrate               Bitrate `key:"max_bitrate" help:"A publisher that sends more than this is disconnected."`
	AudioTracks              int     `key:"audio_tracks" help:"Most audio tracks of a publisher that viewers can choose from; more are ignored."`
}

// SandboxOff is Transcode.Sandbox where the worker keeps its system calls.
const SandboxOff = "off"

// Transcode says what is encoded besides the source.
type Transcode struct {
	Ladder Ladder `key:"ladder" help:"auto: made from the source. source: the source alone, nothing is encoded. Or a list: 720p:2500k,480p:1200k."`
	Rungs  Rungs  `key:"rungs" help:"always: every rung is encoded while the stream is live. on_demand: those that somebody watches. A number: so many, best first, are always encoded."`
	// IdleAfter matters where rungs are encoded on demand.
	IdleAfter    time.Duration `key:"idle_after" help:"How long after its last viewer a rung on demand is still encoded."`
	Preset       string        `key:"preset" enum:"ultrafast,superfast,veryfast,faster,fast,medium,slow,slower,veryslow" help:"x264's preset: slower ones look better and cost more CPU."`
	Latency      string        `key:"latency" enum:"low,balanced,quality" help:"What the encoders may take: low up to 0.2 s, balanced 0.35 s, quality 0.7 s and a third more CPU."`
	Encoder      string        `key:"encoder" enum:"software,auto,nvenc,qsv,vaapi" help:"What encodes video: x264, or the hardware of that name where there is one; auto takes the first that works."`
	Sandbox      string        `key:"sandbox" enum:"auto,off" help:"auto: the worker gives up all system calls that encoding does not need, where the kernel can. off: it keeps them."`
	AudioBitrate Bitrate       `key:"audio_bitrate" help:"Bit rate of audio that has to be encoded; AAC stereo is passed through."`
}

// Slate says what viewers get while a stream's publisher is lost or has stalled.
type Slate struct {
	Mode string `key:"mode" enum:"slate,gap,off" help:"What viewers get while no media comes from the publisher. slate: a picture or a clip. gap: nothing, and players are told so. off: nothing, and players wait."`
	// File is of a PNG, a JPEG or a clip; empty for the built-in picture.
	File string `key:"file" help:"The slate: a picture (PNG or JPEG, up to 4 MiB) or a clip that is looped with its sound (MP4 or FLV, up to 60 s and 32 MiB). Empty: a built-in picture."`
	// Repeat is how long the last picture is shown before it; 0 not at all.
	Repeat time.Duration `key:"repeat" help:"How long the publisher's last picture is shown before the slate. 0: not at all."`
}

// Drain says how the gateway stops.
type Drain struct {
	Wait time.Duration `key:"wait" help:"How long publishers may go on after SIGTERM or weir drain before they are told to leave; new ones are refused at once."`
}

// Webhooks says to whom events are posted.
type Webhooks struct {
	Endpoints    []Webhook      `key:"endpoints" help:"Where events are posted, each with the secret that signs them: URL SECRET,URL SECRET. More can be made by the API."`
	AllowPrivate []netip.Prefix `key:"allow_private" help:"Private networks or addresses that webhooks may be in, such as 10.0.0.0/8; public ones always may."`
}

// Webhook is one place where events are posted.
type Webhook struct {
	URL string
	// Secret is whsec_ and the base64 of 24 to 64 random bytes.
	Secret Secret
	// Events are the kinds that are posted; empty for all.
	Events []string
}

// Log says what is written to the log, which goes to standard error.
type Log struct {
	LevelName string `key:"level" enum:"debug,info,warn,error" help:"The least important messages that are logged."`
	Format    string `key:"format" change:"restart" enum:"text,json" help:"text for people, json for machines."`
}

// Level is the least level that is logged; info if the name is not known.
func (l Log) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LevelName)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// Default is the configuration of a gateway that was told nothing.
func Default() Config {
	return Config{
		RTMP:    Listener{Address: ":1935"},
		SRT:     SRT{Address: ":9000", Latency: 200 * time.Millisecond},
		HTTP:    Listener{Address: ":8080"},
		TLS:     TLS{Mode: TLSFiles},
		DataDir: "./data",
		Auth:    Auth{Mode: AuthKeys, Webhook: AuthWebhook{Timeout: 5 * time.Second, OnFailure: WebhookDeny}},
		Ingest: Ingest{
			PublishTimeout:           10 * time.Second,
			IdleTimeout:              10 * time.Second,
			ResumeWindow:             60 * time.Second,
			MaxConnections:           1000,
			MaxConnectionsPerAddress: 50,
			MaxBitrate:               50 * Mbps,
			AudioTracks:              8,
		},
		Transcode: Transcode{
			Ladder:       Ladder{Mode: LadderAuto},
			Rungs:        RungsAlways,
			IdleAfter:    30 * time.Second,
			Preset:       "veryfast",
			Latency:      "balanced",
			Encoder:      "software",
			Sandbox:      "auto",
			AudioBitrate: 128 * Kbps,
		},
		Slate:     Slate{Mode: "slate", Repeat: 2 * time.Second},
		Recording: Recording{Mode: RecordingKeys, MinFree: 2 * Gigabyte, MaxLength: 12 * time.Hour},
		Log:       Log{LevelName: "info", Format: "text"},
	}
}
