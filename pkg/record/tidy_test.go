package record

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOverdue(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	var all []Info
	for n := range 5 { // of an hour each, the last one goes on
		began := now.Add(time.Duration(n-5) * time.Hour)
		i := Info{Path: strconv.Itoa(n), StartedAt: began, Bytes: 100, Duration: 3600}
		if n < 4 {
			i.EndedAt = new(began.Add(time.Hour))
		}
		all = append(all, i)
	}
	slices.Reverse(all)
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, ""},
		{Config{MaxAge: 150 * time.Minute}, "0 max_age 1 max_age"},
		{Config{MaxSize: 500}, ""},
		{Config{MaxSize: 499}, "0 max_size"},
		{Config{MaxSize: 250}, "0 max_size 1 max_size 2 max_size"},
		{Config{MaxSize: 1}, "0 max_size 1 max_size 2 max_size 3 max_size"},
		{Config{MaxSize: 300, MaxAge: 210 * time.Minute}, "0 max_age 1 max_size"},
	} {
		var got []string
		for _, one := range overdue(all, c.cfg, now) {
			got = append(got, one.Path+" "+string(one.limit))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v deletes %v, want %s", c.cfg, got, c.want)
		}
	}
}

// TestLimits: the oldest go, and what Weir has not made stays.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		for _, name := range []string{"notes.txt", "main/holiday/index.m3u8", "main/2020-01-01T00-00-00Z/mine.mp4", ".deleted-main_2019/x"} {
			if err := os.MkdirAll(path.Dir(path.Join(folder, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path.Join(folder, name), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b := newBench(t, folder, Config{MaxLength: 2 * segment}, nil)
		p, short := newPublisher(b.windows, "main"), newPublisher(b.windows, "short")
		b.want(Wish{"main", p.at}, Wish{"short", p.at})
		short.segment()
		short.st.End()
		p.publish(8)
		synctest.Wait()
		listed, err := b.List()
		if err != nil || len(listed) != 5 || listed[3].Segments != 2 {
			t.Fatalf("%+v %v", listed, err)
		}
		b.Configure(Config{MaxSize: 3 * listed[0].Bytes, MaxLength: 2 * segment})
		p.publish(2)
		<-time.After(tidying)
		synctest.Wait()
		b.stop()
		if s := b.Stats(); s.Deleted[LimitSize] != 3 || s.Deleted[LimitAge] != 0 {
			t.Errorf("%+v", s)
		}
		if _, err := os.Stat(path.Join(folder, "short")); err == nil {
			t.Error("an empty folder is left of a stream without recordings")
		}
		files := texts(t, os.DirFS(folder))
		for name := range files {
			if strings.HasPrefix(name, ".deleted") {
				t.Errorf("%s is left", name)
			}
		}
		for _, name := range []string{"notes.txt", "main/holiday/index.m3u8", "main/2020-01-01T00-00-00Z/mine.mp4"} {
			if files[name] != "mine" {
				t.Errorf("%s was touched", name)
			}
		}
	})
}
