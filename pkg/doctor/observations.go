package doctor

// Observations are what is known of a stream at one look. The zero value knows
// nothing; it is copied by value.
type Observations struct {
	values [measures]float64
	known  [measures]bool
	words  [wordCount]string
}

// Word is a piece of text that messages quote.
type Word uint8

// What messages quote.
const (
	// Unplayable is why not every player decodes the source.
	Unplayable Word = iota
	// Consequence is what Weir does about a source that it cannot cut.
	Consequence
	// Shed names the rungs that are encoded less, and how.
	Shed
	// WorkerError is how the last worker died, FailingKind what it encoded.
	WorkerError
	FailingKind
	// Viewers is what viewers do while no media comes.
	Viewers
	// Primary is what is wrong with the primary publisher while its backup is on air.
	Primary

	wordCount
)

func (w Word) name() string {
	return [wordCount]string{
		Unplayable: "reason", Consequence: "consequence", Shed: "shed", WorkerError: "error", FailingKind: "kind", Viewers: "viewers", Primary: "primary",
	}[w]
}

// Set notes that m is value.
func (o *Observations) Set(m Measure, value float64) { o.values[m], o.known[m] = value, true }

// Is notes whether m is true.
func (o *Observations) Is(m Measure, holds bool) {
	o.Set(m, 0)
	if holds {
		o.values[m] = 1
	}
}

// Say notes what is quoted of w.
func (o *Observations) Say(w Word, text string) { o.words[w] = text }

// Value is what m is, if that was observed.
func (o *Observations) Value(m Measure) (value float64, known bool) { return o.values[m], o.known[m] }
