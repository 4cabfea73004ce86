//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestDashboard does what a creator and an operator do on each page of the
// dashboard, in one visit.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := openDesk(t, "--webhooks.allow-private", "127.0.0.1/32")
	defer func() {
		if t.Failed() {
			d.screenshot(page, "dashboard-failed")
		}
	}()
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"sign in", d.signIn},
		{"go live", d.goLive},
		{"overview", d.overview},
		{"stream", d.stream},
		{"scopes", d.scopes},
		{"kick", d.kick},
		{"keys", d.keys},
		{"server", d.server},
		{"webhooks", d.webhooks},
		{"drain", d.drain},
		{"watch page", d.watchPage},
	} {
		began := time.Now()
		part.do()
		t.Logf("%s: %.1f s", part.name, time.Since(began).Seconds())
	}
}

func (d *desk) signIn() {
	d.accessible(page, "sign-in")
	d.fill("#token", "weir_0000")
	d.press("Enter")
	d.sees("This token is wrong")
	d.enter("admin")
	// A first visit begins with how to go live.
	d.sees("Waiting for your stream")
}

// goLive tries a wrong key first.
func (d *desk) goLive() {
	d.fill(`label:has-text("Upload speed") input`, "8")
	d.sees("1080p30")
	d.weir.publishTo(d.clip, "rtmp://"+d.weir.rtmp+"/live/main_wrong")
	d.sees("Weir refused an encoder")
	d.accessible(page, "go-live")
	d.screenshot(page, "dashboard-refused")
	d.weir.publish(d.clip)
	d.sees("Viewers can watch")
	d.wait(page, `document.querySelectorAll(".steps [data-state=done]").length === 3`, 20*time.Second)
	d.screenshot(page, "dashboard-go-live")
	d.walk()
}

func (d *desk) overview() {
	d.click("role=link[name=Streams]")
	d.sees("One stream is live.")
	d.sees("H.264 1280×720 at 30 fps")
	d.accessible(page, "overview")
	d.screenshot(page, "dashboard-streams")
	d.click(".stream-card a")
}

func (d *desk) stream() {
	d.wait(page, `document.querySelector("video")?.currentTime > 1`, 20*time.Second)
	var muted bool
	if d.evaluate(page, `document.querySelector("video").muted`, &muted); !muted {
		d.t.Error("the preview is heard unasked")
	}
	for _, chart := range []string{"bitrate", "fps", "arrival", "keyframes", "latency", "audio", "viewers", "transcoder", "rungs"} {
		d.wait(page, fmt.Sprintf(`/\d/.test(document.querySelector("[data-chart=%s] b")?.textContent)`, chart), 20*time.Second)
	}
	var drawn int
	if d.evaluate(page, `document.querySelectorAll(".chart canvas").length`, &drawn); drawn < 9 {
		d.t.Errorf("%d charts are drawn", drawn)
	}
	for _, words := range []string{"Encoder connected", "Encoder refused", "720p (source)", "Your encoder", "FFmpeg", "behind live"} {
		d.sees(words)
	}
	d.click(`role=button[name="Copy Watch page"]`)
	d.sees("Watch page copied")
	var copied string
	if d.evaluate(page, "navigator.clipboard.readText()", &copied); copied != d.weir.pageURL("/watch/main") {
		d.t.Errorf("copied %q", copied)
	}
	d.accessible(page, "stream")
	d.screenshot(page, "dashboard-stream")
	d.walk()
	d.look(narrow, tall, true)
	d.fits()
	d.screenshot(page, "dashboard-phone")
	d.look(width, height, false)
}

// scopes signs in with less and sees less: nobody is shown a button that does not
// work for them.
func (d *desk) scopes() {
	for _, c := range []struct {
		scope, pages string
		stream       []string
	}{
		{"viewer", "Streams, Go live, Server", nil},
		{"operator", "Streams, Go live, Server", []string{"Kick…"}},
	} {
		d.click(`role=button[name="Sign out"]`)
		d.enter(c.scope)
		var pages string
		if d.evaluate(page, `[...document.querySelectorAll("nav a")].map((a) => a.textContent).join(", ")`, &pages); pages != c.pages {
			d.t.Errorf("the pages of scope %s are %s", c.scope, pages)
		}
		d.sees("Stream health")
		d.offers(c.scope, "stream", c.stream...)
		if c.scope == "operator" {
			break
		}
		d.click("role=link[name=Server]")
		d.sees("Listens on")
		d.sees("No stream has this key")
		d.offers(c.scope, "server")
		d.evaluate(page, `(location.hash = "#/keys")`, nil)
		d.sees("Stream keys are for administrators")
		d.offers(c.scope, "keys")
		d.evaluate(page, `(location.hash = "#/streams/main")`, nil)
	}
	d.click(`role=button[name="Sign out"]`)
	d.enter("admin")
	d.sees("Stream health")
}

// offers holds a page to the buttons that change something.
func (d *desk) offers(scope, name string, want ...string) {
	d.t.Helper()
	var got []string
	d.evaluate(page, `[...document.querySelectorAll("main button")].map((b) => b.textContent.trim()).filter((w) => /…$|^New |Reload|Test|Enable/.test(w))`, &got)
	if !slices.Equal(got, want) {
		d.t.Errorf("scope %s is offered %q on the page %s, want %q", scope, got, name, want)
	}
}

// kick asks first, and tells what came of it.
func (d *desk) kick() {
	d.click("role=button[name=Kick…]")
	d.sees("Kick the publisher of main?")
	d.accessible(page, "kick")
	d.press("Escape")
	d.wait(page, `!document.querySelector("dialog") && document.activeElement.matches("button.danger")`, 5*time.Second)
	d.press("Enter")
	d.click("dialog input[value='600']")
	d.click("role=button[name=Kick]")
	d.sees("Kicked by an operator")
	d.sees("The encoder is gone")
}

func (d *desk) watchPage() {
	d.open("watch", d.weir.pageURL("/watch/main"))
	d.wait("watch", `document.querySelector("#title").textContent === "main"`, 10*time.Second)
	d.accessible("watch", "watch page")
}
