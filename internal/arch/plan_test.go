package arch

// room is one row of the plan: a package of Weir, or a family of them
// ("pkg/ingest/..." is every package below pkg/ingest), and what it may import
// of Weir. Paths are relative to the module. The longest row that fits a package
// rules it.
type room struct {
	path    string
	imports []string
	stdOnly bool   // no package from outside either
	cgo     bool   // may import C and libav
	why     string // said when the row is broken
}

// everything lets a room import the whole house.
const everything = "..."

// house is the import table of the architecture: media ← (ingest, transcode,
// package, store) ← live ← gateway; httpserve → store, package/hls,
// package/dash. A new package needs a row here before it builds.
func house() []room {
	const media = "pkg/media"
	return []room{
		{path: media, stdOnly: true, why: "media is the bottom: values that import the standard library only"},
		{path: "pkg/config", why: "config is read by gateway, and knows no part that it configures"},

		{path: "pkg/ingest", imports: []string{media, "pkg/ingest/bitstream"}, why: "stages hand values on and know only media"},
		{path: "pkg/ingest/bitstream", stdOnly: true, why: "bits are what ingest and its codecs read, and know nothing of either"},
		{path: "pkg/ingest/...", imports: []string{media, "pkg/ingest", "pkg/ingest/..."}, why: "a protocol knows media and ingest, not what is done with its access units"},

		{path: "pkg/transcode", imports: []string{media}, why: "stages hand values on and know only media"},
		{path: "pkg/transcode/libav", imports: []string{media, "pkg/transcode", "pkg/transcode/internal/confine"}, cgo: true, why: "the worker's half knows media and the wire protocol of its parent"},
		{path: "pkg/transcode/internal/confine", why: "what a process may do has nothing to do with what it does"},

		{path: "pkg/package", imports: []string{media, "pkg/package/cmaf"}, why: "stages hand values on and know only media"},
		{path: "pkg/package/...", imports: []string{media}, why: "boxes, playlists and manifests are pure functions of media's values"},

		{path: "pkg/doctor", imports: []string{media}, stdOnly: true, why: "the doctor judges what it is told, whoever observed it"},
		{path: "pkg/slate", imports: []string{media, "pkg/ingest", "pkg/transcode"}, why: "a slate is a source: it hands on access units, and a worker makes them"},

		{
			path: "pkg/slate/clipfile", imports: []string{media, "pkg/slate", "pkg/channel", "pkg/publish", "pkg/ingest", "pkg/ingest/rtmp"},
			why: "a slate's file is read as a channel reads one, and taken as an encoder's media is",
		},

		{path: "pkg/store", imports: []string{media}, why: "store keeps media's values, whoever made them"},
		{
			path: "pkg/httpserve", imports: []string{media, "pkg/store", "pkg/package/hls", "pkg/package/dash", "pkg/audience", "pkg/httpserve/web", "pkg/plainhttp"},
			why: "httpserve reads the store, shows the audience who asks, and knows nothing else",
		},
		{
			path: "pkg/record", imports: []string{media, "pkg/store", "pkg/package/cmaf", "pkg/package/hls"},
			why: "a recording is a viewer of the store, and knows neither publishers nor HTTP",
		},
		{path: "pkg/plainhttp", why: "requests and responses, whatever they are about"},
		{path: "pkg/cmcd", stdOnly: true, why: "what players say is text, and the reader of it knows no stream"},
		{path: "pkg/audience", imports: []string{"pkg/cmcd"}, stdOnly: true, why: "viewers are counted by what they ask for, whatever that is made of"},
		{path: "pkg/httpserve/web", why: "web is the pages as they were built"},
		{path: "pkg/database", why: "the database is a file with a schema, and knows nothing of who keeps what there"},
		{path: "pkg/streamkey", imports: []string{"pkg/ingest"}, why: "keys are rows of a database that somebody opened, and speak ingest's words"},
		{path: "pkg/admission", imports: []string{"pkg/ingest", "pkg/streamkey", "pkg/webhook/sign"}, why: "who may publish is decided before there is a stream"},
		{path: "pkg/systemd", why: "the service manager is told words, whoever says them"},
		{path: "pkg/token", why: "tokens are a file, and know nothing of who asks for them"},
		{path: "pkg/webhook", imports: []string{"pkg/webhook/sign"}, why: "webhooks are posted, whatever happened"},
		{path: "pkg/webhook/sign", stdOnly: true, why: "a signature is arithmetic, whatever is signed"},
		{path: "pkg/certificate", why: "certificates are files, CAs and time, whoever listens with them"},
		{path: "pkg/api", imports: []string{media}, why: "the API is given narrow functions by gateway"},

		{
			path: "pkg/live", imports: []string{media, "pkg/ingest", "pkg/slate", "pkg/transcode", "pkg/package", "pkg/store", "pkg/doctor"},
			why: "live joins the stages, and knows no protocol, no libav and no HTTP",
		},
		{path: "pkg/gateway", imports: []string{everything}, why: "gateway puts the house together"},
		{path: "cmd/weir", imports: []string{everything}, why: "the commands reach what they name"},
		{path: "tools/process", why: "what a process costs, whatever it is"},
		{path: "tools/program", stdOnly: true, why: "programs that measure begin alike, whatever they measure"},
		{path: "tools/scrape", why: "metrics are read alike, whatever is measured"},
		{path: "tools/ingest", imports: []string{"pkg/publish", "tools/ingest/srtcall", "tools/process", "tools/program", "tools/scrape"}, why: "the load generator is many publishers"},
		{path: "tools/ingest/srtcall", stdOnly: true, why: "a caller for load shares nothing with the listener that it measures"},
		{path: "tools/soak", imports: []string{"pkg/publish", "tools/process", "tools/program", "tools/scrape"}, why: "a soak is publishers that come and go, and a gateway's process"},
		{path: "tools/viewers", imports: []string{"pkg/publish", "tools/process", "tools/program"}, why: "the load generator is many viewers, and one publisher"},

		{
			path: "pkg/publish", imports: []string{media, "pkg/ingest"},
			why: "publish is a client, and shares values and the parsers of ingest with the gateway",
		},
		{path: "pkg/channel", imports: []string{"pkg/publish"}, why: "a channel is an encoder, and knows nothing of who takes what it sends"},
		{path: "pkg/verify", imports: []string{media}, why: "verify judges the gateway's output, so it must not share the code that made it"},

		{path: "internal/badnet", stdOnly: true, why: "a bad network carries bytes, whoever sends them"},
		{path: "internal/arch", why: "the plan stands outside of the house"},
		{path: "deploy", imports: []string{"pkg/config"}, why: "what is shipped for deployment is held to what Weir reads"},
		{path: "e2e", imports: []string{everything}, why: "end-to-end tests may look everywhere"},
	}
}
