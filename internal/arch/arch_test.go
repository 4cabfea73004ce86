package arch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHouseFollowsItsPlan(t *testing.T) {
	t.Parallel()
	graph := list(t, filepath.Join("..", ".."))
	for _, broken := range check(house(), graph) {
		t.Error(broken)
	}
	for _, row := range unused(house(), graph) {
		t.Errorf("the plan has a row for %s, and there is no such package; remove the row", row)
	}
}

// The plan is only worth what its check can find.
func TestCheckFindsWhatBreaksThePlan(t *testing.T) {
	t.Parallel()
	plan := []room{
		{path: "pkg/media", stdOnly: true, why: "media is the bottom"},
		{path: "pkg/stage", imports: []string{"pkg/media"}, why: "stages know media"},
		{path: "pkg/stage/...", imports: []string{"pkg/media", "pkg/stage/..."}, why: "parts of a stage"},
		{path: "pkg/native", imports: []string{"pkg/media"}, cgo: true, why: "the fence"},
		{path: "cmd/all", imports: []string{everything}, why: "the top"},
	}
	for _, test := range []struct {
		name string
		pkg  pkg
		want []string
	}{
		{name: "what the row allows", pkg: pkg{ImportPath: "weir/pkg/stage", Imports: []string{"fmt", "weir/pkg/media", "golang.org/x/sync/errgroup"}}},
		{name: "a family", pkg: pkg{ImportPath: "weir/pkg/stage/a", Imports: []string{"weir/pkg/stage/b"}}},
		{name: "everything", pkg: pkg{ImportPath: "weir/cmd/all", Imports: []string{"weir/pkg/native", "weir/pkg/stage/a"}}},
		{name: "C where it may be", pkg: pkg{ImportPath: "weir/pkg/native", CgoFiles: []string{"frame.go"}, Imports: []string{"C", libav}}},
		{name: "a test's peers", pkg: pkg{ImportPath: "weir/pkg/media", TestImports: []string{"weir/pkg/stage"}, XTestImports: []string{"pgregory.net/rapid"}}},
		{
			name: "an import upward", pkg: pkg{ImportPath: "weir/pkg/media", Imports: []string{"weir/pkg/stage"}},
			want: []string{"pkg/media: imports pkg/stage, and may import nothing of Weir: media is the bottom"},
		},
		{
			name: "an import sideways", pkg: pkg{ImportPath: "weir/pkg/stage", Imports: []string{"weir/pkg/media", "weir/pkg/native"}},
			want: []string{"pkg/stage: imports pkg/native, and may import pkg/media: stages know media"},
		},
		{
			name: "a family is not its head", pkg: pkg{ImportPath: "weir/pkg/stage/a", Imports: []string{"weir/pkg/stage"}},
			want: []string{"pkg/stage/a: imports pkg/stage, and may import pkg/media, pkg/stage/...: parts of a stage"},
		},
		{
			name: "a library at the bottom", pkg: pkg{ImportPath: "weir/pkg/media", Imports: []string{"time", "golang.org/x/time/rate"}},
			want: []string{"pkg/media: imports golang.org/x/time/rate: media is the bottom"},
		},
		{
			name: "import C", pkg: pkg{ImportPath: "weir/pkg/stage", CgoFiles: []string{"fast.go"}, Imports: []string{"C"}},
			want: []string{"pkg/stage: imports C in fast.go: native code stays in the worker's pkg/transcode/libav"},
		},
		{
			name: "libav in a test", pkg: pkg{ImportPath: "weir/pkg/stage", TestImports: []string{libav}, XTestImports: []string{libav}},
			want: []string{"pkg/stage: imports github.com/asticode/go-astiav: native code stays in the worker's pkg/transcode/libav"},
		},
		{
			name: "a new room", pkg: pkg{ImportPath: "weir/pkg/new"},
			want: []string{"pkg/new: has no row in the plan; add it to house() in internal/arch, with what it may import and why"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := test.pkg
			p.Doc, p.GoFiles = "Package x.", []string{"x.go"}
			if got := check(plan, []pkg{p}); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestCheckWantsAPackageComment(t *testing.T) {
	t.Parallel()
	plan := []room{{path: "pkg/mute"}}
	mute := pkg{ImportPath: "weir/pkg/mute", GoFiles: []string{"mute.go"}}
	want := []string{"pkg/mute: has no package comment; say what flows in, what flows out and who owns the goroutines"}
	if got := check(plan, []pkg{mute}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	testsAlone := pkg{ImportPath: "weir/pkg/mute"}
	if got := check(plan, []pkg{testsAlone}); len(got) > 0 {
		t.Errorf("a package of tests alone: got %q, want nothing", got)
	}
}

func TestUnusedRowsAreFound(t *testing.T) {
	t.Parallel()
	plan := []room{{path: "pkg/here"}, {path: "pkg/gone"}, {path: "pkg/gone/..."}}
	got := unused(plan, []pkg{{ImportPath: "weir/pkg/here"}})
	if want := []string{"pkg/gone", "pkg/gone/..."}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The fence stands on go list naming the files that import C, those behind the
// e2e tag included.
func TestListSeesC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module weir\n\ngo 1.26\n",
		"plain.go":  "// Package plain is documented.\npackage plain\n",
		"native.go": "//go:build e2e\n\npackage plain\n\nimport \"C\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	graph := list(t, dir)
	if len(graph) != 1 || !slices.Equal(graph[0].CgoFiles, []string{"native.go"}) || graph[0].Doc == "" {
		t.Errorf("got %+v, want one documented package with C in native.go", graph)
	}
}
