package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// server is one that viewers can be sent to.
type server struct {
	pid     int
	address string
	publish string
}

func (w server) load(n int) *load {
	return &load{
		URL: "http://" + w.address + "/live/main/index.m3u8", Viewers: n, Ramp: 5 * time.Second, For: 10 * time.Second,
		Publish: w.publish, PID: []int{w.pid},
	}
}

// startWeir starts the gateway that `make build` made.
func startWeir(b *testing.B) server {
	b.Helper()
	binary, err := filepath.Abs("../../bin/weir")
	if err == nil {
		_, err = os.Stat(binary)
	}
	if err != nil {
		b.Skipf("SKIPPED: bin/weir is missing, run `make bench`; nothing was measured: %v", err)
	}
	folder := b.TempDir()
	process := exec.Command(binary, "serve", "--rtmp.address", "127.0.0.1:0", "--srt.address", "", "--http.address", "127.0.0.1:0",
		"--data-dir", folder, "--log.format", "json", "--auth.mode", "open", "--transcode.ladder", "source")
	process.Dir = folder
	log, err := process.StderrPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, RTMP, HTTP string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "weir is up" {
			go func() {
				for lines.Scan() { // it must not wait for a reader
				}
			}()
			return server{pid: process.Process.Pid, address: line.HTTP, publish: "rtmp://" + line.RTMP + "/live/main"}
		}
	}
	b.Fatal("the gateway did not start")
	return server{}
}

// barely is set in the environment of a process that is to be the bare handler.
const barely = "WEIR_BENCH_BARE"

// TestMain is the bare handler where it is to be: it answers all that wait with
// 3 KB, each 2 s.
func TestMain(m *testing.M) {
	if os.Getenv(barely) == "" {
		os.Exit(m.Run()) //nolint:forbidigo // the exit status is main's to give.
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stdout, listener.Addr())
	var wake atomic.Pointer[chan struct{}]
	first := make(chan struct{})
	wake.Store(&first)
	go func() {
		for range time.Tick(2 * time.Second) {
			next := make(chan struct{})
			close(*wake.Swap(&next))
		}
	}()
	text := bytes.Repeat([]byte("#EXTINF:2.000000,\n"), 170)
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-*wake.Load():
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = w.Write(text)
	})))
}

// startBare starts this test's own program as the bare handler.
func startBare(b *testing.B) server {
	b.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), barely+"=1")
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return server{pid: process.Process.Pid, address: strings.TrimSpace(line)}
}

// startNginx serves a folder as nginx does it best.
func startNginx(b *testing.B, folder string) server {
	b.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		if _, err = os.Stat("/usr/sbin/nginx"); err != nil {
			b.Skipf("SKIPPED: nginx is missing, run `make bench`; nothing was measured: %v", err)
		}
		binary = "/usr/sbin/nginx"
	}
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close() // nginx binds it by its number
	own := b.TempDir()
	config := filepath.Join(own, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr warn; worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; keepalive_timeout 75s;
  types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s mp4; } client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b;
  fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  server { listen %[2]s backlog=4096; root %[3]s; add_header Access-Control-Allow-Origin "*"; add_header Cache-Control "max-age=1"; }
}`, own, address, folder)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	process := exec.Command(binary, "-p", own, "-c", config)
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
	})
	return server{pid: process.Process.Pid, address: address}
}

// memory is a folder that no disk is behind.
func memory(b *testing.B) string {
	b.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "weir-bench-") //nolint:usetesting // no disk may be behind it.
	if err != nil {
		b.Skipf("SKIPPED: there is no tmpfs at /dev/shm; nothing was measured: %v", err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		b.Fatal(err)
	}
	return folder
}

// mirror copies what is new into folder, segments before the playlists that list
// them, until ctx ends.
func mirror(ctx context.Context, s *stage, folder string) error {
	have := make(map[string]bool)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, t := range s.tracks {
			if err := s.copyTrack(ctx, t, folder, have); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

func (s *stage) copyTrack(ctx context.Context, t *track, folder string, have map[string]bool) error {
	text, err := s.fetch(ctx, s.absolute(t.path)+"?ll=0")
	if err != nil {
		return err
	}
	p, err := parsePlaylist(text)
	if err != nil {
		return err
	}
	for _, seg := range p.segments {
		path := beside(t.path, seg.uri)
		if have[path] {
			continue
		}
		have[path] = true
		body, err := s.fetch(ctx, s.absolute(path))
		if err != nil {
			return err
		}
		if err := put(folder, path, body); err != nil {
			return err
		}
	}
	return put(folder, t.path, text)
}

func (s *stage) absolute(path string) string {
	return s.base.ResolveReference(&url.URL{Path: path}).String()
}

// put writes a file so that nobody sees half of it.
func put(folder, path string, body []byte) error {
	name := filepath.Join(folder, path)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", body, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// clip is a minute and a half of camera pictures of 2.5 Mb/s, made once.
func clip(b *testing.B) string {
	b.Helper()
	source, err := filepath.Abs("../../../shared/media/camera_1080p30_6M_cbr.flv")
	if err == nil {
		_, err = os.Stat(source)
	}
	if err != nil {
		b.Skipf("SKIPPED: the clip is missing; nothing was measured: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		b.Fatal(err)
	}
	made := filepath.Join(cache, "weir", "clips", "camera-720p30-90s.flv")
	if _, err := os.Stat(made); err == nil {
		return made
	}
	if err := os.MkdirAll(filepath.Dir(made), 0o755); err != nil {
		b.Fatal(err)
	}
	command := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "2", "-i", source, "-t", "90",
		"-vf", "scale=1280:720,fps=30", "-c:v", "libx264", "-preset", "superfast", "-profile:v", "high", "-pix_fmt", "yuv420p",
		"-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-bf", "2",
		"-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", made+".new.flv")
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("make the clip: %v\n%s", err, out)
	}
	if err := os.Rename(made+".new.flv", made); err != nil {
		b.Fatal(err)
	}
	return made
}
