package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is what a client reads of the OpenAPI document.
type document struct {
	Version string                          `json:"openapi"`
	Paths   map[string]map[string]operation `json:"paths"`
}

type operation struct {
	ID        string                `json:"operationId"`
	Security  []map[string][]string `json:"security"`
	Responses map[string]struct {
		Content map[string]json.RawMessage `json:"content"`
	} `json:"responses"`
}

// contract holds answers against what the document promises. The schemas are
// read by another library than the one that wrote them.
type contract struct {
	handler http.Handler
	doc     document
	schemas *jsonschema.Compiler
}

const documentURL = "https://weir.test/api/openapi.json"

func newContract(t *testing.T, handler http.Handler) *contract {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	c := &contract{handler: handler, schemas: jsonschema.NewCompiler()}
	if err := json.Unmarshal(w.Body.Bytes(), &c.doc); err != nil {
		t.Fatalf("read the document: %v", err)
	}
	if !strings.HasPrefix(c.doc.Version, "3.1") {
		t.Fatalf("the document is OpenAPI %q", c.doc.Version)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	c.schemas.DefaultDraft(jsonschema.Draft2020) // that of OpenAPI 3.1
	c.schemas.AssertFormat()
	if err := c.schemas.AddResource(documentURL, whole); err != nil {
		t.Fatal(err)
	}
	return c
}

// find is the operation that the document gives a request, with the path as it
// writes it.
func (c *contract) find(method, path string) (template string, op operation, ok bool) {
	asked := strings.Split(path, "/")
	for template, methods := range c.doc.Paths {
		parts := strings.Split(template, "/")
		fits := len(parts) == len(asked)
		for i := 0; fits && i < len(parts); i++ {
			fits = parts[i] == asked[i] || strings.HasPrefix(parts[i], "{")
		}
		if op, there := methods[strings.ToLower(method)]; fits && there {
			return template, op, true
		}
	}
	return "", operation{}, false
}

// ask sends a request and checks that the answer is one that the document
// promises for it. What the document does not know must be a problem.
func (c *contract) ask(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	contentType, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	template, op, known := c.find(r.Method, r.URL.Path)
	if !known {
		if contentType != "application/problem+json" || w.Code < 400 {
			t.Errorf("%s %s is not in the document and answers %d %s", r.Method, r.URL.Path, w.Code, contentType)
		}
		template, _, _ = c.find(http.MethodGet, "/api/v1/streams/x")
		c.valid(t, pointer(template, "get", "404", contentType), w.Body.Bytes())
		return w
	}
	code := strconv.Itoa(w.Code)
	if _, ok := op.Responses[code]; !ok {
		code = "default"
	}
	answer, ok := op.Responses[code]
	if !ok {
		t.Fatalf("%s %s answers %d, which the document does not name: %s", r.Method, r.URL.Path, w.Code, w.Body)
	}
	if len(answer.Content) == 0 && w.Body.Len() == 0 {
		return w
	}
	if _, ok := answer.Content[contentType]; !ok {
		t.Fatalf("%s %s answers %d with %q, which the document does not name", r.Method, r.URL.Path, w.Code, contentType)
	}
	c.valid(t, pointer(template, strings.ToLower(r.Method), code, contentType), w.Body.Bytes())
	return w
}

// pointer is where a schema is in the document (RFC 6901).
func pointer(path, method, code, contentType string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	return fmt.Sprintf("%s#/paths/%s/%s/responses/%s/content/%s/schema", documentURL,
		escape.Replace(path), method, code, escape.Replace(contentType))
}

func (c *contract) valid(t *testing.T, schema string, body []byte) {
	t.Helper()
	compiled, err := c.schemas.Compile(schema)
	if err != nil {
		t.Fatalf("the document's schema at %s: %v", schema, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("not JSON: %v in %s", err, body)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("the answer is not what the document says: %v\n%s", err, body)
	}
}

func TestContract(t *testing.T) {
	c := newContract(t, handler(t))
	tried := map[string]bool{"listen-events": true} // TestEvents does
	for _, ask := range []struct {
		method, path string
		code         int
		token, body  string
	}{
		{http.MethodGet, "/api/v1/streams", 200, "", ""},
		{http.MethodGet, "/api/v1/streams/main", 200, "", ""},
		{http.MethodGet, "/api/v1/streams/second", 200, "", ""},
		{http.MethodGet, "/api/v1/streams/nobody", 404, "", ""},
		{http.MethodGet, "/api/v1/streams/no%2Fbody", 404, "", ""},
		{http.MethodPatch, "/api/v1/streams/main", 405, "", ""},
		{http.MethodPost, "/api/v1/streams", 405, "", ""},
		{http.MethodGet, "/api/v1/cameras", 404, "", ""},
		{http.MethodGet, "/api/v2/streams", 404, "", ""},
		{http.MethodGet, "/api/", 404, "", ""},
		{http.MethodGet, "/api/v1/sessions", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/sessions", 401, "", ""},
		{http.MethodGet, "/api/v1/sessions", 401, "wrong", ""},
		{http.MethodGet, "/api/v1/streams/main/sessions", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/streams/main/figures", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/streams/main/figures?after=2026-11-23T12:00:00.5Z", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/streams/main/figures?after=yesterday", 422, "viewer", ""},
		{http.MethodPost, "/api/v1/streams/main/kick", 403, "viewer", ""},
		{http.MethodPost, "/api/v1/streams/main/kick", 200, "operator", ""},
		{http.MethodPost, "/api/v1/streams/main/kick", 200, "admin", `{"hold_s":30}`},
		{http.MethodPost, "/api/v1/streams/second/kick", 409, "operator", `{}`},
		{http.MethodPost, "/api/v1/streams/main/kick", 422, "operator", `{"hold_s":-1}`},
		{http.MethodPost, "/api/v1/streams/main/kick", 422, "operator", `{"hold":1}`},
		{http.MethodPost, "/api/v1/streams/main/kick", 400, "operator", `{"hold_s":`},
		{http.MethodGet, "/api/v1/streams/main/kick", 405, "operator", ""},
		{http.MethodGet, "/api/v1/token", 200, "operator", ""},
		{http.MethodGet, "/api/v1/token", 401, "wrong", ""},
		{http.MethodGet, "/api/v1/events/recent", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/node", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/config", 403, "operator", ""},
		{http.MethodGet, "/api/v1/config", 200, "admin", ""},
		{http.MethodPost, "/api/v1/config/reload", 200, "admin", ""},
		{http.MethodPost, "/api/v1/node/drain", 202, "admin", ""},
		{http.MethodPost, "/api/v1/node/drain", 202, "admin", `{"end":true,"wait_s":60}`},
		{http.MethodPost, "/api/v1/node/drain", 422, "admin", `{"wait_s":-1}`},
		{http.MethodPost, "/api/v1/node/drain", 403, "operator", ""},
		{http.MethodGet, "/api/v1/audit", 200, "admin", ""},
		{http.MethodGet, "/api/v1/tokens", 200, "admin", ""},
		{http.MethodGet, "/api/v1/tokens", 403, "operator", ""},
		{http.MethodPost, "/api/v1/tokens", 201, "admin", `{"name":"grafana","scope":"viewer"}`},
		{http.MethodPost, "/api/v1/tokens", 422, "admin", `{"name":"grafana","scope":"root"}`},
		{http.MethodPost, "/api/v1/tokens", 422, "admin", `{"name":"bad","scope":"viewer"}`},
		{http.MethodPost, "/api/v1/tokens", 400, "admin", ""},
		{http.MethodDelete, "/api/v1/tokens/0a1b2c3d", 204, "admin", ""},
		{http.MethodDelete, "/api/v1/tokens/ffffffff", 404, "admin", ""},
		{http.MethodGet, "/api/v1/refusals", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/recordings", 200, "viewer", ""},
		{http.MethodGet, "/api/v1/recordings", 401, "", ""},
		{http.MethodGet, "/api/v1/keys", 200, "admin", ""},
		{http.MethodGet, "/api/v1/keys", 403, "operator", ""},
		{http.MethodGet, "/api/v1/keys/0a1b2c3d", 200, "admin", ""},
		{http.MethodGet, "/api/v1/keys/ffffffff", 404, "admin", ""},
		{http.MethodPost, "/api/v1/keys", 201, "admin", `{"stream":"main"}`},
		{http.MethodPost, "/api/v1/keys", 201, "admin", `{"stream":"main","label":"Ann","expires_at":"2027-01-01T00:00:00Z","srt_passphrase":"ten letters","rules":{"protocols":["rtmps"],"addresses":["10.0.0.0/8"],"max_bitrate":8000000,"max_resolution":"1920x1080","max_frame_rate":60,"max_duration_s":3600,"takeover":"forbid","ladder":"source","backup":true,"record":true}}`},
		{http.MethodPost, "/api/v1/keys", 422, "admin", `{"stream":"Main"}`},
		{http.MethodPost, "/api/v1/keys", 422, "admin", `{"stream":"bad"}`},
		{http.MethodPost, "/api/v1/keys", 422, "admin", `{"stream":"main","rules":{"protocols":["webrtc"]}}`},
		{http.MethodPost, "/api/v1/keys", 422, "admin", `{"stream":"main","rules":{"max_bitrat":1}}`},
		{http.MethodPost, "/api/v1/keys", 403, "operator", `{"stream":"main"}`},
		{http.MethodPatch, "/api/v1/keys/0a1b2c3d", 200, "admin", `{"rules":{},"expires_at":"0001-01-01T00:00:00Z"}`},
		{http.MethodPatch, "/api/v1/keys/ffffffff", 404, "admin", `{"label":"Bob"}`},
		{http.MethodPatch, "/api/v1/keys/4e5f6a7b", 409, "admin", `{"label":"Bob"}`},
		{http.MethodPost, "/api/v1/keys/0a1b2c3d/rotate", 200, "admin", ""},
		{http.MethodPost, "/api/v1/keys/0a1b2c3d/rotate", 200, "admin", `{"overlap_s":0}`},
		{http.MethodPost, "/api/v1/keys/0a1b2c3d/rotate", 422, "admin", `{"overlap_s":-1}`},
		{http.MethodPost, "/api/v1/keys/4e5f6a7b/rotate", 409, "admin", ""},
		{http.MethodDelete, "/api/v1/keys/0a1b2c3d", 204, "admin", ""},
		{http.MethodDelete, "/api/v1/keys/ffffffff", 404, "admin", ""},
		{http.MethodGet, "/api/v1/webhooks", 200, "admin", ""},
		{http.MethodGet, "/api/v1/webhooks", 403, "operator", ""},
		{http.MethodPost, "/api/v1/webhooks", 201, "admin", `{"url":"https://bot.example.com/","events":["stream.ended"]}`},
		{http.MethodPost, "/api/v1/webhooks", 422, "admin", `{"url":"http://10.0.0.1/"}`},
		{http.MethodPost, "/api/v1/webhooks", 409, "admin", `{"url":"https://one.too.many/"}`},
		{http.MethodPost, "/api/v1/webhooks", 422, "admin", `{}`},
		{http.MethodPatch, "/api/v1/webhooks/0a1b2c3d", 200, "admin", `{"enabled":true}`},
		{http.MethodPatch, "/api/v1/webhooks/ffffffff", 404, "admin", `{}`},
		{http.MethodPatch, "/api/v1/webhooks/c0c0c0c0", 409, "admin", `{"url":"https://bot.example.com/"}`},
		{http.MethodPost, "/api/v1/webhooks/0a1b2c3d/test", 200, "admin", ""},
		{http.MethodPost, "/api/v1/webhooks/ffffffff/test", 404, "admin", ""},
		{http.MethodGet, "/api/v1/webhooks/0a1b2c3d/deliveries", 200, "admin", ""},
		{http.MethodGet, "/api/v1/webhooks/ffffffff/deliveries", 404, "admin", ""},
		{http.MethodDelete, "/api/v1/webhooks/0a1b2c3d", 204, "admin", ""},
		{http.MethodDelete, "/api/v1/webhooks/ffffffff", 404, "admin", ""},
		{http.MethodDelete, "/api/v1/webhooks/c0c0c0c0", 409, "admin", ""},
	} {
		t.Run(fmt.Sprintf("%s %s %s%s", ask.method, ask.path, ask.token, ask.body), func(t *testing.T) {
			w := c.ask(t, request(ask.method, ask.path, ask.token, ask.body))
			if w.Code != ask.code {
				t.Errorf("answered %d, want %d: %s", w.Code, ask.code, w.Body)
			}
			if _, op, ok := c.find(ask.method, ask.path); ok && w.Code < 300 {
				tried[op.ID] = true
			}
		})
	}
	for path, methods := range c.doc.Paths {
		for method, op := range methods {
			if !tried[op.ID] {
				t.Errorf("%s %s was never seen to work", method, path)
			}
		}
	}
}

func TestPage(t *testing.T) {
	w := httptest.NewRecorder()
	handler(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/docs", nil))
	page := w.Body.String()
	for _, want := range []string{"/api/v1/streams/{name}", "keyframe_interval_s", "schema-StreamStatus"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not speak of %s", want)
		}
	}
	for _, foreign := range []string{"<script", "http://", "https://", "src="} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page reaches for something else: %s", foreign)
		}
	}
}
