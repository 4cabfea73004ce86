package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// list reads the packages of the module around dir. Cgo is switched on, because
// without it a file that imports C is not listed at all.
func list(t *testing.T, dir string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-tags=e2e",
		"-json=ImportPath,Doc,GoFiles,CgoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v\n%s", dir, err, stderr.Bytes())
	}
	graph, err := decode(bytes.NewReader(out))
	if err != nil {
		t.Fatalf("reading what go list printed in %s: %v", dir, err)
	}
	return graph
}

// decode reads go list's objects, which follow one another without commas.
func decode(r io.Reader) ([]pkg, error) {
	var graph []pkg
	for decoder := json.NewDecoder(r); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return graph, nil
		}
		if err != nil {
			return nil, fmt.Errorf("package %d: %w", len(graph)+1, err)
		}
		graph = append(graph, p)
	}
}
