package record

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// short is a file of a disk that is full before anything is written to its end.
type short struct {
	io.WriteCloser
	err error
}

func (s short) Write(p []byte) (int, error) {
	n, _ := s.WriteCloser.Write(p[:len(p)/2])
	return n, s.err
}

// TestTrouble: whatever the disk does, what can be recorded is whole, what cannot
// is counted by its reason, and it goes on when the disk is well again.
func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		why Missed
		err error
	}{
		{MissedFull, syscall.ENOSPC},
		{MissedFull, syscall.EDQUOT},
		{MissedFailed, syscall.EIO},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fails atomic.Bool
				b := newBench(t, t.TempDir(), Config{}, func(d *disk) {
					create := d.create
					d.create = func(name string) (io.WriteCloser, error) {
						file, err := create(name)
						if fails.Load() && err == nil && strings.HasPrefix(name, "main/") && strings.Contains(name, "/audio/") {
							return short{file, c.err}, nil
						}
						return file, err
					}
				})
				p := newPublisher(b.windows, "main")
				b.want(Wish{"main", p.at})
				p.publish(2)
				synctest.Wait()
				fails.Store(true)
				p.publish(20)
				synctest.Wait()
				if now, ok := b.Progress("main"); !ok || now.Trouble != c.why || now.Segments != 2 || now.Missing != 20 {
					t.Errorf("the recording is at %+v, %v", now, ok)
				}
				fails.Store(false)
				p.publish(3)
				b.stop()
				i := b.one()
				if i.Segments != 5 || i.Missing != 20 || b.Stats().Missed[c.why] != 20 {
					t.Errorf("%+v, %+v", i, b.Stats())
				}
				files := texts(t, os.DirFS(b.folder))
				for _, id := range i.Renditions {
					if lines := playable(t, files, i.Path, id); count(lines, "#EXTINF") != 5 || count(lines, "#EXT-X-DISCONTINUITY") != 1 {
						t.Errorf("%s:\n%s", id, strings.Join(lines, "\n"))
					}
					if left := len(files) - 3*len(i.Renditions); left > 4+5*len(i.Renditions) {
						t.Errorf("there are %d files, also of what is not listed", len(files))
					}
				}
				// 40 s of failures: told at once and each 10 s.
				if told := strings.Count(b.log.String(), "segments are not recorded"); told != 4 {
					t.Errorf("it was told %d times:\n%s", told, b.log)
				}
				if !strings.Contains(b.log.String(), "segments are recorded again") {
					t.Errorf("nothing tells that it is well again:\n%s", b.log)
				}
			})
		})
	}
}

// TestMinFree: what the operator wants to stay free stays free.
func TestMinFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := atomic.Uint64{}
		free.Store(999)
		b := newBench(t, t.TempDir(), Config{MinFree: 1000}, func(d *disk) {
			d.free = func() (uint64, error) { return free.Load(), nil }
		})
		p := newPublisher(b.windows, "main")
		b.want(Wish{"main", p.at})
		p.publish(2)
		synctest.Wait()
		if s := b.Stats(); s.Missed[MissedFull] != 2 || s.Bytes != 0 || s.Free != 999 || s.Active != 1 {
			t.Errorf("%+v", s)
		}
		free.Store(1000)
		p.publish(1)
		b.stop()
		if i := b.one(); i.Segments != 1 {
			t.Errorf("%+v", i)
		}
	})
}

// TestHangs: a disk that hangs holds nobody up, and memory does not grow with what
// waits: what has left the window is missing.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, goesOn := atomic.Bool{}, make(chan struct{})
		b := newBench(t, t.TempDir(), Config{}, func(d *disk) {
			create := d.create
			d.create = func(name string) (io.WriteCloser, error) {
				if hangs.Load() {
					<-goesOn
				}
				return create(name)
			}
		})
		p, other := newPublisher(b.windows, "main"), newPublisher(b.windows, "other")
		b.want(Wish{"main", p.at}, Wish{"other", other.at})
		p.publish(2)
		synctest.Wait()
		hangs.Store(true)
		p.publish(40)
		hangs.Store(false)
		close(goesOn)
		p.publish(1)
		b.stop()
		// The one that hung, the 15 of the window, and the newest.
		i := b.one()
		if i.Segments != 2+1+15+1 || i.Missing != 24 || b.Stats().Missed[MissedSlow] != 24 {
			t.Errorf("%+v, %+v", i, b.Stats())
		}
	})
}

