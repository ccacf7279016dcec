package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// report is the JSON file that comes back.
type report struct {
	Began  time.Time `json:"began"`
	Engine string    `json:"engine"`
	// GPU is what nvidia-smi says; "" without one.
	GPU string `json:"gpu,omitempty"`
	// Plugin is the library of jax that is the engine; "" for an engine that needs none.
	Plugin string `json:"plugin,omitempty"`
	Tests  []test `json:"tests"`
	Times  []took `json:"times"`
	// Failures are measurements that brought nothing.
	Failures []string `json:"failures,omitempty"`
}

// test is the outcome of one test binary.
type test struct {
	Name    string  `json:"name"`
	Passed  bool    `json:"passed"`
	Seconds float64 `json:"seconds"`
	// Tail is the end of what it printed.
	Tail string `json:"tail"`
}

// took is one measurement of one side.
type took struct {
	Model   string  `json:"model"`
	Side    string  `json:"side"` // "tlkit", or the setting of PyTorch
	Batch   int     `json:"batch"`
	InferS  float64 `json:"infer_s"`
	TrainS  float64 `json:"train_s"`
	PeakMiB float64 `json:"peak_mib,omitempty"` // of the process, not of the GPU
	Device  string  `json:"device,omitempty"`
}

// variants are the settings of PyTorch, see peer.py.
var variants = []string{"eager", "tf32", "channels_last", "compile", "bf16"}

// run tests and measures, and writes the report after each result: the time on such a machine may end early.
func run(s settings) error {
	if s.folder == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		s.folder = filepath.Dir(self)
	}
	rep := &report{Began: time.Now().UTC().Truncate(time.Second), Engine: s.engine, GPU: said("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")}
	env, closing, err := s.environment(rep)
	if err != nil {
		return err
	}
	defer closing()
	for _, one := range []struct{ binary, tests string }{
		{"nn.test", "."}, // layers and their gradients
		{"zoo.test", "^TestCompliance$/" + s.networks},
		{"zoo.test", "^TestGolden$/" + s.networks + "/^" + s.engine + "$"},
	} {
		rep.Tests = append(rep.Tests, s.runTest(env, one.binary, one.tests))
		if err := rep.write(s.out); err != nil {
			return err
		}
	}
	for _, model := range s.models {
		for _, side := range s.sides() {
			t, err := s.measure(env, model, side)
			if err != nil {
				rep.Failures = append(rep.Failures, fmt.Sprintf("%s, %s: %v", model, side, err))
			} else {
				rep.Times = append(rep.Times, t)
			}
			fmt.Fprintf(os.Stderr, "%-18s %-14s inference %.4f s, step %.4f s %v\n", model, side, t.InferS, t.TrainS, errors.Join(err))
			if err := rep.write(s.out); err != nil {
				return err
			}
		}
	}
	if len(rep.Times) == 0 {
		return fmt.Errorf("nothing could be measured; %s says why", s.out)
	}
	return nil
}

// sides lists what is measured in turn.
func (s settings) sides() []string {
	if s.python == "" {
		return []string{"tlkit"}
	}
	return append([]string{"tlkit"}, variants...)
}

// environment returns the variables under which TLKit finds its engine and its reference files: the engine of
// "xla:cuda" is the library of jax's CUDA plugin, under the name that go-xla looks for.
func (s settings) environment(rep *report) (env []string, closing func(), err error) {
	env = append(os.Environ(), "GOMLX_BACKEND="+s.engine, "TLKIT_SHARED="+filepath.Join(s.folder, "shared"))
	if s.engine != "xla:cuda" {
		return env, func() {}, nil
	}
	out := strings.Split(said(s.python, "-c", findPlugin), "\n")
	if len(out) < 2 || out[0] == "" {
		return nil, nil, fmt.Errorf("%s has no CUDA plugin of jax; install jax[cuda12] or jax[cuda13]", s.python)
	}
	rep.Plugin = out[0]
	dir, err := os.MkdirTemp("", "tlkit-pjrt")
	if err != nil {
		return nil, nil, err
	}
	closing = func() { os.RemoveAll(dir) }
	if err := os.Symlink(out[0], filepath.Join(dir, "pjrt_c_api_cuda_plugin.so")); err != nil {
		closing()
		return nil, nil, err
	}
	return append(env, "PJRT_PLUGIN_LIBRARY_PATH="+dir, "XLA_PYTHON_CLIENT_PREALLOCATE=false",
		"LD_LIBRARY_PATH="+out[1]+":"+os.Getenv("LD_LIBRARY_PATH"), "XLA_FLAGS="+out[2]), closing, nil
}

// findPlugin prints the library of jax's CUDA plugin, the folders of NVIDIA's libraries that its wheels bring along,
// and the flag that tells XLA where CUDA's compiler is.
const findPlugin = `
import glob, os, site, sys
roots = [glob.escape(p) for p in sys.path if p.endswith("-packages")]
found = [f for r in roots for f in sorted(glob.glob(r + "/jax_plugins/xla_cuda*/xla_cuda_plugin.so"))]
libs = [d for r in roots for d in sorted(glob.glob(r + "/nvidia/*/lib"))]
compilers = [d for r in roots for d in sorted(glob.glob(r + "/nvidia/cuda_nvcc") + glob.glob(r + "/nvidia/cu1*"))]
print(found[-1] if found else "")
print(":".join(libs))
print("--xla_gpu_cuda_data_dir=" + compilers[-1] if compilers else "")`

// said returns what a command prints, trimmed at its ends but with its lines; "" if it fails.
func said(name string, args ...string) string {
	if name == "" {
		return ""
	}
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(out), "\n")
}

// runTest runs one test binary on the engine.
func (s settings) runTest(env []string, binary, tests string) test {
	began := time.Now()
	ctx, stop := context.WithTimeout(context.Background(), s.limit)
	defer stop()
	cmd := exec.CommandContext(ctx, filepath.Join(s.folder, binary), "-test.run", tests, "-test.timeout", s.limit.String())
	cmd.Dir, cmd.Env = s.folder, env
	out, err := cmd.CombinedOutput()
	const tail = 4000
	if err != nil {
		out = fmt.Appendf(out, "%v\n", err)
	}
	t := test{Name: binary + " " + tests, Passed: err == nil, Seconds: time.Since(began).Seconds(), Tail: string(out[max(0, len(out)-tail):])}
	fmt.Fprintf(os.Stderr, "%s: passed %v, %.1f s\n", t.Name, t.Passed, t.Seconds)
	return t
}

// measure times one side of one model.
func (s settings) measure(env []string, model, side string) (took, error) {
	ctx, stop := context.WithTimeout(context.Background(), s.limit)
	defer stop()
	t := took{Model: model, Side: side, Batch: s.batch}
	var cmd *exec.Cmd
	if side == "tlkit" {
		cmd = exec.CommandContext(ctx, filepath.Join(s.folder, "bench"), "child", "--work", "step", "--model", model, "--batch", strconv.Itoa(s.batch), "--steps", strconv.Itoa(s.steps))
		cmd.Env = env
	} else {
		cmd = exec.CommandContext(ctx, s.python, filepath.Join(s.folder, "peer.py"), model, strconv.Itoa(s.batch), "224", strconv.Itoa(s.steps), side)
	}
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(wrong.String()), "\n")
		return t, fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &t); err != nil {
		return t, fmt.Errorf("its last line is no JSON: %w", err)
	}
	return t, nil
}

func (rep *report) write(file string) error {
	text, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o666)
}
