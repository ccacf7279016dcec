//go:build linux && slow

package container

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// colabJupyter is the Jupyter of a machine of Colab, as github.com/googlecolab/backend-info lists it (commit a724079,
// 2026-08-19), without Colab's own packages.
var colabJupyter = []string{"ipykernel==6.17.1", "ipython==7.34.0", "jupyter_client==7.4.9", "jupyter_core==5.9.1", "jupyter_server==2.20.0",
	"nbclient==0.10.4", "nbformat==5.11.1", "notebook==6.5.7", "pyzmq==26.2.1", "tornado==6.5.7", "traitlets==5.7.1", "setuptools==75.2.0"}

// colabPackages are Debian's packages of that machine which the notebook needs: no Go and no Python venv.
var colabPackages = []string{"ca-certificates", "gcc", "git", "libc6-dev", "libgomp1", "python3", "python3-pip"}

// execute is a program for the container: it executes notebooks one after the other over ipc, as Colab starts kernels.
// Arguments: notebook, kernel, result, for each.
const execute = `import sys
import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

for notebook, kernel, result in zip(*[iter(sys.argv[1:])] * 3):
    nb = nbformat.read(notebook, as_version=4)
    manager = KernelManager(kernel_name=kernel, transport="ipc")
    try:
        NotebookClient(nb, km=manager, timeout=None).execute()
    finally:
        manager.shutdown_kernel()
        nbformat.write(nb, result)
        for cell in nb.cells:
            for out in cell.get("outputs", []):
                print(out.get("text", "") or "\n".join(out.get("traceback", [])), end="")
`

// TestColab runs notebooks/colab.ipynb where a person on Colab runs it: as root, on a machine with pip and a Jupyter
// and without Go. Then it gives the Go kernel that was installed the quickstart, through that Jupyter. What is
// installed is the last commit.
func TestColab(t *testing.T) {
	b := newBuilder(t)
	const image = "localhost/tlkit-test-colab"
	b.base(image, colabPackages...)
	c := b.container(image)
	c.User, c.WorkingDir = "0:0", "/content"
	c.Env = []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "SHELL=/bin/bash", "PYTHONPATH=/env/python"}
	c.goOnline()
	content := filepath.Join(c.root, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		t.Fatal(err)
	}
	b.do("git", "clone", "--quiet", "--bare", "--depth=1", "file://"+absolute(t, root), filepath.Join(c.root, "srv/tlkit.git"))
	runs := filepath.Join(content, "drive/MyDrive/tlkit/runs")
	write(t, filepath.Join(content, "colab.ipynb"), filled(t, "notebooks/colab.ipynb", "address", "file:///srv/tlkit.git"))
	write(t, filepath.Join(content, "quickstart.ipynb"), read(t, "notebooks/00_quickstart.ipynb"))

	run := func(command ...string) string {
		t.Helper()
		began := time.Now()
		out, err := c.start(command...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, tail(string(out), 6000))
		}
		t.Logf("%s: %.0f s", strings.Join(command[:min(4, len(command))], " "), time.Since(began).Seconds())
		return string(out)
	}
	run(append([]string{"python3", "-m", "pip", "install", "--quiet", "--break-system-packages", "--root-user-action=ignore"}, colabJupyter...)...)
	log := run("python3", "-c", execute, "colab.ipynb", "python3", "colab-executed.ipynb", "quickstart.ipynb", "tlkit", "quickstart-executed.ipynb")
	t.Logf("%s", log)
	checkExecuted(t, filepath.Join(content, "colab-executed.ipynb"), log)
	checkExecuted(t, filepath.Join(content, "quickstart-executed.ipynb"), log)
	if _, err := os.Stat(filepath.Join(runs, "quickstart", "run.json")); err != nil {
		t.Errorf("the Go cells' run is not in the folder that the notebook names: %v", err)
	}
}

// filled returns a notebook with a value in a field of its forms, and without the cells that only Google's own machines
// can run.
func filled(t *testing.T, path, field, value string) string {
	t.Helper()
	var n map[string]any
	if err := json.Unmarshal([]byte(read(t, path)), &n); err != nil {
		t.Fatal(err)
	}
	assignment := regexp.MustCompile("^" + field + ` = "[^"]*"(.*#@param )`)
	var cells []any
	fields := 0
	for _, c := range n["cells"].([]any) {
		cell := c.(map[string]any)
		if tags, _ := cell["metadata"].(map[string]any)["tags"].([]any); slices.Contains(tags, any("google")) {
			continue
		}
		for i, line := range cell["source"].([]any) {
			if assignment.MatchString(line.(string)) {
				cell["source"].([]any)[i] = assignment.ReplaceAllString(line.(string), field+` = "`+value+`"$1`)
				fields++
			}
		}
		cells = append(cells, cell)
	}
	if fields != 1 {
		t.Fatalf("%s has %d fields %q, want one", path, fields, field)
	}
	n["cells"] = cells
	data, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
