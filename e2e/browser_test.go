//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium behind browser.mjs.
type browser struct {
	t     *testing.T
	stdin io.WriteCloser
	pages string // base URL of the player pages

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
}

type answer struct {
	ID     int
	Result json.RawMessage
	Error  string
}

// report is what observe.js has measured.
type report struct {
	// Unix milliseconds: when the player was told of the stream, and when its
	// first picture was shown.
	AskedAt, PictureAt *int64
	PlayingAt          *int64
	Stalls             []stall
	Errors             []string
	Notes              []string // errors that the player got over
	Heights            []int
	Time               float64
	Height             int
	Ended              bool
	Paused             bool
	Frames             int
	Dropped            int
	Rungs              []int
}

// stall is a wait for data while playing, both in milliseconds: when it began
// after the first picture, and how long it lasted.
type stall struct{ After, Ms float64 }

func openBrowser(t *testing.T) *browser {
	t.Helper()
	program(t, "chromium")
	if _, err := os.Stat("node_modules/playwright-core"); err != nil {
		missing(t, "e2e/node_modules")
	}
	files := http.NewServeMux()
	files.Handle("/node_modules/", http.FileServer(http.Dir(".")))
	files.Handle("/", http.FileServer(http.Dir("players")))
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)

	cmd := exec.Command(program(t, "node"), "browser.mjs")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, stdin: stdin, pages: server.URL, waiting: make(map[int]chan answer)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(stdout)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		select {
		case <-read:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait()
	})
	return b
}

func (b *browser) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue
		}
		b.mu.Lock()
		to := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		to <- a
	}
}

// do sends one command and waits for its answer.
func (b *browser) do(op string, arguments map[string]any) json.RawMessage {
	b.t.Helper()
	a := b.try(op, arguments)
	if a.Error != "" {
		b.t.Fatalf("%s %v: %s", op, arguments["page"], a.Error)
	}
	return a.Result
}

func (b *browser) try(op string, arguments map[string]any) answer {
	b.t.Helper()
	b.mu.Lock()
	b.next++
	id := b.next
	reply := make(chan answer, 1)
	b.waiting[id] = reply
	b.mu.Unlock()
	command := map[string]any{"id": id, "op": op}
	maps.Copy(command, arguments)
	line, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.stdin.Write(append(line, '\n')); err != nil {
		b.t.Fatalf("the browser is gone: %v", err)
	}
	select {
	case a := <-reply:
		return a
	case <-time.After(60 * time.Second):
		b.t.Fatalf("the browser does not answer %s", line)
		return answer{}
	}
}

func (b *browser) open(page, address string) {
	b.t.Helper()
	b.do("open", map[string]any{"page": page, "url": address})
}

// play opens a player page that waits for the stream at media.
func (b *browser) play(player, media string, options url.Values) {
	b.t.Helper()
	query := url.Values{"url": {media}}
	maps.Copy(query, options)
	b.open(player, b.pages+"/"+player+".html?"+query.Encode())
}

func (b *browser) wait(page, script string, limit time.Duration) {
	b.t.Helper()
	b.do("wait", map[string]any{"page": page, "script": script, "ms": limit.Milliseconds()})
}

func (b *browser) evaluate(page, script string, into any) {
	b.t.Helper()
	raw := b.do("evaluate", map[string]any{"page": page, "script": script})
	if into == nil {
		return
	}
	if err := json.Unmarshal(raw, into); err != nil {
		b.t.Fatalf("%s: %s: %v", page, script, err)
	}
}

func (b *browser) report(page string) report {
	b.t.Helper()
	var r report
	b.evaluate(page, "window.report()", &r)
	return r
}

// screenshot keeps a picture of a page where WEIR_E2E_ARTIFACTS says, if it does.
func (b *browser) screenshot(page, name string) {
	b.t.Helper()
	folder := os.Getenv("WEIR_E2E_ARTIFACTS")
	if folder == "" {
		return
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	raw := filepath.Join(b.t.TempDir(), "raw.png")
	b.do("screenshot", map[string]any{"page": page, "path": raw})
	// With 256 colours it is a quarter of the size, and looks the same.
	shrink := exec.Command(program(b.t, "ffmpeg"), "-v", "error", "-y", "-i", raw,
		"-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none", filepath.Join(folder, name+".png"))
	if out, err := shrink.CombinedOutput(); err != nil {
		b.t.Fatalf("shrink %s: %v: %s", name, err, out)
	}
}
