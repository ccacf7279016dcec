// Package notebooks_test executes every notebook of this folder through the installed kernel, as a reader would, and
// looks at what came out.
package notebooks_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

type notebook struct {
	Metadata struct {
		Kernelspec struct{ Name string }
	}
	Cells []struct {
		ID       string
		CellType string `json:"cell_type"`
		Metadata struct {
			Tags []string
		}
		ExecutionCount *int `json:"execution_count"`
		Source         text
		Outputs        []struct {
			OutputType string `json:"output_type"`
			Text       text
			Data       map[string]json.RawMessage
		}
	}
}

// text is a string that a notebook may store as a list of lines.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err != nil {
		return json.Unmarshal(data, (*string)(t))
	}
	*t = text(strings.Join(lines, ""))
	return nil
}

func read(t *testing.T, path string) notebook {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n notebook
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

// TestStored: notebooks are committed without outputs, for one of our kernels, and begin with a title. That for Colab
// is opened with Python, which installs ours.
func TestStored(t *testing.T) {
	paths, err := filepath.Glob("*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks here (%v)", err)
	}
	for _, path := range paths {
		n := read(t, path)
		want := "tlkit"
		switch path {
		case "gonb.ipynb":
			want = "gonb-tlkit"
		case "colab.ipynb":
			want = "python3"
		}
		if n.Metadata.Kernelspec.Name != want {
			t.Errorf("%s is for the kernel %q, want %s", path, n.Metadata.Kernelspec.Name, want)
		}
		if !strings.HasPrefix(string(n.Cells[0].Source), "# ") {
			t.Errorf("%s does not begin with a title", path)
		}
		for i, c := range n.Cells {
			if len(c.Outputs) > 0 || c.ExecutionCount != nil {
				t.Errorf("%s: cell %d is stored with outputs; clear them before committing", path, i+1)
			}
		}
	}
}

func needsSlow(t *testing.T) {
	if !slow {
		t.Skip("takes minutes; run with -tags slow, as bench/nightly does")
	}
}

// prefix returns the folder of the installation.
func prefix(t *testing.T) string {
	t.Helper()
	if home := os.Getenv("TLKIT_HOME"); home != "" {
		return home
	}
	user, err := os.UserHomeDir()
	if err != nil {
		t.Skipf("no home folder, so no installed kernel: %v", err)
	}
	return filepath.Join(user, ".local", "share", "tlkit")
}

// needsEngine skips the test where an engine is not installed, on which the claims would be tested on another engine.
func needsEngine(t *testing.T, engine string) {
	t.Helper()
	if engine != "onnx:cpu" || os.Getenv("ONNXRUNTIME_SHARED_LIBRARY_PATH") != "" {
		return
	}
	if found, err := filepath.Glob(filepath.Join(prefix(t), "lib", "libonnxruntime*")); err != nil || len(found) == 0 {
		t.Skip("ONNX Runtime is not installed; ./install.sh --engine onnx installs it")
	}
}

// execute runs a notebook through the installed live kernel, or the kernel named, and returns the executed one.
func execute(t *testing.T, name string, kernel ...string) notebook {
	t.Helper()
	home := prefix(t)
	tlkernel := filepath.Join(home, "bin", "tlkernel")
	if _, err := os.Stat(tlkernel); err != nil {
		t.Skipf("the kernel is not installed in %s; run ./install.sh first", home)
	}
	out := filepath.Join(t.TempDir(), filepath.Base(name))
	args := []string{"exec", name, "-o", out, "--timeout", "15m"}
	if len(kernel) > 0 {
		args = append(args, "--kernel", kernel[0])
	}
	cmd := exec.Command(tlkernel, args...)
	cmd.Env = append(os.Environ(), "TLKIT_RUNS="+t.TempDir())
	log, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, log)
	}
	t.Logf("%s", log)
	n := read(t, out)
	for i, c := range n.Cells {
		if c.CellType == "code" && c.ExecutionCount == nil {
			t.Errorf("cell %d was not executed", i+1)
		}
	}
	return n
}

// plain joins the plain-text outputs of all cells; charts counts the Vega-Lite charts and the charts that
// are pictures in HTML.
func plain(n notebook) (all string, charts, pictures int) {
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			all += string(o.Text)
			var s text
			if json.Unmarshal(o.Data["text/plain"], &s) == nil {
				all += string(s) + "\n"
			}
			if _, ok := o.Data["application/vnd.vegalite.v5+json"]; ok {
				charts++
			}
			var page text
			if json.Unmarshal(o.Data["text/html"], &page) == nil {
				charts += strings.Count(string(page), "data:image/svg+xml;base64")
			}
			if _, ok := o.Data["image/png"]; ok {
				pictures++
			}
		}
	}
	return all, charts, pictures
}
