package doctor

import (
	"strings"
	"time"
)

// Rule is one row of the table. Several rows may share a code: the first that
// stands is told.
type Rule struct {
	Code     string
	Severity Severity
	Hop      Hop
	Title    string
	// When are the limits that have all to be passed.
	When []Limit
	// After is how long they have to be before the finding appears, and Gone how
	// long not before it vanishes.
	After, Gone time.Duration
	// Message quotes evidence, and words, by name: "every {keyframe_interval}".
	Message string
	// Evidence is told beside the message.
	Evidence []Measure
	// Remedy says which setting mends it.
	Remedy string
	// Always is true for a rule that holds while nobody publishes, too.
	Always bool
}

// Limit is passed by a measure that is known and above it, or below. A finding
// that stands needs less to stay than it took to appear.
type Limit struct {
	Measure        Measure
	Below          bool
	Appears, Stays float64
}

func over(m Measure, appears, stays float64) Limit {
	return Limit{Measure: m, Appears: appears, Stays: stays}
}

func under(m Measure, appears, stays float64) Limit {
	return Limit{Measure: m, Below: true, Appears: appears, Stays: stays}
}

func is(m Measure) Limit    { return over(m, 0.5, 0.5) }
func isNot(m Measure) Limit { return under(m, 0.5, 0.5) }

// passed reports whether o is beyond the limit.
func (l Limit) passed(o *Observations, standing bool) bool {
	value, known := o.Value(l.Measure)
	limit := l.Appears
	if standing {
		limit = l.Stays
	}
	if l.Below {
		return known && value < limit
	}
	return known && value > limit
}

func (r *Rule) holds(o *Observations, standing bool) bool {
	for i := range r.When {
		if !r.When[i].passed(o, standing) {
			return false
		}
	}
	return true
}

// finding is what the rule tells of o.
func (r *Rule) finding(o *Observations, since time.Time) Finding {
	f := Finding{Code: r.Code, Severity: r.Severity, Hop: r.Hop, Title: r.Title, Remedy: r.Remedy, Since: since}
	var quotes []string
	for _, m := range r.Evidence {
		value, known := o.Value(m)
		if !known {
			continue
		}
		name, unit := m.unit()
		f.Evidence = append(f.Evidence, Evidence{Name: name, Value: value, Unit: unit})
		quotes = append(quotes, "{"+name+"}", text(value, unit))
	}
	for w := range wordCount {
		quotes = append(quotes, "{"+w.name()+"}", o.words[w])
	}
	f.Message = strings.NewReplacer(quotes...).Replace(r.Message)
	return f
}
