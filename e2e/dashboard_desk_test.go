//go:build e2e

package e2e

import (
	"encoding/json"
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

// openDesk starts a gateway, and opens its dashboard.
func openDesk(t *testing.T, flags ...string) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{clip: cameraClip(t), browser: openBrowser(t), weir: start(t, dir, flags...), tokens: make(map[string]string)}
	for _, scope := range []string{"viewer", "operator", "admin"} {
		d.tokens[scope] = newToken(t, dir, scope)
	}
	d.open(page, d.weir.pageURL("/"))
	d.look(width, height, false)
	return d
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

// enter signs in with a token.
func (d *desk) enter(scope string) {
	d.t.Helper()
	d.fill("#token", d.tokens[scope])
	d.press("Enter")
	d.wait(page, `document.querySelector("nav")`, 10*time.Second)
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
	var went struct {
		Dim, Missed []string
		Lost        string
	}
	if err := json.Unmarshal(d.do("walk", map[string]any{"page": page}), &went); err != nil {
		d.t.Fatal(err)
	}
	for _, e := range went.Dim {
		d.t.Errorf("its focus is not seen: %s", e)
	}
	if went.Lost != "" {
		d.t.Errorf("the page took the focus away, after %s", went.Lost)
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
