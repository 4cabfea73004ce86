package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// NodeStatus is how the gateway itself fares.
type NodeStatus struct {
	_         struct{}  `additionalProperties:"true"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	Uptime    float64   `json:"uptime_s"`
	// Draining is true once Weir begins to stop.
	Draining bool `json:"draining" doc:"No publisher is let in: Weir is about to be stopped."`
	// Open is true where keys are not asked for (auth.mode: open).
	Open       bool `json:"open" doc:"Anybody may publish: a stream's key is its name (auth.mode is open)."`
	Publishers int  `json:"publishers" doc:"Publish sessions that are open."`
	Cores      int  `json:"cores" doc:"CPUs that this machine has for Weir."`
	// CPU and Memory are the gateway process's own: without the workers.
	CPU        float64    `json:"cpu_s" doc:"CPU time of the gateway process since its start, in seconds; workers are processes of their own."`
	Memory     uint64     `json:"memory_bytes" doc:"Resident memory of the gateway process; 0 where the system does not say."`
	Goroutines int        `json:"goroutines"`
	Streams    int        `json:"streams"`
	Listeners  []Endpoint `json:"listeners" nullable:"false"`
	// Certificates are of the TLS listeners.
	Certificates []Certificate `json:"certificates" doc:"Of the TLS listeners; empty where there are none." nullable:"false"`
}

// Certificate is a TLS certificate and its end.
type Certificate struct {
	_    struct{}   `additionalProperties:"true"`
	Mode string     `json:"mode" enum:"files,self_signed,acme" doc:"Where it is from: tls.mode."`
	Name string     `json:"name" doc:"The first name that it is for."`
	Ends *time.Time `json:"ends_at" doc:"null while a CA has not given it."`
}

// Endpoint is one listening socket.
type Endpoint struct {
	_        struct{} `additionalProperties:"true"`
	Protocol string   `json:"protocol" example:"rtmp"`
	Address  string   `json:"address" example:"[::]:1935"`
}

type configuration struct {
	_        struct{}       `additionalProperties:"true"`
	Settings map[string]any `json:"settings" doc:"Every setting by its path, such as rtmp.address, without the secrets."`
}

type auditList struct {
	_       struct{}     `additionalProperties:"true"`
	Entries []AuditEntry `json:"entries" nullable:"false"`
}

const tagNode = "Node"

func (h handlers) nodeRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-node", Method: http.MethodGet, Path: "/api/v1/node", Tags: []string{tagNode},
		Summary: "Show the gateway's own state", Security: needs(Viewer), Errors: authErrors(),
	}, func(context.Context, *struct{}) (*private[NodeStatus], error) {
		return &private[NodeStatus]{Body: h.cfg.Node()}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-config", Method: http.MethodGet, Path: "/api/v1/config", Tags: []string{tagNode},
		Summary: "Show the configuration", Security: needs(Admin), Errors: authErrors(),
	}, func(context.Context, *struct{}) (*private[configuration], error) {
		return &private[configuration]{Body: configuration{Settings: h.cfg.Settings()}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: []string{tagNode},
		Summary: "List what was changed through the API", Description: "The last 500 changes, the newest first. They are kept in memory; the log has them all.",
		Security: needs(Admin), Errors: authErrors(),
	}, func(context.Context, *struct{}) (*private[auditList], error) {
		return &private[auditList]{Body: auditList{Entries: h.journal.list()}}, nil
	})
}
