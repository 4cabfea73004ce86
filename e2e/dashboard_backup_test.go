//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// TestDashboardBackup makes a key for a backup from another one's card, and follows on
// the dashboard what becomes of the stream when its primary is lost, and is back.
func TestDashboardBackup(t *testing.T) {
	t.Parallel()
	d := openDesk(t, "--transcode.ladder", "source")
	d.enter("admin")
	d.click("role=link[name=Keys]")
	d.click(`role=button[name="New key"]`)
	d.fill(`label:has-text("Stream") input`, "stage")
	d.fill(`label:has-text("Whose is it?") input`, "Anna’s laptop")
	d.click("text=Limits")
	d.fill(`label:has-text("Only from these addresses") input`, "127.0.0.1")
	d.fill(`label:has-text("Bitrate at most") input`, "20")
	d.click("text=Record what is published")
	d.press("Enter")
	primary := d.secret()
	d.sees("recorded")
	d.accessible(page, "keys")
	d.click(`role=button[name="Backup key… for Anna’s laptop"]`)
	d.sees("A backup for stage")
	d.accessible(page, "backup key")
	d.screenshot(page, "backup-1-key")
	d.click(`role=button[name="Make the key"]`)
	backup := d.secret()
	d.sees("Anna’s laptop, backup")
	d.sees("up to 20.0 Mb/sbackuprecorded")
	d.screenshot(page, "backup-2-keys")
	d.wait(page, `![...document.querySelectorAll(".keys button")].some((b) => b.textContent.includes("Backup key"))`, 5*time.Second)

	url := "rtmp://" + d.weir.rtmp + "/live/"
	first := d.weir.publishTo(d.clip, url+primary)
	d.evaluate(page, `(location.hash = "#/streams/stage")`, nil)
	d.sees("Stream health")
	d.weir.publishTo(d.clip, url+backup)
	d.sees("Backup stands by")
	d.sees("The backup publisher has connected by RTMP.")
	d.sees("Recording")
	d.wait(page, `document.querySelector(".state[data-state=live]")`, 20*time.Second)
	d.accessible(page, "a backup stands by")
	d.shots("backup-3-stands-by")

	d.evaluate(page, `document.querySelector("[aria-label='Copy HLS']").focus()`, nil)
	first.kill()
	d.sees("From the backup")
	d.sees("Viewers see your backup encoder")
	var focused string
	if d.evaluate(page, "document.activeElement.ariaLabel", &focused); focused != "Copy HLS" {
		d.t.Errorf("a finding that came took the focus away, to %q", focused)
	}
	d.sees("Backup on air")
	d.accessible(page, "on the backup")
	d.shots("backup-4-on-air")
	d.click("role=link[name=Streams]")
	d.sees("The backup is on air")
	d.accessible(page, "streams on the backup")
	d.screenshot(page, "backup-5-streams")
	d.click(".stream-card a")

	d.weir.publishTo(d.clip, url+primary)
	d.sees("Primary on air again")
	d.wait(page, `!document.querySelector(".head-state").textContent.includes("From the backup")`, 10*time.Second)
	d.shots("backup-6-back")
}

// secret reads what is shown once, and closes it.
func (d *desk) secret() (made string) {
	d.t.Helper()
	d.sees("it is shown this once")
	d.evaluate(page, `document.querySelectorAll("dialog input[readonly]")[1].value`, &made)
	d.click("text=I have copied it")
	return made
}

// shots are pictures of a page's beginning and of the rest.
func (d *desk) shots(name string) {
	d.t.Helper()
	d.screenshot(page, name)
	d.evaluate(page, `document.querySelector("#happened").scrollIntoView()`, nil)
	d.screenshot(page, name+"-below")
	d.evaluate(page, "scrollTo(0, 0)", nil)
}
