package rtmp

import "math"

// command is a command message (section 7.1.1): a call, or the answer to one.
type command struct {
	name string
	// transaction numbers the call; an answer repeats it, 0 wants none.
	transaction float64
	object      amfObject
	args        []any
}

// parseCommand reads as much of a command as can be read; ok is false if not
// even its name can.
func parseCommand(payload []byte) (cmd command, ok bool) {
	values, _ := decodeAMF0(payload) // What came before an error counts.
	if len(values) == 0 {
		return command{}, false
	}
	if cmd.name, ok = values[0].(string); !ok {
		return command{}, false
	}
	if len(values) > 1 {
		cmd.transaction, _ = values[1].(float64)
	}
	if math.IsNaN(cmd.transaction) {
		cmd.transaction = 0
	}
	if len(values) > 2 {
		cmd.object, _ = values[2].(amfObject)
		cmd.args = values[3:]
	}
	return cmd, true
}

// text is the argument at index as a string, "" if it is none.
func (c command) text(index int) string {
	if index >= len(c.args) {
		return ""
	}
	s, _ := c.args[index].(string)
	return s
}

// commandMessage is a command or an answer for a message stream.
func commandMessage(stream uint32, values ...any) message {
	return message{typ: typeCommandAMF0, stream: stream, payload: appendAMF0(nil, values...)}
}

// The levels of a status.
const (
	levelStatus = "status"
	levelError  = "error"
)

// status is the object in onStatus and in answers to connect (section 7.2.2).
func status(level, code, description string) amfObject {
	return amfObject{{"level", level}, {"code", code}, {"description", description}}
}
