package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Token is one token without its secret.
type Token struct {
	_         struct{}  `additionalProperties:"true"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Scope     Scope     `json:"scope" enum:"viewer,operator,admin"`
	CreatedAt time.Time `json:"created_at"`
}

// NewToken is a token with its secret, which is shown this once.
type NewToken struct {
	_     struct{} `additionalProperties:"true"`
	Token Token    `json:"token"`
	// Secret is what goes into the header Authorization.
	Secret string `json:"secret" doc:"What to send as Authorization: Bearer SECRET. It is shown this once."`
}

// Tokens is where tokens are kept.
type Tokens struct {
	List   func() ([]Token, error)
	Create func(name string, scope Scope) (NewToken, error)
	// Revoke returns ErrNoSuchToken where there is none.
	Revoke func(id string) error
}

// The errors of Tokens that a caller can mend.
var (
	ErrNoSuchToken = errors.New("there is no such token")
	ErrTokenName   = errors.New("the name of a token has 1 to 64 printable characters")
)

type tokenList struct {
	_      struct{} `additionalProperties:"true"`
	Tokens []Token  `json:"tokens" nullable:"false"`
}

type createTokenInput struct {
	Body struct {
		Name  string `json:"name" doc:"For people: where it is used." maxLength:"64" minLength:"1"`
		Scope Scope  `json:"scope" enum:"viewer,operator,admin"`
	}
}

// Caller is who asks, by the token that was sent.
type Caller struct {
	_     struct{} `additionalProperties:"true"`
	Name  string   `json:"name" doc:"What the token was called when it was made."`
	Scope Scope    `json:"scope" enum:"viewer,operator,admin"`
}

type revokeTokenInput struct {
	ID string `path:"id"`
}

const tagTokens = "Tokens"

func (h handlers) tokenRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-own-token", Method: http.MethodGet, Path: "/api/v1/token", Tags: []string{tagTokens},
		Summary: "Show what the token that is sent is good for", Security: needs(Viewer), Errors: authErrors(),
	}, func(ctx context.Context, _ *struct{}) (*private[Caller], error) {
		id := caller(ctx)
		return &private[Caller]{Body: Caller{Name: id.Name, Scope: id.Scope}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/api/v1/tokens", Tags: []string{tagTokens},
		Summary: "List the tokens", Description: "Without their secrets, which nobody can read back.",
		Security: needs(Admin), Errors: authErrors(http.StatusInternalServerError),
	}, h.tokens)
	huma.Register(api, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/api/v1/tokens", Tags: []string{tagTokens},
		Summary: "Make a token", Description: "The answer holds the secret, this once.",
		Security: needs(Admin), Errors: authErrors(bodyErrors(http.StatusInternalServerError)...), DefaultStatus: http.StatusCreated,
	}, h.createToken)
	huma.Register(api, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/api/v1/tokens/{id}", Tags: []string{tagTokens},
		Summary: "Revoke a token", Description: "It is refused from then on, also for the one who revokes it.",
		Security: needs(Admin), Errors: authErrors(http.StatusNotFound, http.StatusInternalServerError),
	}, h.revokeToken)
}

// broken tells a caller that it is not at fault.
func (h handlers) broken(doing string, err error) error {
	h.cfg.Log.Error("the API failed", slog.String("doing", doing), slog.Any("error", err))
	return problem(http.StatusInternalServerError, "Weir is at fault", "It could not "+doing+". Its log says why.")
}

func (h handlers) tokens(context.Context, *struct{}) (*private[tokenList], error) {
	all, err := h.cfg.Tokens.List()
	if err != nil {
		return nil, h.broken("list the tokens", err)
	}
	return &private[tokenList]{Body: tokenList{Tokens: append([]Token{}, all...)}}, nil
}

func (h handlers) createToken(_ context.Context, in *createTokenInput) (*private[NewToken], error) {
	made, err := h.cfg.Tokens.Create(in.Body.Name, in.Body.Scope)
	switch {
	case errors.Is(err, ErrTokenName):
		return nil, problem(http.StatusUnprocessableEntity, "Not a name", "The name has 1 to 64 printable characters, and no space at its ends.")
	case err != nil:
		return nil, h.broken("make a token", err)
	}
	return &private[NewToken]{Body: made}, nil
}

func (h handlers) revokeToken(_ context.Context, in *revokeTokenInput) (*struct{}, error) {
	err := h.cfg.Tokens.Revoke(in.ID)
	switch {
	case errors.Is(err, ErrNoSuchToken):
		return nil, problem(http.StatusNotFound, "No such token", "GET /api/v1/tokens lists the ids of those that there are.")
	case err != nil:
		return nil, h.broken("revoke the token", err)
	}
	return nil, nil //nolint:nilnil // huma answers 204 without a body.
}
