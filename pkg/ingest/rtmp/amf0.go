package rtmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Limits of what is decoded from one message. Encoders nest two or three deep
// and send a few dozen values.
const (
	maxAMFDepth  = 8
	maxAMFValues = 1024
)

// errAMF is wrapped by every error of decodeAMF0.
var errAMF = errors.New("invalid AMF0")

// The first byte of a value says its type (Action Message Format 0, 2.1).
const (
	amfNumber      byte = 0
	amfBoolean     byte = 1
	amfString      byte = 2
	amfObjectStart byte = 3
	amfNull        byte = 5
	amfUndefined   byte = 6
	amfReference   byte = 7
	amfECMAArray   byte = 8
	amfObjectEnd   byte = 9
	amfStrictArray byte = 10
	amfDate        byte = 11
	amfLongString  byte = 12
	amfUnsupported byte = 13
	amfXML         byte = 15
	amfTypedObject byte = 16
)

// amfProperty is one member of an object. A value is a float64, bool, string,
// amfObject, []any or nil (null, undefined and what has no use here).
type amfProperty struct {
	name  string
	value any
}

// amfObject is an object or an ECMA array, in the order of the wire.
type amfObject []amfProperty

// get is the value of a member, nil if there is none.
func (o amfObject) get(name string) any {
	for _, p := range o {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

func (o amfObject) text(name string) string {
	s, _ := o.get(name).(string)
	return s
}

// decodeAMF0 reads values until data ends. After an error it returns those
// before it. Depth and number of values are limited, and nothing is allocated
// for what a count claims.
func decodeAMF0(data []byte) ([]any, error) {
	d := amfDecoder{data: data, left: maxAMFValues}
	var values []any
	for len(d.data) > 0 {
		v, err := d.value(maxAMFDepth)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

type amfDecoder struct {
	data []byte
	// left is how many values more may come.
	left int
}

func (d *amfDecoder) value(depth int) (any, error) {
	if depth == 0 {
		return nil, fmt.Errorf("%w: it nests deeper than %d", errAMF, maxAMFDepth)
	}
	if d.left--; d.left < 0 {
		return nil, fmt.Errorf("%w: it has more than %d values", errAMF, maxAMFValues)
	}
	head, err := d.take(1)
	if err != nil {
		return nil, err
	}
	switch marker := head[0]; marker {
	case amfObjectStart:
		return d.object(depth)
	case amfECMAArray:
		if _, err := d.take(4); err != nil { // A count that nobody keeps to.
			return nil, err
		}
		return d.object(depth)
	case amfTypedObject:
		if _, err := d.string(2); err != nil { // Its class.
			return nil, err
		}
		return d.object(depth)
	case amfStrictArray:
		return d.array(depth)
	default:
		return d.scalar(marker)
	}
}

func (d *amfDecoder) scalar(marker byte) (any, error) {
	switch marker {
	case amfNumber:
		return d.number()
	case amfBoolean:
		b, err := d.take(1)
		if err != nil {
			return nil, err
		}
		return b[0] != 0, nil
	case amfString:
		return d.string(2)
	case amfLongString, amfXML:
		return d.string(4)
	case amfDate:
		v, err := d.number()
		if err != nil {
			return nil, err
		}
		_, err = d.take(2) // A time zone that is always 0.
		return v, err
	case amfReference:
		_, err := d.take(2)
		return nil, err
	case amfNull, amfUndefined, amfUnsupported:
		return nil, nil //nolint:nilnil // that is the value.
	default:
		return nil, fmt.Errorf("%w: a value is of type %d", errAMF, marker)
	}
}

func (d *amfDecoder) object(depth int) (any, error) {
	var o amfObject
	for {
		if len(d.data) == 0 {
			return o, nil // Some encoders leave out the end of the last one.
		}
		name, err := d.string(2)
		if err != nil {
			return nil, err
		}
		if name == "" && len(d.data) > 0 && d.data[0] == amfObjectEnd {
			d.data = d.data[1:]
			return o, nil
		}
		v, err := d.value(depth - 1)
		if err != nil {
			return nil, err
		}
		o = append(o, amfProperty{name, v})
	}
}

func (d *amfDecoder) array(depth int) (any, error) {
	count, err := d.take(4)
	if err != nil {
		return nil, err
	}
	var values []any
	for range binary.BigEndian.Uint32(count) {
		v, err := d.value(depth - 1)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func (d *amfDecoder) number() (float64, error) {
	b, err := d.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// string reads a string whose length takes size bytes, 2 or 4.
func (d *amfDecoder) string(size int) (string, error) {
	head, err := d.take(size)
	if err != nil {
		return "", err
	}
	var n uint32
	for _, b := range head {
		n = n<<8 | uint32(b)
	}
	if uint64(n) > uint64(len(d.data)) {
		return "", fmt.Errorf("%w: a string of %d bytes, %d are left", errAMF, n, len(d.data))
	}
	text, err := d.take(int(n))
	return string(text), err
}

func (d *amfDecoder) take(n int) ([]byte, error) {
	if n > len(d.data) {
		return nil, fmt.Errorf("%w: it ends inside a value", errAMF)
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b, nil
}

// appendAMF0 appends values: float64, string, bool, amfObject, []any or nil.
func appendAMF0(dst []byte, values ...any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case float64:
			dst = append(dst, amfNumber)
			dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
		case bool:
			dst = append(dst, amfBoolean, 0)
			if v {
				dst[len(dst)-1] = 1
			}
		case string:
			dst = append(dst, amfString)
			dst = appendAMFText(dst, v)
		case amfObject:
			dst = append(dst, amfObjectStart)
			for _, p := range v {
				dst = appendAMFText(dst, p.name)
				dst = appendAMF0(dst, p.value)
			}
			dst = append(dst, 0, 0, amfObjectEnd)
		case []any:
			dst = append(dst, amfStrictArray)
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(v)))
			dst = appendAMF0(dst, v...)
		default:
			dst = append(dst, amfNull)
		}
	}
	return dst
}

func appendAMFText(dst []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}
