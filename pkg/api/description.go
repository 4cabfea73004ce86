package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// serveDescription adds the OpenAPI document and its page to r. Both are made
// once: they do not change while Weir runs.
func serveDescription(r chi.Router, doc *huma.OpenAPI) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	page, err := renderPage(doc)
	if err != nil {
		return err
	}
	r.Get("/api/openapi.json", constant("application/openapi+json", append(text, '\n')))
	r.Get("/api/docs", constant("text/html; charset=utf-8", page))
	return nil
}

func constant(contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "public, max-age=60")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		_, _ = w.Write(body)
	}
}

//go:embed docs.html
var docsTemplate string

// renderPage shows the document to people: plain HTML that needs no script and
// nothing from another site.
func renderPage(doc *huma.OpenAPI) ([]byte, error) {
	page, err := template.New("docs").Funcs(template.FuncMap{
		"type": typeName, "anchor": func(name string) string { return "schema-" + name },
		"required": func(s *huma.Schema, property string) bool { return slices.Contains(s.Required, property) },
	}).Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the template of the API's page: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, map[string]any{
		"Info": doc.Info, "Groups": groups(doc), "Schemas": doc.Components.Schemas.Map(),
	}); err != nil {
		return nil, fmt.Errorf("write the API's page: %w", err)
	}
	return out.Bytes(), nil
}

// group is the operations of one tag, in the order of their paths.
type group struct {
	*huma.Tag
	Operations []*huma.Operation
}

func groups(doc *huma.OpenAPI) []group {
	var all []group
	for _, tag := range doc.Tags {
		g := group{Tag: tag}
		for _, item := range doc.Paths {
			for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
				if op != nil && slices.Contains(op.Tags, tag.Name) {
					g.Operations = append(g.Operations, op)
				}
			}
		}
		slices.SortFunc(g.Operations, func(a, b *huma.Operation) int {
			return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
		})
		all = append(all, g)
	}
	return all
}

const schemas = "#/components/schemas/"

// typeName is a schema in a few words, with a link where it is one of the
// document's own.
func typeName(s *huma.Schema) template.HTML {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		name := template.HTMLEscapeString(strings.TrimPrefix(s.Ref, schemas))
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`) //nolint:gosec // the name is escaped.
	case s.Type == huma.TypeArray:
		return "list of " + typeName(s.Items)
	}
	words := s.Type
	if s.Format != "" {
		words += " (" + s.Format + ")"
	}
	for i, value := range s.Enum {
		if i == 0 {
			words = fmt.Sprint(value)
			continue
		}
		words += fmt.Sprintf(" | %v", value)
	}
	if s.Nullable {
		words += " or null"
	}
	return template.HTML(template.HTMLEscapeString(words)) //nolint:gosec // it is escaped.
}
