package cmcd

// kind is the type of a bare item (RFC 8941, 3.3).
type kind uint8

const (
	kindOther kind = iota // of no key that is read: a byte sequence, a date
	kindNumber
	kindString
	kindToken
	kindBoolean
)

// value is a bare item, or an inner list drawn together to one: version 2 lists
// one number for each object type, such as (2500;v 128;a). The number is then
// video's where there is one, else the first, and sum is that of all.
type value struct {
	kind   kind
	number float64
	sum    float64
	text   string
	flag   bool
}

// upTo reports whether v is a number from 0 to most.
func (v value) upTo(most float64) bool {
	return v.kind == kindNumber && v.number >= 0 && v.number <= most
}

// with is a list's value with its next item, whose parameters say whether it is
// about video.
func (v value) with(item value, first, video bool) value {
	sum := v.sum + item.sum
	if first || video && item.kind == kindNumber {
		v = item
	}
	v.sum = sum
	return v
}
