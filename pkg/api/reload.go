package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// SettingChange is a setting that was found different when the configuration
// was read again.
type SettingChange struct {
	_   struct{} `additionalProperties:"true"`
	Key string   `json:"key" example:"ingest.resume_window"`
	// From and To are without secrets.
	From         any  `json:"from" doc:"What held before; secrets are not shown."`
	To           any  `json:"to"`
	NeedsRestart bool `json:"needs_restart" doc:"Weir goes on with the old value until it is restarted."`
}

// ConfigError says what is wrong with a configuration that was not taken.
type ConfigError struct{ Mistakes []string }

// Error lists them.
func (e *ConfigError) Error() string { return strings.Join(e.Mistakes, " ") }

type reloaded struct {
	_       struct{}        `additionalProperties:"true"`
	Changes []SettingChange `json:"changes" nullable:"false"`
}

func (h handlers) reloadRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "reload-config", Method: http.MethodPost, Path: "/api/v1/config/reload", Tags: []string{tagNode},
		Summary: "Read the configuration again",
		Description: "The file, and the variables and flags that Weir was started with, are read and checked as a whole. " +
			"With a mistake in them, nothing changes. Streams that run go on: what is encoded changes with their next session.",
		Security: needs(Admin), Errors: authErrors(http.StatusUnprocessableEntity),
	}, func(context.Context, *struct{}) (*private[reloaded], error) {
		changes, err := h.cfg.Reload()
		if mistakes, ok := errors.AsType[*ConfigError](err); ok {
			return nil, &huma.ErrorModel{
				Status: http.StatusUnprocessableEntity, Title: "The configuration has mistakes",
				Detail: "Nothing was changed.", Errors: details(mistakes.Mistakes),
			}
		}
		if err != nil {
			return nil, problem(http.StatusUnprocessableEntity, "The configuration cannot be used", err.Error())
		}
		return &private[reloaded]{Body: reloaded{Changes: changes}}, nil
	})
}

func details(mistakes []string) []*huma.ErrorDetail {
	all := make([]*huma.ErrorDetail, 0, len(mistakes))
	for _, m := range mistakes {
		all = append(all, &huma.ErrorDetail{Message: m})
	}
	return all
}
