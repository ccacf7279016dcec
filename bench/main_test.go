package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
)

// The benchmarks measure in processes of their own, which here are this test binary.
func TestMain(m *testing.M) {
	if os.Getenv("GOMLX_BACKEND") == "" {
		os.Setenv("GOMLX_BACKEND", "go")
	}
	if len(os.Args) > 1 && os.Args[1] == childCommand {
		os.Exit(child(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--nonsense", "nonsense"},
		{"more", "flags only"},
		{"--steps 2", "at least 3"},
		{"--rounds 0", "at least 1"},
		{"--runs -1", "--runs"},
		{"--limit 0s", "--limit"},
		{"--clock sun", `no clock "sun"`},
	} {
		if _, _, err := parse(strings.Fields(tt.args)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parse(%s): error %v, want one with %q", tt.args, err, tt.want)
		}
	}
	o, _, err := parse([]string{"--work", "step,hymenoptera", "--model", "resnet18, vgg11"})
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := o.jobs()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, j := range jobs {
		names = append(names, j.name())
	}
	want := "step resnet18, batch 8 at 224; step vgg11, batch 8 at 224; transfer; cached; finetune"
	if got := strings.Join(names, "; "); got != want {
		t.Errorf("jobs %q, want %q", got, want)
	}
	o.work = []string{"swim"}
	if _, err := o.jobs(); err == nil || !strings.Contains(err.Error(), "swim") {
		t.Errorf("unknown work: error %v, want one that names it", err)
	}
}

// TestMeasure runs a small step on the pure-Go engine against a peer that is a script of this test.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	peer := filepath.Join(dir, "peer")
	script := "#!/bin/sh\necho '{\"epoch\": 1}'\necho '{\"infer_s\": 1000, \"train_s\": 2000}'\n"
	if err := os.WriteFile(peer, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := options{engines: []string{"go"}, peer: peer, shared: dir, json: filepath.Join(dir, "out.json"), rounds: 1, threads: 1, steps: 3, epochs: 1, clock: "cpu", limit: time.Minute}
	if err := measure(t.Context(), o, []job{{"step", "resnet20", 2, 32}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.json)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	if len(rep.Results) != 2 || len(rep.Failures) != 0 {
		t.Fatalf("%d results and failures %q, want 2 and none", len(rep.Results), rep.Failures)
	}
	for _, m := range rep.Results {
		if m.InferS <= 0 || m.TrainS <= 0 || m.PeakMiB <= 0 {
			t.Errorf("%s: %+v, want times and peak memory", m.Side, m.result)
		}
	}
	if ours := rep.Results[0]; ours.Side != "go" || ours.Engine == "" || ours.InferS > 1000 {
		t.Errorf("our side is %+v", ours)
	}
}

func TestEngineThatIsNotThere(t *testing.T) {
	t.Setenv("ONNXRUNTIME_SHARED_LIBRARY_PATH", filepath.Join(t.TempDir(), "none.so"))
	o := options{engines: []string{"onnx"}, rounds: 1, threads: 1, steps: 3, epochs: 1, clock: "wall", limit: time.Minute}
	if err := measure(t.Context(), o, []job{{"step", "resnet20", 1, 32}}); err == nil {
		t.Error("measuring on an engine that is not there: no error; another engine's figures must not stand in for it")
	}
}

func TestTable(t *testing.T) {
	j := job{"step", "resnet18", 8, 224}
	rep := report{Rounds: 3, Threads: 2, Clock: "wall", Machine: machine{CPU: "c", SIMD: backend.SIMD}}
	for round, ours := range []float64{1, 9, 2} {
		rep.Results = append(rep.Results,
			measurement{Job: j.name(), Side: "go", Round: round, result: result{InferS: ours, TrainS: 4, PeakMiB: 100}},
			measurement{Job: j.name(), Side: peerSide, Round: round, result: result{InferS: 2, TrainS: 2, PeakMiB: 400}})
	}
	text := table(rep, []job{j}, options{engines: []string{"go"}, peer: "python"})
	for _, want := range []string{
		"| work | figure | PyTorch | go | go / PyTorch |",
		"| step resnet18, batch 8 at 224 | inference | 2.0000 s | 2.0000 s | 1.00 |",
		"| step resnet18, batch 8 at 224 | training step | 2.0000 s | 4.0000 s | 2.00 |",
		"| step resnet18, batch 8 at 224 | peak memory | 400 MiB | 100 MiB | 0.25 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}
