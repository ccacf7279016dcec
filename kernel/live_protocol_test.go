package kernel

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clientLimit is how long a request may wait for its answer in a test of the live kernel: far longer than it takes, far
// shorter than a client that waits for a cell would wait.
const clientLimit = "60"

// runScript runs a Python script of testdata with arguments, in a folder of its own, and returns what it printed.
func runScript(t *testing.T, p Prefix, script string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(venvProgram(m.Venv, "python"), append([]string{path}, args...)...)
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+jupyterPath(p), "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Dir = t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// TestConformance runs Jupyter's own test for kernels.
func TestConformance(t *testing.T) {
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	if exec.Command(venvProgram(m.Venv, "python"), "-c", "import jupyter_kernel_test").Run() != nil {
		t.Skip("jupyter_kernel_test is not installed; kernel/testdata/requirements.txt says how")
	}
	_, report, err := runScript(t, p, "conformance.py", KernelName)
	t.Logf("%s", report)
	if err != nil {
		t.Error(err)
	}
	for _, line := range strings.Split(report, "\n") {
		if strings.Contains(line, "skipped") {
			t.Errorf("left out: %s", line)
		}
	}
	wantNothingLeft(t, tmp)
}

// TestStrictClient: every request gets its answer and its idle, while a cell runs as well as when none does.
func TestStrictClient(t *testing.T) {
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	began := time.Now()
	out, errs, err := runScript(t, p, "strict.py", KernelName, clientLimit)
	if err != nil {
		t.Errorf("%v\n%s", err, errs)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		var r struct {
			State, Request, Status, Text string
			Reply, Idle                  *float64
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		seen[r.State+" "+r.Request] = true
		// Shutdown closes the channels: its idle may no longer arrive.
		if r.Reply == nil || r.Idle == nil && r.Request != "shutdown_request" {
			t.Errorf("no answer: %s", lines.Text())
			continue
		}
		t.Logf("%-4s %-36s %6.0f ms", r.State, r.Request, *r.Reply*1000)
		want := map[string]string{"the interrupted cell": "error", "the queued cell": "aborted", "execute_request": "ok"}[r.Request]
		if r.Status != want {
			t.Errorf("%s: status %q, want %q", r.Request, r.Status, want)
		}
		if r.Request == "input_request" && !strings.Contains(r.Text, `"Gopher\n" <nil>`) {
			t.Errorf("the cell that asks printed %q", r.Text)
		}
	}
	for _, want := range []string{"idle heartbeat", "busy heartbeat", "busy complete_request (shell)", "busy inspect_request (shell)", "busy end of the process"} {
		if !seen[want] {
			t.Errorf("%q was not tried", want)
		}
	}
	t.Logf("%.0f s in all", time.Since(began).Seconds())
	wantNothingLeft(t, tmp)
}
