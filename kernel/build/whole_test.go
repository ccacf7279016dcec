//go:build linux

package build

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// quiet drops what a worker shows.
type quiet struct{}

func (quiet) Stream(string, []byte)        {}
func (quiet) Display(protocol.DisplayData) {}
func (quiet) Result(map[string]any)        {}
func (quiet) WantInput(int, int, bool)     {}
func (quiet) Held(int, bool)               {}

func (quiet) Changed(map[string]string, []string, string) {}

// TestWholeAfterShared: when a cell can't be linked against the library, it is linked whole, sees what earlier cells
// hold, and later cells see it.
func TestWholeAfterShared(t *testing.T) {
	home := testutil.Installation(t)
	var m struct {
		GoRoot   string   `json:"go_root"`
		GoCache  string   `json:"go_cache"`
		Live     string   `json:"live_cache"`
		Packages []string `json:"packages"`
	}
	data, err := os.ReadFile(filepath.Join(home, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m.Live == "" {
		m.Live = filepath.Join(home, "live")
	}
	b, err := New(t.Context(), Config{Workspace: filepath.Join(home, "workspace"), Dir: t.TempDir(), Go: filepath.Join(m.GoRoot, "bin", "go"),
		Env: append(os.Environ(), "GOCACHE="+m.GoCache, "GOEXPERIMENT=simd"), Packages: m.Packages, Cache: m.Live, Offline: true, Logf: t.Logf})
	if err != nil {
		t.Skip(err)
	}
	program, err := b.Worker(t.Context(), worker.Source())
	if err != nil {
		t.Fatal(err)
	}
	if b.lib == nil {
		t.Skip("no shared library on this machine")
	}
	p, err := worker.Start(worker.Config{Program: program, Dir: b.cfg.Dir, Sink: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	const head = "package cell\nimport rt \"nb/rt\"\n"
	cells := []struct {
		src     string
		imports []string
		whole   bool
	}{
		{src: head + "import \"os\"\ntype T struct{ A int }\nvar M = map[string]int{\"a\": 1}\nvar X any = T{5}\nvar Args = &os.Args\nfunc run() { M[\"b\"] = 2 }\nfunc init() { rt.Register(1, run, nil) }\n", imports: []string{"os"}},
		{src: head + "import c \"nb/r1\"\nimport \"os\"\nimport \"net/url\"\nvar Y any\nvar U *url.URL\nfunc run() {\n\tif len(c.M) != 2 || c.X.(c.T).A != 5 { panic(\"values\") }\n\tif c.Args != &os.Args { panic(\"another package os\") }\n\tY = c.T{7}\n\tU, _ = url.Parse(\"http://h/p\")\n}\nfunc init() { rt.Register(2, run, nil) }\n",
			imports: []string{"nb/r1", "os", "net/url"}, whole: true},
		{src: head + "import c \"nb/r1\"\nimport d \"nb/r2\"\nimport \"net/url\"\nfunc run() {\n\tif d.Y.(c.T).A != 7 || d.U.Host != \"h\" { panic(\"values\") }\n\tvar u any = d.U\n\tif _, ok := u.(*url.URL); !ok { panic(\"another package url\") }\n}\nfunc init() { rt.Register(3, run, nil) }\n",
			imports: []string{"nb/r1", "nb/r2", "net/url"}},
	}
	if slices.Contains(m.Packages, "simd") || b.std["simd"] {
		// Its methods are instructions: outside of the library they have no bodies, and reflection keeps all of them.
		cells = append(cells, struct {
			src     string
			imports []string
			whole   bool
		}{src: head + "import \"reflect\"\nimport \"simd\"\nvar V any\nvar name = \"Len\"\nfunc run() {\n\tvar v simd.Int16s\n\tV = v\n\tif !reflect.ValueOf(V).MethodByName(name).IsValid() { panic(\"no method \" + name) }\n}\nfunc init() { rt.Register(4, run, nil) }\n",
			imports: []string{"reflect", "simd"}, whole: true})
	}
	for i, c := range cells {
		spoiled := false
		b.spoil = nil
		if c.whole {
			b.spoil = func(int) error { spoiled = true; return errors.New("the test wants no library") }
		}
		plugin, err := b.Cell(t.Context(), Package{N: i + 1, Files: map[string]string{"cell.go": c.src}, Imports: append(c.imports, rtPath)})
		if err != nil {
			t.Fatalf("cell %d: %v", i+1, err)
		}
		if spoiled != c.whole {
			t.Errorf("cell %d: linking against the library failed: %v, want %v", i+1, spoiled, c.whole)
		}
		info, err := os.Stat(plugin.File)
		if err != nil {
			t.Fatal(err)
		}
		if whole := info.Size() > 1<<20; whole != c.whole {
			t.Errorf("cell %d: a plugin of %d bytes", i+1, info.Size())
		}
		if _, failure, err := p.Run(i+1, plugin.File, worker.With{Args: []string{"cell"}}); err != nil || failure != nil {
			t.Fatalf("cell %d: %v, %+v", i+1, err, failure)
		}
	}
}
