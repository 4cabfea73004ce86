package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/pkg/api"
	"weir/pkg/publish"
	"weir/pkg/transcode/libav"
	"weir/pkg/verify"
	"weir/pkg/webhook/sign"
)

// TestMain has the test program be the gateway's worker where it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := libav.Worker(ctx, false); err != nil && ctx.Err() == nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run()) //nolint:forbidigo // as a TestMain does.
}

// bad is what is wrong with a primary for a while.
type bad struct {
	reason string
	// picture and sound are ffmpeg's sources of 6 s, which are sent so many times.
	picture, sound string
	times          int
	// finding and event are how it is told.
	finding, event string
}

// faults come in the order in which they are seen.
func faults() []bad {
	const pictures, beep = "testsrc2", "sine=d=6"
	return []bad{
		{"black", "color", beep, 1, "sends a black picture", "as the primary's picture is black."},
		{"silent", pictures, "anullsrc=r=44100:cl=mono:d=6", 1, "is silent", "as the primary is silent."},
		{"frozen", "smptebars", beep, 2, "sends a frozen picture", "as the primary's picture is frozen."},
	}
}

// TestSwitchOnFault: a primary that is black, frozen or silent makes room for a backup
// that is not, and is on air again when it is well. Each has a stream of its own, side by
// side, whose keys are the configuration's. Where the two do not meet, a picture stands
// still: there is no gap.
func TestSwitchOnFault(t *testing.T) {
	t.Parallel()
	file := func(picture, sound string) string {
		return recording(t, "-f lavfi -i "+picture+"=size=640x360:rate=30:d=6 -f lavfi -i "+sound+
			" -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 30 -c:a aac -shortest")
	}
	well := file("testsrc2", "sine=d=6")
	secret := sign.NewSecret()
	url, heard := receive(t, secret)
	var streams []string
	for _, c := range faults() {
		streams = append(streams, fmt.Sprintf("{name: %[1]s, key: the-primary-of-%[1]s, backup_key: the-backup-of-%[1]s}", c.reason))
	}
	r := startGateway(t, "transcode: {ladder: source}\nbackup: {switch_on: ['black:2s', 'frozen:5s', 'silent:3s']}\nstreams: ["+strings.Join(streams, ", ")+"]\n"+
		fmt.Sprintf("webhooks: {allow_private: [127.0.0.1], endpoints: [{url: '%s', secret: '%s', events: [publish.switched]}]}\n", url, secret))
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 2*len(faults()))
	start := func(key string, then ...string) {
		go func() {
			ended <- publish.Run(ctx, publish.Options{
				File: well, Then: then, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key, Loop: true,
			})
		}()
	}
	for _, c := range faults() {
		then := slices.Repeat([]string{file(c.picture, c.sound)}, c.times)
		start("the-primary-of-"+c.reason, append(then, well, well, well, well, well)...)
		r.untilOf(c.reason, "the primary", published("rtmp"))
		start("the-backup-of-" + c.reason)
	}
	began := time.Now()
	for _, c := range faults() {
		r.expectBackup(c)
	}
	for _, c := range faults() {
		r.expectPrimaryAgain(c)
		if took, steady := time.Since(began), time.Duration(6*c.times+10)*time.Second; took < steady {
			t.Errorf("%s: the primary was on air again after %v, it was not well for %v", c.reason, took, steady)
		}
	}
	told := make(map[string][]string)
	for range 2 * len(faults()) {
		p := <-heard
		told[p.Data.Stream] = append(told[p.Data.Stream], p.Data.To+" "+p.Data.Reason)
	}
	for _, c := range faults() {
		if want := []string{"backup " + c.reason, "primary back"}; !slices.Equal(told[c.reason], want) {
			t.Errorf("a webhook hears %q, want %q", told[c.reason], want)
		}
	}
	leave()
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Errorf("a publisher was disturbed: %v", err)
		}
	}
}

func switchedTo(to api.Role, reason string) func(api.StreamStatus) bool {
	return func(st api.StreamStatus) bool {
		return st.Switched != nil && st.Switched.To == to && st.Switched.Reason == reason
	}
}

// expectBackup waits for the backup of the stream that is called as what is wrong with
// its primary.
func (r *running) expectBackup(c bad) {
	r.t.Helper()
	r.untilOf(c.reason, "the backup", switchedTo("backup", c.reason))
	r.untilOf(c.reason, "the primary that stands by", func(st api.StreamStatus) bool {
		return st.Session != nil && st.Session.Role == api.RoleBackup && st.Standby != nil && st.Standby.Role == api.RolePrimary
	})
	r.untilOf(c.reason, "the finding", func(st api.StreamStatus) bool {
		return slices.ContainsFunc(st.Health, func(f api.Finding) bool {
			return f.Code == "on_backup" && strings.Contains(f.Message, c.finding)
		})
	})
}

