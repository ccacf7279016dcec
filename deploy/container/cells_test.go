package container

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// drive is a program for the installation's Python: it runs cells on Python's kernel, and holds that those with %%go
// run on ours. Argument: the folder of tlkit_cells.py.
const drive = `import sys
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(kernel_name="python3")


def run(source, interrupt=False):
    """Runs a cell and returns its text, its messages of figures and its error. Interrupts it when it prints "begun"."""
    text, shown, error = "", [], ""
    request = client.execute(source)
    while True:
        message = client.get_iopub_msg(timeout=300)
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            return text, shown, error
        if kind == "stream":
            text += content["text"]
            if interrupt and "begun" in text:
                manager.interrupt_kernel()
                interrupt = False
        elif kind == "error":
            error = content["ename"] + ": " + content["evalue"]
        elif "data" in content:
            shown.append((kind, content))


def expect(got, want, what):
    if not want:
        raise SystemExit(f"{what}: {got}")


try:
    got = run(f"import sys; sys.path.insert(0, {sys.argv[1]!r})\n%load_ext tlkit_cells")
    expect(got, got[2] == "", "the extension is loaded")
    got = run("%%go\nx := 6\nx * 7")
    expect(got, "42" in str(got[1]) and not got[2], "the value of a last expression is shown")
    got = run("%%go\nimport \"fmt\"\nfmt.Println(\"x is\", x)")
    expect(got, got[0] == "x is 6\n" and not got[2], "values stay")
    got = run("%%go\nimport \"github.com/janpfeifer/gonb/gonbui\"\ngonbui.UpdateHtml(\"one\", \"first\")\ngonbui.UpdateHtml(\"one\", \"second\")")
    kinds = [kind for kind, _ in got[1]]
    names = {content["transient"]["display_id"] for _, content in got[1]}
    expect(got, kinds == ["display_data", "update_display_data"] and len(names) == 1, "a display is updated in its place")
    got = run("%%go\ny := z")
    expect(got, got[0] == "" and got[2].startswith("GoError: ") and "undefined: z" in got[2], "an error fails the cell")
    got = run("%%go\nfmt.Println(\"begun\")\nfor {\n}", interrupt=True)
    expect(got, got[2].startswith("GoError: "), "the stop button ends a loop")
    got = run("%%go\nfmt.Println(\"begun\")\nfor {\n\tfmt.Println(\"and on\")\n\ttime.Sleep(time.Millisecond)\n}", interrupt=True)
    expect(got[2], got[2].startswith("GoError: "), "the stop button ends a loop that prints")
    got = run("%%go\nfmt.Println(x)")
    expect(got, got[0] == "6\n", "values stay after the stop button")
finally:
    client.stop_channels()
    manager.shutdown_kernel()
`

// TestCells holds what notebooks/colab.ipynb says of %%go.
func TestCells(t *testing.T) {
	prefix, err := installdir.Dir(os.Getenv)
	if err != nil {
		t.Skip(err)
	}
	python := filepath.Join(prefix, "venv", "bin", "python")
	if _, err := os.Stat(python); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no installation; run ./install.sh first")
	}
	folder, err := filepath.Abs(filepath.Join(root, "deploy/colab"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", drive, folder)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+filepath.Join(prefix, "jupyter"), "IPYTHONDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
