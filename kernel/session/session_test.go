//go:build linux

package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// record is an Output that keeps everything.
type record struct {
	mu       sync.Mutex
	text     strings.Builder // stdout and stderr, results and displays in order
	results  []map[string]any
	displays []map[string]any
	comms    []CommRequest
	input    []string
	asked    []string
}

func (r *record) Stream(name, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.WriteString(text)
}

func (r *record) Display(bundle, _ map[string]any, id string) { r.display(bundle, id, false) }
func (r *record) Update(bundle, _ map[string]any, id string)  { r.display(bundle, id, true) }

func (r *record) display(bundle map[string]any, id string, update bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.displays = append(r.displays, bundle)
	fmt.Fprintf(&r.text, "<display %s %v>", id, update)
}

func (r *record) Result(bundle, _ map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, bundle)
	fmt.Fprintf(&r.text, "=> %v", bundle["text/plain"])
}

func (r *record) ClearOutput(bool) {}

func (r *record) Input(prompt string, _ bool) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, prompt)
	if len(r.input) == 0 {
		return "", errors.New("no input")
	}
	line := r.input[0]
	r.input = r.input[1:]
	return line, nil
}

func (r *record) Comm(c CommRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.comms = append(r.comms, c)
}

func (r *record) Page(map[string]any) {}

func (r *record) NextInput(text string, replace bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, "<next input %v %s>", replace, text)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// installed is what the tests need of an installation's manifest.
type installed struct {
	GoRoot   string   `json:"go_root"`
	GoCache  string   `json:"go_cache"`
	Live     string   `json:"live_cache"`
	Packages []string `json:"packages"`
}

// testConfig works on the installed workspace, whose build cache is warm.
func testConfig(t testing.TB) Config {
	t.Helper()
	home := testutil.Installation(t)
	data, err := os.ReadFile(filepath.Join(home, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m installed
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m.Live == "" {
		m.Live = filepath.Join(home, "live")
	}
	env := append(os.Environ(), "GOCACHE="+m.GoCache, "GOEXPERIMENT=simd")
	return Config{Workspace: filepath.Join(home, "workspace"), Dir: t.TempDir(), Go: filepath.Join(m.GoRoot, "bin", "go"), Env: env,
		WorkDir: t.TempDir(), Packages: m.Packages, Cache: m.Live, Offline: true, Logf: t.Logf}
}

func newSession(t testing.TB) *Session {
	t.Helper()
	s, err := New(t.Context(), testConfig(t))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")
