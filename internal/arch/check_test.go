package arch

import (
	"fmt"
	"slices"
	"strings"
)

// module is how the import paths of Weir's packages begin. The plan's don't.
const module = "weir"

// libav is the module whose packages are C in Go's clothes.
const libav = "github.com/asticode/go-astiav"

// pkg is what `go list` knows of one package.
type pkg struct {
	ImportPath   string
	Doc          string
	GoFiles      []string
	CgoFiles     []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// check returns what in the graph breaks the plan, a line each, in the order of
// the graph.
func check(plan []room, graph []pkg) []string {
	var broken []string
	for _, p := range graph {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		row, ok := rowOf(plan, path)
		if !ok {
			broken = append(broken, path+": has no row in the plan; add it to house() in internal/arch, with what it may import and why")
			continue
		}
		broken = append(broken, checkDoc(path, p)...)
		broken = append(broken, checkImports(path, row, p)...)
		broken = append(broken, checkFence(path, row, p)...)
	}
	return broken
}

// checkDoc wants a doc comment of every package that is more than tests.
func checkDoc(path string, p pkg) []string {
	if p.Doc != "" || len(p.GoFiles)+len(p.CgoFiles) == 0 {
		return nil
	}
	return []string{path + ": has no package comment; say what flows in, what flows out and who owns the goroutines"}
}

// checkImports holds what the package itself imports to its row. Tests may
// import more: their peers are other rooms.
func checkImports(path string, row room, p pkg) []string {
	var broken []string
	for _, imported := range p.Imports {
		inner, ours := strings.CutPrefix(imported, module+"/")
		switch {
		case ours && !fitsAny(row.imports, inner):
			broken = append(broken, fmt.Sprintf("%s: imports %s, and may import %s: %s", path, inner, said(row.imports), row.why))
		case !ours && row.stdOnly && !standard(imported):
			broken = append(broken, fmt.Sprintf("%s: imports %s: %s", path, imported, row.why))
		}
	}
	return broken
}

// checkFence finds C where it may not be. Tests are held to it as well, since a
// crash in C ends the test of everything else.
func checkFence(path string, row room, p pkg) []string {
	if row.cgo {
		return nil
	}
	var broken []string
	if len(p.CgoFiles) > 0 {
		broken = append(broken, fmt.Sprintf("%s: imports C in %s: native code stays in the worker's pkg/transcode/libav", path, strings.Join(p.CgoFiles, ", ")))
	}
	for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		if imported == libav || strings.HasPrefix(imported, libav+"/") {
			broken = append(broken, fmt.Sprintf("%s: imports %s: native code stays in the worker's pkg/transcode/libav", path, imported))
		}
	}
	return slices.Compact(broken)
}

// unused returns the rows that rule no package of the graph: a plan that speaks
// of rooms that are gone hides the ones that are new.
func unused(plan []room, graph []pkg) []string {
	used := map[string]bool{}
	for _, p := range graph {
		if row, ok := rowOf(plan, strings.TrimPrefix(p.ImportPath, module+"/")); ok {
			used[row.path] = true
		}
	}
	var rows []string
	for _, row := range plan {
		if !used[row.path] {
			rows = append(rows, row.path)
		}
	}
	return rows
}

// rowOf finds the longest row that fits the package.
func rowOf(plan []room, path string) (room, bool) {
	var best room
	for _, row := range plan {
		if fits(row.path, path) && len(row.path) > len(best.path) {
			best = row
		}
	}
	return best, best.path != ""
}

func fitsAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return fits(pattern, path) })
}

// fits reports whether path is the pattern, or below it if it ends in "...".
func fits(pattern, path string) bool {
	prefix, family := strings.CutSuffix(pattern, "...")
	if family {
		return strings.HasPrefix(path, prefix)
	}
	return pattern == path
}

// standard tells the standard library's packages from others, whose first
// element has a dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func said(patterns []string) string {
	if len(patterns) == 0 {
		return "nothing of Weir"
	}
	return strings.Join(patterns, ", ")
}
