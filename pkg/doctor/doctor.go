package doctor

import "time"

// Doctor watches one stream. It belongs to one goroutine.
type Doctor struct {
	rules []Rule
	// states are those of the rules.
	states []state
}

// state is what a Doctor remembers of a rule.
type state struct {
	// since is when what stands began; zero while nothing does.
	since time.Time
	// turned is since when the rule says other than what is told; zero if it
	// agrees. told is the finding as it was when the rule last held.
	turned time.Time
	told   Finding
}

// New makes a Doctor that has seen nothing yet.
func New() *Doctor {
	rules := Rules()
	return &Doctor{rules: rules, states: make([]state, len(rules))}
}

// Look judges what is observed now and returns the findings that stand, in the
// order of the table. The times of its calls rise.
func (d *Doctor) Look(now time.Time, o *Observations) []Finding {
	var all []Finding
	for i := range d.rules {
		s := &d.states[i]
		s.judge(&d.rules[i], now, o)
		if !s.since.IsZero() && !tells(all, s.told.Code) {
			all = append(all, s.told)
		}
	}
	return all
}

func tells(all []Finding, code string) bool {
	for i := range all {
		if all[i].Code == code {
			return true
		}
	}
	return false
}

// Forget ends what is known of a session: what its successor does is another
// matter. What is said of the sessions themselves stays.
func (d *Doctor) Forget() {
	for i := range d.rules {
		if !d.rules[i].Always {
			d.states[i] = state{}
		}
	}
}

func (s *state) judge(r *Rule, now time.Time, o *Observations) {
	standing := !s.since.IsZero()
	holds := r.holds(o, standing)
	if holds == standing {
		s.turned = time.Time{}
		if holds {
			s.told = r.finding(o, s.since)
		}
		return
	}
	if s.turned.IsZero() {
		s.turned = now
	}
	patience := r.After
	if standing {
		patience = r.Gone
	}
	if now.Sub(s.turned) < patience {
		return
	}
	if standing {
		*s = state{}
		return
	}
	*s = state{since: s.turned, told: r.finding(o, s.turned)}
}
