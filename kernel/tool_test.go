package kernel

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestProjectCommand trains in a notebook, and makes a program of the run with the real command, in another folder and
// without a network.
func TestProjectCommand(t *testing.T) {
	p, tmp := installed(t)
	dir := t.TempDir()
	notebook := filepath.Join(dir, "train.ipynb")
	err := writeNotebook(notebook, `import (
	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
)
tlkit.Recipe{Epochs: 1}.MustCompare("sketchy", datasets.MustLoad("sketches"), tlkit.MustLoad("resnet20.shapes"), tlkit.Transfer{})`)
	if err != nil {
		t.Fatal(err)
	}
	if err := Execute(t.Context(), notebook, ExecuteOptions{Prefix: string(p), Out: filepath.Join(dir, "out.ipynb"), HTML: "none"}); err != nil {
		t.Fatal(err)
	}
	project := func(args ...string) (string, error) {
		cmd := exec.Command(p.Bin("tlkernel"), append([]string{"project"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOPROXY=off", "PATH=/usr/bin:/bin") // no go there: the installation's
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	runs := filepath.Join("runs", "sketchy")
	args := []string{"--prefix", string(p), runs, "sketchbook"}
	if !slow {
		args = append([]string{"-skip-build"}, args...)
	}
	out, err := project(args...)
	if err != nil || !strings.Contains(out, "next: cd") || strings.Contains(out, "no images") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(out)
	for _, f := range []string{"cmd/sketchbook/main.go", "classifier/testdata/sample3.png", "go.mod"} {
		if _, err := os.Stat(filepath.Join(dir, "sketchbook", f)); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{runs}, 2, "usage: project"},
		{[]string{runs, "other", "-strategy", "none", "-prefix=" + string(p)}, 1, "no strategy"},
		{[]string{"-strategy", "none", runs, "other"}, 1, "no strategy"},
		{[]string{"runs/none", "other"}, 1, "no run"},
		{[]string{"--prefix", filepath.Join(dir, "nowhere"), runs, "other"}, 1, "nothing is installed"},
	} {
		out, err := project(c.args...)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != c.code || !strings.Contains(out, c.want) {
			t.Errorf("project %q: %v, %s; want code %d and %q", c.args, err, out, c.code, c.want)
		}
	}
	wantNothingLeft(t, tmp)
}

// TestToolsExitCode holds that the exit code is the tool's own, also after it was told to stop.
func TestToolsExitCode(t *testing.T) {
	const waits = "trap 'exit %s' TERM; echo ready; while :; do sleep 0.01; done"
	for _, c := range []struct {
		script string
		stop   bool // once the script has printed a line
		code   int
		fails  bool
	}{
		{"echo; exit 0", false, 0, false},
		{"echo; exit 3", false, 3, false},
		{strings.Replace(waits, "%s", "0", 1), true, 0, false},
		{strings.Replace(waits, "%s", "7", 1), true, 7, false},
		{"echo ready; exec sleep 600", true, 1, true}, // the signal ends it
	} {
		ctx, stop := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, "sh", "-c", c.script)
		out, in := io.Pipe()
		cmd.Stdout = in
		go func() {
			lines := bufio.NewScanner(out)
			if lines.Scan() && c.stop {
				stop()
			}
			io.Copy(io.Discard, out)
		}()
		if code, err := runTool(cmd); code != c.code || (err != nil) != c.fails {
			t.Errorf("%s: %d, %v; want %d", c.script, code, err, c.code)
		}
		in.Close()
		stop()
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if code, err := runTool(exec.CommandContext(ended, "true")); code != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %d, %v", code, err)
	}
}

// TestRunToolStops holds that a tool ends with its context, and that a function that is not there is named.
func TestRunToolStops(t *testing.T) {
	p, tmp := installed(t)
	var out bytes.Buffer
	if _, err := RunTool(t.Context(), "Nothing", nil, ToolOptions{Prefix: string(p)}); err == nil || !strings.Contains(err.Error(), "tools.Nothing") {
		t.Errorf("an unknown function: %v, want its name", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Nanosecond)
	defer stop()
	if _, err := RunTool(ctx, "Project", []string{"-h"}, ToolOptions{Prefix: string(p), Stdout: &out, Stderr: &out}); err == nil || out.Len() > 0 {
		t.Errorf("after the end of its context: %v, printed %q; want an error and nothing", err, &out)
	}
	wantNothingLeft(t, tmp)
}
