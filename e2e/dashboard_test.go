//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// desk is a creator's browser with the dashboard, and the gateway behind it.
type desk struct {
	*browser
	weir *weir
	clip string
	// tokens are of each scope.
	tokens map[string]string
}

const (
	page          = "dashboard"
	width, height = 1180, 820
	// A phone's.
	narrow, tall = 390, 844
)

// TestDashboard does what a creator and an operator do on each page of the
// dashboard, in one visit.
func TestDashboard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := &desk{clip: cameraClip(t), browser: openBrowser(t), weir: start(t, dir, "--webhooks.allow-private", "127.0.0.1/32"), tokens: make(map[string]string)}
	for _, scope := range []string{"viewer", "operator", "admin"} {
		d.tokens[scope] = newToken(t, dir, scope)
	}
	defer func() {
		if t.Failed() {
			d.screenshot(page, "dashboard-failed")
		}
	}()
	d.open(page, d.weir.pageURL("/"))
	d.look(width, height, false)
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

func newToken(t *testing.T, dir, scope string) string {
	t.Helper()
	binary, err := filepath.Abs("../bin/weir")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "tokens", "create", "the test’s "+scope, "--scope", scope, "--data-dir", dir).Output()
	if err != nil {
		t.Fatalf("make a token: %v", err)
	}
	return strings.TrimSpace(string(out))
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

// enter signs in with a token.
func (d *desk) enter(scope string) {
	d.t.Helper()
	d.fill("#token", d.tokens[scope])
	d.press("Enter")
	d.wait(page, `document.querySelector("nav")`, 10*time.Second)
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

// keys makes one, publishes with it, gives it another secret, and takes it back.
func (d *desk) keys() {
	d.click("role=link[name=Keys]")
	d.sees("stream-key in Weir’s data folder")
	d.click(`role=button[name="New key"]`)
	d.fill(`label:has-text("Stream") input`, "Second Stage")
	d.press("Enter")
	d.sees("A stream’s name has small letters")
	d.fill(`label:has-text("Stream") input`, "second")
	d.fill(`label:has-text("Whose is it?") input`, "Anna’s laptop")
	d.click("text=Limits")
	d.fill(`label:has-text("Bitrate at most") input`, "20")
	d.accessible(page, "new key")
	d.press("Enter")
	d.sees("it is shown this once")
	d.accessible(page, "secret")
	var made string
	d.evaluate(page, `document.querySelectorAll("dialog input[readonly]")[1].value`, &made)
	anna := d.weir.publishTo(d.clip, "rtmp://"+d.weir.rtmp+"/live/"+made)
	d.click("text=I have copied it")
	d.sees("up to 20.0 Mb/s")
	d.wait(page, `document.querySelector(".keys .state[data-state=live]")`, 20*time.Second)
	d.click(`role=button[name="Change… Anna’s laptop"]`)
	d.fill(`label:has-text("Frame rate at most") input`, "fast")
	d.press("Enter")
	d.sees("The frame rate is not a number.")
	d.accessible(page, "change key")
	d.fill(`label:has-text("Frame rate at most") input`, "60")
	d.fill(`label:has-text("Bitrate at most") input`, "6,5")
	d.click("text=For a backup encoder")
	d.click("role=button[name=Save]")
	d.sees("up to 6.50 Mb/sup to 60 fpsbackup")
	d.click(`role=button[name="Rotate… Anna’s laptop"]`)
	d.click("role=button[name=Rotate]")
	d.sees("it is shown this once")
	var rotated string
	if d.evaluate(page, `document.querySelectorAll("dialog input[readonly]")[1].value`, &rotated); rotated == made || rotated == "" {
		d.t.Errorf("the new secret is %q", rotated)
	}
	d.click("text=I have copied it")
	d.sees("It was rotated.")
	d.accessible(page, "keys")
	d.walk()
	d.screenshot(page, "dashboard-keys")
	d.click(`role=button[name="Revoke… Anna’s laptop"]`)
	d.click("role=button[name=Revoke]")
	d.sees("Revoked in the last 30 days (1)")
	select {
	case <-anna.exited:
	case <-time.After(10 * time.Second):
		d.t.Error("who publishes with a revoked key goes on")
	}
}

func (d *desk) server() {
	d.click("role=link[name=Server]")
	d.sees("Listens on")
	d.sees(d.weir.rtmp)
	d.sees("No stream has this key")
	d.click("text=Reload the configuration")
	d.sees("Nothing has changed.")
	d.click(`role=button[name="New token"]`)
	d.fill("dialog input", "a wall of screens")
	d.accessible(page, "new token")
	d.press("Enter")
	d.sees("it is shown this once")
	d.click("text=I have copied it")
	d.click(`role=button[name="Revoke… a wall of screens"]`)
	d.click("role=button[name=Revoke]")
	d.wait(page, `!document.querySelector("#tokens").closest("section").textContent.includes("a wall")`, 10*time.Second)
	d.click("role=button[name='Look again']")
	d.sees("revoke token")
	d.accessible(page, "server")
	d.walk()
}

// webhooks makes one that cannot be, then one that is posted to.
func (d *desk) webhooks() {
	posted := make(chan struct{}, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted <- struct{}{} }))
	d.t.Cleanup(receiver.Close)
	d.click(`role=button[name="New webhook"]`)
	d.fill(`label:has-text("Address") input`, "http://10.0.0.1/hook")
	d.press("Enter")
	d.wait(page, `document.querySelector("dialog [role=alert]")`, 10*time.Second)
	d.accessible(page, "new webhook")
	d.fill(`label:has-text("Address") input`, receiver.URL)
	d.fill(`label:has-text("What is it for?") input`, "Chat bot")
	d.press("Enter")
	d.sees("By it the receiver knows")
	d.click("text=I have copied it")
	d.click(`role=button[name="Test Chat bot"]`)
	d.sees("The receiver took it: 200")
	if len(posted) == 0 {
		d.t.Error("nothing was posted")
	}
	d.accessible(page, "webhooks")
	d.evaluate(page, "scrollTo(0, 0)", nil)
	d.screenshot(page, "dashboard-server")
	d.click(`role=button[name="Delete… Chat bot"]`)
	d.click("role=button[name=Delete]")
	d.wait(page, `!document.body.textContent.includes("Chat bot")`, 10*time.Second)
}

