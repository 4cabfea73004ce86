package doctor_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/media"
)

// judge lets a doctor look each second at what a row's limits speak of.
type judge struct {
	*doctor.Doctor
	now time.Time
}

func newJudge() *judge {
	return &judge{Doctor: doctor.New(), now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
}

// look looks for d at o and returns what stands at the end.
func (j *judge) look(d time.Duration, o doctor.Observations) []doctor.Finding {
	var found []doctor.Finding
	for end := j.now.Add(d); !j.now.After(end); j.now = j.now.Add(time.Second) {
		found = j.Look(j.now, &o)
	}
	return found
}

// passing are observations on one side of a row's limits by a hair.
func passing(r doctor.Rule, passed bool) (o doctor.Observations) {
	for _, l := range r.When {
		hair := 1e-6
		if l.Below == passed {
			hair = -hair
		}
		o.Set(l.Measure, l.Appears+hair)
	}
	return o
}

func code(found []doctor.Finding, code string) (doctor.Finding, bool) {
	for _, f := range found {
		if f.Code == code {
			return f, true
		}
	}
	return doctor.Finding{}, false
}

// Each row is told after as long as it says and no sooner, taken back likewise,
// and not told at its limit, or where nothing was observed.
func TestRows(t *testing.T) {
	for _, r := range doctor.Rules() {
		t.Run(r.Code, func(t *testing.T) {
			j := newJudge()
			if found := j.look(time.Minute, passing(r, false)); len(found) > 0 && len(r.When) == 1 {
				t.Errorf("told at its limit: %+v", found)
			}
			j = newJudge()
			began := j.now
			if r.After > 0 {
				if _, ok := code(j.look(r.After-time.Second, passing(r, true)), r.Code); ok {
					t.Errorf("told before %v", r.After)
				}
			}
			f, ok := code(j.look(time.Second, passing(r, true)), r.Code)
			if !ok || f.Severity != r.Severity || f.Hop != r.Hop || f.Remedy != r.Remedy || !f.Since.Equal(began) {
				t.Fatalf("not told after %v: %+v", r.After, f)
			}
			if strings.ContainsAny(f.Message, "{}") && !strings.Contains(r.Message, "{") {
				t.Errorf("message %q", f.Message)
			}
			if r.Gone > 0 {
				if _, ok := code(j.look(r.Gone-time.Second, doctor.Observations{}), r.Code); !ok {
					t.Errorf("taken back before %v", r.Gone)
				}
			}
			if found := j.look(time.Second, doctor.Observations{}); len(found) > 0 {
				t.Errorf("not taken back after %v: %+v", r.Gone, found)
			}
		})
	}
}

// A value that moves about a limit is one finding, not many.
func TestFindingStaysWhileItsValueMovesAboutTheLimit(t *testing.T) {
	j := newJudge()
	with := func(delay float64) (o doctor.Observations) {
		o.Set(doctor.Delay, delay)
		o.Set(doctor.QueueDelay, 0)
		o.Is(doctor.VideoStopped, false)
		return o
	}
	j.look(3*time.Second, with(2.1))
	for range 10 {
		if _, ok := code(j.look(0, with(1.6)), "uplink_slow"); !ok {
			t.Fatal("gone between its limits")
		}
		j.look(0, with(1.4))
	}
	f, ok := code(j.look(3*time.Second, with(7)), "uplink_slow")
	if !ok || f.Severity != doctor.Problem || !strings.Contains(f.Message, "7.0 s late") {
		t.Errorf("%+v", f)
	}
	if f.Evidence[0] != (doctor.Evidence{Name: "delay", Value: 7, Unit: "s"}) {
		t.Errorf("evidence %+v", f.Evidence)
	}
	if found := j.look(10*time.Second, with(0)); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestForgetEndsWhatIsKnownOfASession(t *testing.T) {
	j := newJudge()
	var o doctor.Observations
	o.Is(doctor.VideoStopped, true)
	o.Set(doctor.Reconnects, 5)
	if found := j.look(time.Second, o); len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	j.Forget()
	if found := j.look(0, doctor.Observations{}); len(found) != 1 || found[0].Code != "reconnect_loop" {
		t.Errorf("%+v", found)
	}
}

// TestTable holds the rows to what the API and the pages rely on.
func TestTable(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	quoted := regexp.MustCompile(`\{\w+\}`)
	words := []string{"{reason}", "{consequence}", "{shed}", "{error}", "{kind}", "{viewers}", "{primary}"}
	for _, r := range doctor.Rules() {
		if !snake.MatchString(r.Code) || r.Title == "" || r.Remedy == "" || len(r.When) == 0 {
			t.Errorf("%+v is not whole", r)
		}
		var o doctor.Observations
		for _, l := range r.When {
			o.Set(l.Measure, l.Appears+map[bool]float64{true: -0.01, false: 0.01}[l.Below])
		}
		for _, m := range r.Evidence {
			if _, known := o.Value(m); !known {
				o.Set(m, 1)
			}
		}
		f, ok := code(newJudge().look(r.After, o), r.Code)
		if !ok {
			t.Errorf("%s is not told", r.Code)
		}
		if left := quoted.FindString(f.Message); left != "" {
			t.Errorf("%s quotes %s, which is neither evidence nor one of %v", r.Code, left, words)
		}
		for _, l := range r.When {
			if l.Below && l.Stays < l.Appears || !l.Below && l.Stays > l.Appears {
				t.Errorf("%s takes more to stay than to appear: %+v", r.Code, l)
			}
		}
	}
}

func TestAdviceMeetsThatOfThePlatforms(t *testing.T) {
	for _, c := range []struct {
		width, height, rate int
		codec               string
		least, most         float64
	}{
		{1920, 1080, 60, "h264", 6e6, 10e6},
		{1920, 1080, 30, "h264", 4e6, 6e6},
		{1280, 720, 60, "h264", 3.5e6, 5.6e6},
		{1280, 720, 30, "h264", 1.8e6, 3.5e6},
		{854, 480, 30, "h264", 1e6, 1.8e6},
		{720, 1280, 30, "h264", 1.8e6, 3.5e6},
		{1920, 1080, 60, "hevc", 3.6e6, 6.1e6},
	} {
		least, most := advised(c.width, c.height, c.rate, c.codec)
		if least < c.least*0.8 || least > c.least*1.25 || most < c.most*0.8 || most > c.most*1.25 {
			t.Errorf("%dx%d at %d in %s: %.1f to %.1f Mb/s, want about %.1f to %.1f", c.width, c.height, c.rate, c.codec, least/1e6, most/1e6, c.least/1e6, c.most/1e6)
		}
	}
}

// advised is the advice as findings compare with it.
func advised(width, height, rate int, codec string) (least, most float64) {
	var o doctor.Observations
	o.SetVideo(&media.Track{
		Kind: media.Video, Codec: media.Codec(codec), Width: width, Height: height,
		FrameRate: media.Rational{Num: rate, Den: 1},
	}, 1e6)
	ofLeast, _ := o.Value(doctor.BitrateOfLeast)
	ofMost, _ := o.Value(doctor.BitrateOfMost)
	return 100e6 / ofLeast, 100e6 / ofMost
}
