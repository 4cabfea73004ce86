package publish

import (
	"fmt"

	"github.com/yutopp/go-rtmp/message"
)

// RejectedError is the server's refusal, in its own words.
type RejectedError struct {
	// Code is such as NetStream.Publish.BadName.
	Code string
	// Description is for people; it may be empty.
	Description string
}

// Error is what the server said.
func (e *RejectedError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("the server rejected the stream (%s)", e.Code)
	}
	return fmt.Sprintf("the server rejected the stream: %s (%s)", e.Description, e.Code)
}

// reply is a command of the server: a result, an error or a status.
type reply struct {
	command     string
	transaction int64
	values      []any
}

// mostValues is more than any reply holds.
const mostValues = 8

func newReply(m *message.CommandMessage) reply {
	r := reply{command: m.CommandName, transaction: m.TransactionID}
	decoder := message.NewAMFDecoder(m.Body, m.Encoding)
	for len(r.values) < mostValues {
		var value any
		if err := decoder.Decode(&value); err != nil {
			break // The end of the body, or something that nobody reads.
		}
		r.values = append(r.values, value)
	}
	return r
}

// rejection is the error that the reply reports, if it is one.
func (r reply) rejection() error {
	if r.command == "_error" || (r.command == "onStatus" && r.text("level") == "error") {
		return &RejectedError{Code: r.text("code"), Description: r.text("description")}
	}
	return nil
}

// text is a field of the reply's information object.
func (r reply) text(field string) string {
	for _, value := range r.values {
		if object, ok := value.(map[string]any); ok {
			if text, ok := object[field].(string); ok {
				return text
			}
		}
	}
	return ""
}

func at(values []any, i int) any {
	if i < len(values) {
		return values[i]
	}
	return nil
}
