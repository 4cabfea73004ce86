package gateway

import (
	"context"
	"errors"
	"log/slog"

	"weir/pkg/api"
	"weir/pkg/token"
)

// identify tells whose token a secret is. Where tokens cannot be read, nobody
// has one.
func (g *gateway) identify(_ context.Context, secret string) (id api.Identity, ok bool) {
	t, ok, err := g.tokens.Find(secret)
	if err != nil {
		g.log.Error("the API refuses every token, as they cannot be read", slog.Any("error", err))
		return api.Identity{}, false
	}
	return api.Identity{Name: t.Name, Scope: api.Scope(t.Scope)}, ok
}

// tokenStore is the tokens in the API's words.
func (g *gateway) tokenStore() api.Tokens {
	return api.Tokens{
		List: func() ([]api.Token, error) {
			kept, err := g.tokens.List()
			var all []api.Token
			for _, t := range kept {
				all = append(all, apiToken(t))
			}
			return all, err
		},
		Create: func(name string, scope api.Scope) (api.NewToken, error) {
			t, secret, err := g.tokens.Create(name, string(scope))
			if errors.Is(err, token.ErrName) {
				err = api.ErrTokenName
			}
			return api.NewToken{Token: apiToken(t), Secret: secret}, err
		},
		Revoke: func(id string) error {
			err := g.tokens.Revoke(id)
			if errors.Is(err, token.ErrUnknown) {
				return api.ErrNoSuchToken
			}
			return err
		},
	}
}

func apiToken(t token.Token) api.Token {
	return api.Token{ID: t.ID, Name: t.Name, Scope: api.Scope(t.Scope), CreatedAt: t.Created}
}
