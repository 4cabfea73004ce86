package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// KeyRules are what holds for whoever publishes with a stream key. What is left
// out is not limited.
type KeyRules struct {
	Protocols     []string `json:"protocols,omitempty" doc:"How publishers may come: of rtmp, rtmps and srt. Left out: by all." nullable:"false" maxItems:"3" enum:"rtmp,rtmps,srt"`
	Addresses     []string `json:"addresses,omitempty" doc:"IP addresses and networks from which they may come, such as 192.0.2.7 or 10.0.0.0/8. Left out: from all." nullable:"false" maxItems:"100"`
	MaxBitrate    int      `json:"max_bitrate,omitempty" doc:"Of audio and video together, in bits per second. Who sends more than a tenth above it for 5 s is disconnected." example:"8000000"`
	MaxResolution string   `json:"max_resolution,omitempty" doc:"WIDTHxHEIGHT, the longer side first; pictures in portrait are held to it, too." example:"1920x1080"`
	MaxFrameRate  float64  `json:"max_frame_rate,omitempty" doc:"In frames per second." example:"60"`
	MaxDuration   int      `json:"max_duration_s,omitempty" doc:"Of a broadcast, over reconnects." example:"14400"`
	Takeover      string   `json:"takeover,omitempty" doc:"What becomes of a publisher that comes with this key while the stream is live: allow (default): it takes over at once; forbid: it is refused, unless the other one has been silent for 3 s." enum:"allow,forbid"`
	Ladder        string   `json:"ladder,omitempty" doc:"Replaces transcode.ladder: auto, source, or rungs such as 720p:2500k,480p." example:"720p:2500k,480p"`
	Backup        bool     `json:"backup,omitempty" doc:"Whoever publishes with this key stands by beside the publisher of another key, and is on air while that one sends nothing."`
	Record        bool     `json:"record,omitempty" doc:"Once its publisher is on air, the stream is recorded until it ends, unless recording.mode is off."`
}

// shownRules are KeyRules in an answer: more of them may come.
type shownRules struct {
	_ struct{} `additionalProperties:"true"`
	KeyRules
}

// KeyState is whether a stream key opens its stream.
type KeyState string

// StreamKey is a stream key without its secret.
type StreamKey struct {
	_         struct{}   `additionalProperties:"true"`
	ID        string     `json:"id"`
	Stream    string     `json:"stream" doc:"What the key publishes. A stream may have several keys."`
	Label     string     `json:"label" doc:"For people: whose it is."`
	State     KeyState   `json:"state" enum:"active,expired,revoked"`
	Rules     shownRules `json:"rules"`
	Encrypted bool       `json:"srt_encrypted" doc:"Whether SRT needs a passphrase, which is not shown."`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at" doc:"null: never."`
	RevokedAt *time.Time `json:"revoked_at" doc:"null: not. A revoked key is listed for 30 days."`
	// Secrets are several while a key is rotated.
	Secrets []KeySecret `json:"secrets" doc:"The newest first; there are several while a key is rotated." nullable:"false"`
}

// KeySecret is one secret of a stream key, without the secret itself.
type KeySecret struct {
	_          struct{}   `additionalProperties:"true"`
	CreatedAt  time.Time  `json:"created_at"`
	ValidUntil *time.Time `json:"valid_until" doc:"null: as long as the key."`
}

// ConfiguredKey is a key that is not made here.
type ConfiguredKey struct {
	_      struct{} `additionalProperties:"true"`
	Stream string   `json:"stream"`
	Source string   `json:"source" doc:"config: the setting streams. file: data_dir/stream-key, of the stream that is there without configuration." enum:"config,file"`
}

// NewStreamKey is a stream key with its secret, which is shown this once.
type NewStreamKey struct {
	_   struct{}  `additionalProperties:"true"`
	Key StreamKey `json:"key"`
	// Secret is what goes into the encoder.
	Secret string `json:"secret" doc:"What goes into the encoder's field Stream Key. It is shown this once."`
}

