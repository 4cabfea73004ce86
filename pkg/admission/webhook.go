package admission

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"weir/pkg/ingest"
	"weir/pkg/webhook/sign"
)

const (
	// asksAtOnce bounds how many publishers wait for the webhook at the same time;
	// others wait for their turn within the timeout.
	asksAtOnce = 16
	// mostAnswer bounds an answer, in bytes.
	mostAnswer = 64 << 10
	// mostMessage bounds what the webhook has an encoder told, in characters.
	mostMessage = 300
	// remembers is how long a decision is good while the webhook does not answer,
	// and decisionsKept how many are.
	remembers     = 24 * time.Hour
	decisionsKept = 4096
)

// WebhookConfig says which program decides, and how it is asked.
type WebhookConfig struct {
	// URL is asked by POST. It is the operator's own word, so it may be anywhere;
	// redirects are not followed.
	URL string
	// Secret signs what is asked.
	Secret sign.Key
	// Timeout is of the whole question, the turn that is waited for included.
	Timeout time.Duration
	// Remembered has those come in, while there is no answer, whom the last answer
	// let in. Otherwise nobody comes in.
	Remembered bool
	// Check has more to say about rules than ingest.Rules.Validate; nil for no.
	Check func(ingest.Rules) error
}

// Webhook asks another program who may publish.
type Webhook struct {
	cfg    WebhookConfig
	client *http.Client
	turns  chan struct{}
}

// NewWebhook asks nobody yet.
func NewWebhook(cfg WebhookConfig) *Webhook {
	return &Webhook{
		cfg: cfg, turns: make(chan struct{}, asksAtOnce),
		client: &http.Client{
			Timeout: cfg.Timeout,
			// A redirect would carry the key to somewhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: mostAnswer},
		},
	}
}

// question is what is posted.
type question struct {
	Protocol    string `json:"protocol"`
	Address     string `json:"address"`
	Application string `json:"application"`
	Key         string `json:"key"`
	Encoder     string `json:"encoder"`
}

// answer is what comes back with 200.
type answer struct {
	Allow   bool            `json:"allow"`
	Message string          `json:"message"`
	Stream  string          `json:"stream"`
	Rules   json.RawMessage `json:"rules"`
}

// ask is what the webhook says of a publisher.
func (d *Desk) ask(ctx context.Context, w *Webhook, req ingest.Request) (ingest.Grant, error) {
	key, begin := digestOf(req.Key), time.Now()
	grant, err := w.decide(ctx, req)
	denied, certain := errors.AsType[*ingest.Rejection](err)
	switch {
	case err == nil:
		d.memory.keep(key, grant, begin)
		return grant, nil
	case certain:
		d.memory.drop(key)
		return ingest.Grant{}, denied
	}
	remembered, known := d.memory.find(key, begin)
	known = known && w.cfg.Remembered
	d.log.Warn("the webhook gave no answer whether somebody may publish",
		slog.Any("error", err), slog.String("remote", req.Remote.String()), slog.Bool("let_in", known))
	if known {
		return remembered, nil
	}
	return ingest.Grant{}, &ingest.Rejection{
		Reason:  ingest.Undecided,
		Message: "This server could not find out whether you may publish. Try again in a minute; if it stays so, tell whoever runs the server.",
	}
}

// decide asks. The error is an *ingest.Rejection where the answer is no.
func (w *Webhook) decide(ctx context.Context, req ingest.Request) (ingest.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	select {
	case w.turns <- struct{}{}:
		defer func() { <-w.turns }()
	case <-ctx.Done():
		return ingest.Grant{}, fmt.Errorf("%d publishers are being asked about already: %w", asksAtOnce, ctx.Err())
	}
	said, err := w.post(ctx, question{
		Protocol: req.Protocol, Address: req.Remote.Addr().String(), Application: req.Application, Key: req.Key, Encoder: req.Encoder,
	})
	if err != nil {
		return ingest.Grant{}, err
	}
	if !said.Allow {
		return ingest.Grant{}, &ingest.Rejection{Reason: ingest.Denied, Message: message(said.Message)}
	}
	if !ingest.ValidName(said.Stream) {
		return ingest.Grant{}, fmt.Errorf("it allows the stream %q, which is no stream name", said.Stream)
	}
	rules, err := parseRules(said.Rules, w.cfg.Check)
	if err != nil {
		return ingest.Grant{}, fmt.Errorf("it gives rules that cannot be used: %w", err)
	}
	return ingest.Grant{Stream: said.Stream, Rules: rules}, nil
}

func (w *Webhook) post(ctx context.Context, q question) (answer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return answer{}, fmt.Errorf("write the question: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("write the question: %w", err)
	}
	request.Header = w.cfg.Secret.Header("publish_"+rand.Text(), time.Now(), body)
	request.Header.Set("Content-Type", "application/json")
	response, err := w.client.Do(request)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the URL, which may hold a secret
		}
		return answer{}, fmt.Errorf("ask it: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("read its answer: %w", err)
	}
	var said answer
	broken := json.Unmarshal(text, &said)
	switch response.StatusCode {
	case http.StatusOK:
		if broken != nil {
			return answer{}, fmt.Errorf("read its answer: %w", broken)
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		said.Allow = false // in whatever words
	default:
		return answer{}, fmt.Errorf("it answers %s", response.Status)
	}
	return said, nil
}

// message is foreign text fit for an encoder and a log.
func message(text string) string {
	words := []rune(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)), " "))
	if len(words) == 0 {
		return "This stream key is not accepted here. Check it, or ask where you got it."
	}
	return string(words[:min(len(words), mostMessage)])
}

// memory keeps what the webhook allowed.
type memory struct {
	mu   sync.Mutex
	kept map[digest]decision
}

type decision struct {
	grant ingest.Grant
	at    time.Time
}

func (m *memory) keep(key digest, grant ingest.Grant, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = make(map[digest]decision)
	}
	if _, known := m.kept[key]; !known && len(m.kept) >= decisionsKept {
		m.forget(now)
	}
	m.kept[key] = decision{grant, now}
}

// forget makes room: of what is too old, else of any.
func (m *memory) forget(now time.Time) {
	for key, d := range m.kept {
		if now.Sub(d.at) >= remembers {
			delete(m.kept, key)
		}
	}
	for key := range m.kept {
		if len(m.kept) < decisionsKept {
			return
		}
		delete(m.kept, key)
	}
}

func (m *memory) drop(key digest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, key)
}

func (m *memory) find(key digest, now time.Time) (ingest.Grant, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, known := m.kept[key]
	return d.grant, known && now.Sub(d.at) < remembers
}
