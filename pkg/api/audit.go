package api

import (
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// auditKept bounds the entries that are kept in memory; the log has them all.
const auditKept = 500

// AuditEntry is one thing that somebody changed through the API.
type AuditEntry struct {
	_    struct{}  `additionalProperties:"true"`
	Time time.Time `json:"time"`
	// Who is the token's name.
	Who    string `json:"who" doc:"The name of the token."`
	Client string `json:"client" doc:"The address that the request came from."`
	Action string `json:"action" doc:"The operation's id."`
	Path   string `json:"path"`
	Status int    `json:"status" doc:"The answer's status code."`
}

// journal keeps the last entries.
type journal struct {
	mu      sync.Mutex
	entries []AuditEntry
}

func (j *journal) add(e AuditEntry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) >= auditKept {
		j.entries = slices.Delete(j.entries, 0, 1)
	}
	j.entries = append(j.entries, e)
}

// list is the newest first.
func (j *journal) list() []AuditEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Clone(j.entries)
	slices.Reverse(all)
	return all
}

// audit writes down a request that may have changed something.
func (h handlers) audit(ctx huma.Context, who Identity) {
	if ctx.Method() == http.MethodGet || ctx.Method() == http.MethodHead {
		return
	}
	u := ctx.URL()
	e := AuditEntry{
		Time: time.Now().UTC(), Who: who.Name, Client: h.client(ctx),
		Action: ctx.Operation().OperationID, Path: u.Path, Status: ctx.Status(),
	}
	h.journal.add(e)
	h.cfg.Log.Info("changed through the API",
		slog.String("who", e.Who), slog.String("client", e.Client), slog.String("action", e.Action),
		slog.String("path", e.Path), slog.Int("status", e.Status))
}

func unwrap(ctx huma.Context) (*http.Request, http.ResponseWriter) { return humachi.Unwrap(ctx) }
