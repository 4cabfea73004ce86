//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"
)

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