// drain lets nobody in any more.
func (d *desk) drain() {
	d.click("role=button[name=Drain…]")
	d.sees("Only a restart takes a drain back.")
	d.accessible(page, "drain")
	d.press("Enter")
	d.click("role=button[name=Cancel]")
	d.wait(page, `!document.querySelector("dialog") && !document.body.textContent.includes("Draining.")`, 5*time.Second)
	d.click("role=button[name=Drain…]")
	d.click("role=button[name=Drain]")
	d.sees("Draining.")
	d.sees("all have left")
	var secret string
	d.evaluate(page, fmt.Sprintf(`fetch("/api/v1/keys", {method: "POST", headers: {Authorization: "Bearer %s", "Content-Type": "application/json"}, body: '{"stream": "late"}'}).then((r) => r.json()).then((made) => made.secret)`, d.tokens["admin"]), &secret)
	late := d.weir.publishTo(d.clip, "rtmp://"+d.weir.rtmp+"/live/"+secret)
	d.sees("This server is being restarted")
	select {
	case <-late.exited:
	case <-time.After(10 * time.Second):
		d.t.Error("a publisher is let in while Weir drains")
	}
}

func (d *desk) watchPage() {
	d.open("watch", d.weir.pageURL("/watch/main"))
	d.wait("watch", `document.querySelector("#title").textContent === "main"`, 10*time.Second)
	d.accessible("watch", "watch page")
}

// click presses the first thing that a selector of Playwright's finds.
func (d *desk) click(selector string) {
	d.t.Helper()
	d.do("click", map[string]any{"page": page, "script": selector, "ms": clickPatience.Milliseconds()})
}

func (d *desk) fill(selector, text string) {
	d.t.Helper()
	d.do("fill", map[string]any{"page": page, "script": selector, "text": text, "ms": clickPatience.Milliseconds()})
}

// clickPatience is how long something may take to be there to be clicked.
const clickPatience = 10 * time.Second

func (d *desk) press(key string) {
	d.t.Helper()
	d.do("press", map[string]any{"page": page, "key": key})
}

// look makes the window as large, and dark or light.
func (d *desk) look(width, height int, dark bool) {
	d.t.Helper()
	d.do("look", map[string]any{"page": page, "width": width, "height": height, "dark": dark})
}

// sees waits until the dashboard shows words.
func (d *desk) sees(words string) {
	d.t.Helper()
	d.wait(page, "document.body.textContent.includes("+strconv.Quote(words)+")", 20*time.Second)
}

// accessible holds a page to what axe knows, in light and in dark.
func (d *desk) accessible(page, name string) {
	d.t.Helper()
	for _, dark := range []bool{true, false} {
		d.do("look", map[string]any{"page": page, "width": width, "height": height, "dark": dark})
		var wrong []string
		if err := json.Unmarshal(d.do("audit", map[string]any{"page": page}), &wrong); err != nil {
			d.t.Fatal(err)
		}
		for _, w := range wrong {
			d.t.Errorf("%s, dark %v: %s", name, dark, w)
		}
	}
}

// walk goes through the page by keyboard.
func (d *desk) walk() {
	d.t.Helper()
	var went struct{ Dim, Missed []string }
	if err := json.Unmarshal(d.do("walk", map[string]any{"page": page}), &went); err != nil {
		d.t.Fatal(err)
	}
	for _, e := range went.Dim {
		d.t.Errorf("its focus is not seen: %s", e)
	}
	for _, e := range went.Missed {
		d.t.Errorf("not to be reached by Tab: %s", e)
	}
}

// fits reports what is wider than the screen.
func (d *desk) fits() {
	d.t.Helper()
	var wide []string
	d.evaluate(page, `[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".unseen, thead, .plot")).map((e) => e.outerHTML.slice(0, 100))`, &wide)
	if len(wide) > 0 {
		d.t.Errorf("wider than a phone: %s", strings.Join(slices.Compact(wide), "\n"))
	}
}
