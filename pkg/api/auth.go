package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Scope is what a token is good for. Each one includes those before it.
type Scope string

// The scopes.
const (
	// Viewer reads states and figures.
	Viewer Scope = "viewer"
	// Operator also sees publishers' addresses and kicks them.
	Operator Scope = "operator"
	// Admin also reads the configuration and makes tokens.
	Admin Scope = "admin"
)

// Scopes lists them, the least first.
func Scopes() []Scope { return []Scope{Viewer, Operator, Admin} }

// Includes reports whether s is good for what need is needed for.
func (s Scope) Includes(need Scope) bool {
	rank := map[Scope]int{Viewer: 1, Operator: 2, Admin: 3}
	return rank[s] > 0 && rank[s] >= rank[need]
}

// Identity is whom a token belongs to.
type Identity struct {
	// Name is what the token was called when it was made.
	Name  string
	Scope Scope
}

type identityKey struct{}

// caller is who sent the request; the zero Identity where no token is needed.
func caller(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(Identity)
	return id
}

// bearer is the name of the document's security scheme.
const bearer = "bearer"

// needs marks an operation as one for tokens of that scope.
func needs(scope Scope) []map[string][]string {
	return []map[string][]string{{bearer: {string(scope)}}}
}

// needed is the scope that an operation was marked with, "" if it is open.
func needed(op *huma.Operation) Scope {
	for _, scheme := range op.Security {
		for _, scope := range scheme[bearer] {
			return Scope(scope)
		}
	}
	return ""
}

// authorize lets a request pass whose token is good enough for its operation,
// and writes down what was changed by whom.
func (h handlers) authorize(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		scope := needed(ctx.Operation())
		if scope == "" {
			next(ctx)
			return
		}
		ctx.SetHeader("Cache-Control", cacheNever)
		id, refusal := h.identify(ctx, scope)
		if refusal != nil {
			for name, value := range refusal.header {
				ctx.SetHeader(name, value)
			}
			_ = huma.WriteErr(api, ctx, refusal.status, refusal.detail) // the client is gone
			return
		}
		next(huma.WithValue(ctx, identityKey{}, id))
		h.audit(ctx, id)
	}
}

// refusal is why a request may not pass.
type refusal struct {
	status int
	detail string
	header map[string]string
}

func (h handlers) identify(ctx huma.Context, scope Scope) (Identity, *refusal) {
	client := h.client(ctx)
	if wait := h.failures.wait(client); wait > 0 {
		return Identity{}, &refusal{
			http.StatusTooManyRequests, "Too many wrong tokens came from your address.",
			map[string]string{"Retry-After": strconv.Itoa(int(wait.Seconds()) + 1)},
		}
	}
	challenge := map[string]string{"WWW-Authenticate": `Bearer realm="weir"`}
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, bearer) || token == "" {
		return Identity{}, &refusal{
			http.StatusUnauthorized,
			"This needs a token: send the header Authorization: Bearer TOKEN. weir tokens create makes one.", challenge,
		}
	}
	id, ok := h.cfg.Identify(ctx.Context(), strings.TrimSpace(token))
	if !ok {
		h.failures.count(client)
		return Identity{}, &refusal{http.StatusUnauthorized, "The token is wrong, or was revoked.", challenge}
	}
	if !id.Scope.Includes(scope) {
		return Identity{}, &refusal{
			http.StatusForbidden,
			fmt.Sprintf("This needs a token of scope %s; yours has %s.", scope, id.Scope), nil,
		}
	}
	return id, nil
}

// client is the address that a request came from.
func (h handlers) client(ctx huma.Context) string {
	r, _ := unwrap(ctx)
	return h.cfg.Client(r)
}