// TestHangsForGood: the gateway stops all the same.
func TestHangsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goesOn := make(chan struct{})
		b := newBench(t, t.TempDir(), Config{}, func(d *disk) {
			create := d.create
			d.create = func(name string) (io.WriteCloser, error) {
				<-goesOn
				return create(name)
			}
		})
		p := newPublisher(b.windows, "main")
		b.want(Wish{"main", p.at})
		p.publish(2)
		began := time.Now()
		b.stop()
		if took := time.Since(began); took != stopWait {
			t.Errorf("it took %v", took)
		}
		close(goesOn)
		synctest.Wait()
	})
}

func TestOpenRefuses(t *testing.T) {
	file := path.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path.Join(file, "recordings"), Config{}, nil, nil); err == nil || !strings.Contains(err.Error(), "must be able to write there") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	// A folder of the kernel's, where nobody makes files.
	if _, err := Open("/proc/self", Config{}, nil, nil); err == nil || !strings.Contains(err.Error(), "must be able to write there") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

// TestKilled: wherever Weir is killed, what the playlists named is there after the
// next start, and they are closed.
func TestKilled(t *testing.T) {
	var copies []string
	scratch := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		b := newBench(t, folder, Config{}, func(d *disk) {
			create := d.create
			d.create = func(name string) (io.WriteCloser, error) {
				to := path.Join(scratch, strconv.Itoa(len(copies)))
				if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
					t.Error(err)
				}
				copies = append(copies, to)
				return create(name)
			}
		})
		p := newPublisher(b.windows, "main")
		b.want(Wish{"main", p.at})
		p.publish(2)
		p.away(5 * time.Second)
		p.init("bb")
		p.publish(2)
		b.stop()
	})
	if len(copies) < 15 {
		t.Fatalf("only %d copies", len(copies))
	}
	most := uint64(0)
	for _, folder := range copies {
		most = max(most, afterKill(t, folder))
		// The power fails: what was written last is half there.
		for _, name := range []string{"source", "audio"} {
			found, err := filepath.Glob(filepath.Join(folder, "main/*", name, playlist))
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range found {
				reopen(t, list)
			}
		}
		if left := afterKill(t, folder); left > most {
			t.Errorf("%s: %d segments came of %d", folder, left, most)
		}
	}
	if most != 4 {
		t.Errorf("at most %d of 4 segments were there", most)
	}
}

// reopen makes a playlist that was closed one that was cut off.
func reopen(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "#EXT-X-ENDLIST\n") {
		return // it was killed before there was a recording
	}
	cut := strings.TrimSuffix(string(text), "#EXT-X-ENDLIST\n")
	if err = os.WriteFile(name, []byte(cut[:len(cut)-5]), 0o600); err != nil {
		t.Fatal(err)
	}
	info := path.Join(path.Dir(path.Dir(name)), infoFile)
	if text, err = os.ReadFile(info); err != nil {
		t.Fatal(err)
	}
	again := strings.Replace(string(text), `"ended_at"`, `"was_ended_at"`, 1)
	if err := os.WriteFile(info, []byte(again), 0o600); err != nil {
		t.Fatal(err)
	}
}

// afterKill starts anew, and returns how many segments there are.
func afterKill(t *testing.T, folder string) (segments uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, folder, Config{}, nil)
		b.want()
		b.stop()
		all, files := b.all(), texts(t, os.DirFS(folder))
		for _, i := range all {
			if i.EndedAt == nil || i.Duration != float64(2*i.Segments) || i.Segments == 0 {
				t.Errorf("%s: %+v", folder, i)
			}
			for _, id := range i.Renditions {
				if n := count(playable(t, files, i.Path, id), "#EXTINF"); uint64(n) != i.Segments {
					t.Errorf("%s: %s has %d entries of %d", folder, id, n, i.Segments)
				}
			}
			segments += i.Segments
		}
	})
	return segments
}
