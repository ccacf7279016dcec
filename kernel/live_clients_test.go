package kernel

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// nbclientScript runs a notebook with nbclient itself: kernel, notebook, result.
const nbclientScript = `import sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[2], as_version=4)
NotebookClient(nb, kernel_name=sys.argv[1], allow_errors=True).execute()
nbformat.write(nb, sys.argv[3])
`

// TestClients has Jupyter's other clients run the notebook that TestJupyterLab runs in a browser: nbclient, and the
// command jupyter execute.
func TestClients(t *testing.T) {
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join("testdata", "jupyterlab.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(dir, "in.ipynb")
	if err := os.WriteFile(in, data, 0o644); err != nil {
		t.Fatal(err)
	}
	ansi := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, cmd := range map[string]*exec.Cmd{
		"nbclient":        exec.Command(venvProgram(m.Venv, "python"), "-c", nbclientScript, KernelName, in, filepath.Join(dir, "nbclient.ipynb")),
		"jupyter execute": exec.Command(venvProgram(m.Venv, "jupyter"), "execute", "--allow-errors", "--kernel_name="+KernelName, "--output=jupyter execute", in),
	} {
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name+".ipynb"))
		if err != nil {
			t.Error(err)
			continue
		}
		var nb struct {
			Cells []struct{ Outputs []json.RawMessage }
		}
		if err := json.Unmarshal(data, &nb); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var outputs bytes.Buffer
		for _, c := range nb.Cells {
			for _, o := range c.Outputs {
				var v any
				if err := json.Unmarshal(o, &v); err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(flatten(v))
				if err != nil {
					t.Fatal(err)
				}
				outputs.WriteString(strings.ReplaceAll(string(text), `\u001b`, "\x1b") + "\n")
			}
		}
		text := ansi.ReplaceAllString(outputs.String(), "")
		for _, want := range []string{"squares: [1 4 9 16 25]", "made by a cell", "application/vnd.vegalite.v5+json", `"output_type":"error"`, "cell 2, line 2", `cannot use \"seven\"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the outputs lack %q:\n%s", name, want, text)
			}
		}
	}
	wantNothingLeft(t, tmp)
}

// flatten joins the lines that the notebook format makes of texts.
func flatten(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = flatten(e)
		}
	case []any:
		var lines []string
		for i, e := range v {
			v[i] = flatten(e)
			if s, ok := e.(string); ok {
				lines = append(lines, s)
			}
		}
		if len(lines) == len(v) && len(v) > 0 {
			return strings.Join(lines, "")
		}
	}
	return v
}
