package ingest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reasons are all constants of type Reason.
func reasons(t *testing.T) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "rejection.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Reason" {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		return true
	})
	slices.Sort(all)
	return all
}

// TestReasonsAreListed holds docs/ingest.md to the reasons that there are: its table,
// to which other pages lead, has each of them once and no other.
func TestReasonsAreListed(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/ingest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), "\n## Why an encoder is refused\n")
	_, table, found := strings.Cut(section, "\n| reason | what it means | how to mend it |\n| --- | --- | --- |\n")
	if !found {
		t.Fatal("docs/ingest.md has no table of reasons")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []string
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
			listed = append(listed, name[1])
		}
	}
	slices.Sort(listed)
	if all := reasons(t); len(all) < 20 || !slices.Equal(listed, all) {
		t.Errorf("docs/ingest.md lists\n%q\nbut there are\n%q", listed, all)
	}
}