// KeyDraft is what is chosen of a stream key when it is made.
type KeyDraft struct {
	Stream     string     `json:"stream" doc:"1 to 64 of a-z, 0-9, _ and -, a letter or digit first." pattern:"^[a-z0-9][a-z0-9_-]{0,63}$" example:"main"`
	Label      string     `json:"label,omitempty" doc:"For people: whose it is." maxLength:"100"`
	Rules      KeyRules   `json:"rules,omitzero"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"Left out: never."`
	Passphrase string     `json:"srt_passphrase,omitempty" doc:"SRT is then taken only if it is encrypted with it." minLength:"10" maxLength:"79"`
}

// KeyChange is what is to be different of a stream key; nil stays as it is.
type KeyChange struct {
	Label *string   `json:"label,omitempty" maxLength:"100"`
	Rules *KeyRules `json:"rules,omitempty" doc:"Takes the place of all rules that there are."`
	// ExpiresAt is the zero time for never.
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"0001-01-01T00:00:00Z: never."`
	// Passphrase is "" for none.
	Passphrase *string `json:"srt_passphrase,omitempty" doc:"Empty: none." maxLength:"79"`
}

// Keys is where stream keys are kept. Its errors are ErrNoSuchKey, ErrKeyRevoked
// and *KeyError where the caller is at fault.
type Keys struct {
	List   func(context.Context) ([]StreamKey, error)
	Find   func(ctx context.Context, id string) (StreamKey, error)
	Create func(context.Context, KeyDraft) (NewStreamKey, error)
	Change func(ctx context.Context, id string, change KeyChange) (StreamKey, error)
	Rotate func(ctx context.Context, id string, overlap time.Duration) (NewStreamKey, error)
	Revoke func(ctx context.Context, id string) error
	// Configured lists the keys that are kept elsewhere.
	Configured func() []ConfiguredKey
}

// The errors of Keys that a caller can mend.
var (
	ErrNoSuchKey  = errors.New("there is no such stream key")
	ErrKeyRevoked = errors.New("the stream key was revoked")
)

// KeyError says what is wrong with what was wanted of a key.
type KeyError struct{ Mistakes []string }

// Error lists them.
func (e *KeyError) Error() string { return strings.Join(e.Mistakes, " ") }

type keyList struct {
	_          struct{}        `additionalProperties:"true"`
	Keys       []StreamKey     `json:"keys" nullable:"false"`
	Configured []ConfiguredKey `json:"configured" doc:"Keys of the configuration, which are neither made nor revoked here." nullable:"false"`
}

type ofKey struct {
	ID string `doc:"The key's id." path:"id"`
}

type createKeyInput struct{ Body KeyDraft }

type changeKeyInput struct {
	ID   string `doc:"The key's id." path:"id"`
	Body KeyChange
}

// defaultOverlap is how long both secrets are good where nothing else is said: a
// day to change the encoders.
const defaultOverlap = 24 * 60 * 60

type rotateKeyInput struct {
	ID   string `doc:"The key's id." path:"id"`
	Body *struct {
		Overlap *int `json:"overlap_s,omitempty" doc:"For how long the old secrets are still good; a day if left out. 0: they are not, for a secret that is known to others." maximum:"2592000" minimum:"0"`
	}
}

const tagKeys = "Stream keys"

func (h handlers) keyRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/api/v1/keys", Tags: []string{tagKeys},
		Summary: "List the stream keys", Description: "Without their secrets, which nobody can read back.",
		Security: needs(Admin), Errors: authErrors(http.StatusInternalServerError),
	}, h.keys)
	huma.Register(api, huma.Operation{
		OperationID: "get-key", Method: http.MethodGet, Path: "/api/v1/keys/{id}", Tags: []string{tagKeys},
		Summary: "Show a stream key", Security: needs(Admin), Errors: authErrors(http.StatusNotFound, http.StatusInternalServerError),
	}, h.key)
	huma.Register(api, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/api/v1/keys", Tags: []string{tagKeys},
		Summary: "Make a stream key", Description: "The answer holds the secret, this once.",
		Security: needs(Admin), Errors: authErrors(bodyErrors(http.StatusInternalServerError)...), DefaultStatus: http.StatusCreated,
	}, h.createKey)
	huma.Register(api, huma.Operation{
		OperationID: "change-key", Method: http.MethodPatch, Path: "/api/v1/keys/{id}", Tags: []string{tagKeys},
		Summary: "Change a stream key", Description: "What is left out stays. Rules hold from the next publisher on.",
		Security: needs(Admin), Errors: authErrors(bodyErrors(http.StatusNotFound, http.StatusConflict, http.StatusInternalServerError)...),
	}, h.changeKey)
	huma.Register(api, huma.Operation{
		OperationID: "rotate-key", Method: http.MethodPost, Path: "/api/v1/keys/{id}/rotate", Tags: []string{tagKeys},
		Summary: "Give a stream key a new secret", Description: "The answer holds it, this once. The old ones stay good for a while; whoever publishes goes on.",
		Security: needs(Admin), Errors: authErrors(bodyErrors(http.StatusNotFound, http.StatusConflict, http.StatusInternalServerError)...),
	}, h.rotateKey)
	huma.Register(api, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/api/v1/keys/{id}", Tags: []string{tagKeys},
		Summary: "Revoke a stream key", Description: "Whoever publishes with it is disconnected. It cannot be taken back.",
		Security: needs(Admin), Errors: authErrors(http.StatusNotFound, http.StatusInternalServerError),
	}, h.revokeKey)
}

// keyProblem tells a caller what is wrong.
func (h handlers) keyProblem(doing string, err error) error {
	mistakes, ok := errors.AsType[*KeyError](err)
	switch {
	case ok:
		return &huma.ErrorModel{
			Status: http.StatusUnprocessableEntity, Title: "Not a possible stream key",
			Detail: "Nothing was changed.", Errors: details(mistakes.Mistakes),
		}
	case errors.Is(err, ErrNoSuchKey):
		return problem(http.StatusNotFound, "No such stream key", "GET /api/v1/keys lists the ids of those that there are.")
	case errors.Is(err, ErrKeyRevoked):
		return problem(http.StatusConflict, "The stream key was revoked", "That cannot be taken back. Make another one.")
	}
	return h.broken(doing, err)
}

func (h handlers) keys(ctx context.Context, _ *struct{}) (*private[keyList], error) {
	all, err := h.cfg.Keys.List(ctx)
	if err != nil {
		return nil, h.broken("list the stream keys", err)
	}
	return &private[keyList]{Body: keyList{
		Keys: append([]StreamKey{}, all...), Configured: append([]ConfiguredKey{}, h.cfg.Keys.Configured()...),
	}}, nil
}

func (h handlers) key(ctx context.Context, in *ofKey) (*private[StreamKey], error) {
	found, err := h.cfg.Keys.Find(ctx, in.ID)
	if err != nil {
		return nil, h.keyProblem("find the stream key", err)
	}
	return &private[StreamKey]{Body: found}, nil
}

func (h handlers) createKey(ctx context.Context, in *createKeyInput) (*private[NewStreamKey], error) {
	made, err := h.cfg.Keys.Create(ctx, in.Body)
	if err != nil {
		return nil, h.keyProblem("make a stream key", err)
	}
	return &private[NewStreamKey]{Body: made}, nil
}

func (h handlers) changeKey(ctx context.Context, in *changeKeyInput) (*private[StreamKey], error) {
	changed, err := h.cfg.Keys.Change(ctx, in.ID, in.Body)
	if err != nil {
		return nil, h.keyProblem("change the stream key", err)
	}
	return &private[StreamKey]{Body: changed}, nil
}

func (h handlers) rotateKey(ctx context.Context, in *rotateKeyInput) (*private[NewStreamKey], error) {
	overlap := defaultOverlap
	if in.Body != nil && in.Body.Overlap != nil {
		overlap = *in.Body.Overlap
	}
	rotated, err := h.cfg.Keys.Rotate(ctx, in.ID, time.Duration(overlap)*time.Second)
	if err != nil {
		return nil, h.keyProblem("rotate the stream key", err)
	}
	return &private[NewStreamKey]{Body: rotated}, nil
}

func (h handlers) revokeKey(ctx context.Context, in *ofKey) (*struct{}, error) {
	if err := h.cfg.Keys.Revoke(ctx, in.ID); err != nil {
		return nil, h.keyProblem("revoke the stream key", err)
	}
	return nil, nil //nolint:nilnil // huma answers 204 without a body.
}
