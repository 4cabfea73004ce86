package webhook

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Event is one thing that happened.
type Event struct {
	// Type is a word of Types, such as stream.started.
	Type string
	Time time.Time
	// Data is what JSON makes an object of.
	Data any
}

// Test is the type of events that somebody asked for, to see one arrive.
const Test = "webhook.test"

// Types lists what a webhook can ask for.
func Types() []string {
	return []string{
		"stream.started", "stream.resumed", "stream.ended", "stream.unhealthy", "stream.healthy",
		"publish.started", "publish.ended", "publish.rejected", "publish.switched",
		"rung.shed", "rung.restored", "worker.restarted",
	}
}

// message is an event as every webhook gets it.
type message struct {
	id, kind string
	created  time.Time
	body     []byte
}

// message gives the event its id.
func (e Event) message() (message, error) {
	id := "evt_" + random(12)
	body, err := json.Marshal(struct {
		ID        string    `json:"id"`
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{id, e.Type, e.Time.UTC(), e.Data})
	if err != nil {
		return message{}, fmt.Errorf("write the event %s: %w", e.Type, err)
	}
	return message{id: id, kind: e.Type, created: e.Time, body: body}, nil
}

// random is so many bytes, in hexadecimal.
func random(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}