// expectPrimaryAgain waits until the primary is on air again, and looks at what viewers
// and operators got of the two switches.
func (r *running) expectPrimaryAgain(c bad) {
	r.t.Helper()
	r.untilOf(c.reason, "the primary again", switchedTo("primary", "back"))
	r.expectSwitchesListed(c.reason)
	if broken := watchedFor(r, c.reason, time.Second); len(broken) > 0 {
		r.t.Errorf("viewers of two switches get what breaks rules: %+v", broken)
	}
	var happened struct{ Events []api.Event }
	r.call(http.MethodGet, "/api/v1/events/recent", "", &happened)
	var told []string
	var to []api.Role
	for _, e := range slices.Backward(happened.Events) {
		if e.Stream != c.reason {
			continue
		}
		if e.Kind == api.PublishSwitched {
			told, to = append(told, e.Message), append(to, e.To)
		}
		if e.Kind == api.StreamResumed {
			r.t.Errorf("viewers, who never stopped, go on: %+v", e)
		}
	}
	if want := []api.Role{api.RoleBackup, api.RolePrimary}; !slices.Equal(to, want) {
		r.t.Errorf("the events tell that %q went on air, want %q", to, want)
	}
	if got := strings.Join(told, " "); !strings.HasPrefix(got, "The backup publisher is on air, "+c.event) {
		r.t.Errorf("the events tell %q", got)
	}
}

// expectSwitchesListed waits until what follows two switches is listed: a discontinuity
// each, and no gap.
func (r *running) expectSwitchesListed(stream string) {
	r.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	const mark = "#EXT-X-DISCONTINUITY\n"
	list := r.playlistOf(stream)
	for tries := 0; tries < 100 && strings.Count(list, mark) < 2; tries++ {
		<-look.C
		list = r.playlistOf(stream)
	}
	if strings.Count(list, mark) != 2 || strings.Contains(list, "ENDLIST") || strings.Contains(list, "EXT-X-GAP") {
		r.t.Errorf("two switches make this of the playlist:\n%s", list)
	}
}

// watchedFor are the rules that a stream breaks.
func watchedFor(r *running, stream string, d time.Duration) []verify.Finding {
	r.t.Helper()
	report, err := verify.Run(r.t.Context(), "http://"+r.addresses.HTTP+"/live/"+stream+"/", verify.Options{Duration: d})
	if err != nil {
		r.t.Fatal(err)
	}
	return report.Failed()
}

// TestBackupPublisher goes the whole way with two real publishers: the connection of
// the one breaks, the other goes on without a slate, and makes room when the first one
// has come back.
func TestBackupPublisher(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip is not there: %v", err)
	}
	r := startGateway(t, "transcode: {ladder: source}\n")
	main, spare := r.makeKey(`{"stream":"nature"}`), r.makeKey(`{"stream":"nature","rules":{"backup":true}}`)
	ctx, leave := context.WithCancel(t.Context())
	lines := make(chan net.Conn, 2)
	ended := make(chan error, 3)
	start := func(key string) {
		go func() {
			ended <- publish.Run(ctx, publish.Options{
				File: clip, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key, Loop: true,
				Dial: func(ctx context.Context, target publish.Target) (net.Conn, error) {
					line, err := (&net.Dialer{}).DialContext(ctx, "tcp", target.Address)
					lines <- line
					return line, err
				},
			})
		}()
	}
	start(main.Secret)
	cut := <-lines
	r.until("the primary", published("rtmp"))
	start(spare.Secret)
	<-lines
	var since time.Time
	r.until("both", func(st api.StreamStatus) bool {
		return st.Session != nil && st.Backup != nil && !st.Backup.OnAir && time.Since(st.Backup.ConnectedAt) > 3*time.Second
	})
	began := time.Now()
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	r.until("the backup", func(st api.StreamStatus) bool {
		since = time.Now()
		return st.Backup != nil && st.Backup.OnAir && st.State == "live"
	})
	if took := since.Sub(began); took > 5*time.Second {
		t.Errorf("the backup went on air after %v", took)
	}
	if err := <-ended; err == nil {
		t.Error("the connection was cut, and the primary has not noticed")
	}
	start(main.Secret)
	<-lines
	began = time.Now()
	r.until("the primary again", func(st api.StreamStatus) bool {
		since = time.Now()
		return st.State == "live" && st.Backup != nil && !st.Backup.OnAir
	})
	if took := since.Sub(began); took < 9*time.Second || took > 20*time.Second {
		t.Errorf("the primary was on air again after %v", took)
	}
	r.expectSwitchesListed("nature")
	text := r.text("/metrics")
	for _, want := range []string{`weir_stream_backup_switches_total{reason="lost",stream="nature"} 1`, `weir_stream_backup_switches_total{reason="back",stream="nature"} 1`, `weir_stream_on_backup{stream="nature"} 0`, `weir_stream_absences_total{stream="nature"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	leave()
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("a publisher was disturbed: %v", err)
		}
	}
}
