package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/bench/processor"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// The benchmarks measure in processes of their own, which here are this test binary.
func TestMain(m *testing.M) {
	testutil.PureGo()
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
		{"--peer true --variant fastest", `no peer "fastest"`},
		{"--engine default --threads 1000", "--threads must be"},
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
	o := options{engines: []string{"go", defaultSide}, peer: peer, peers: []string{"eager", "openvino"}, shared: dir, json: filepath.Join(dir, "out.json"), rounds: 1, threads: 1, steps: 3, epochs: 1, clock: "cpu", limit: time.Minute}
	if err := measure(t.Context(), o, []job{{"step", "resnet20", 2, 32, 0}}); err != nil {
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
	if len(rep.Results) != 4 || len(rep.Failures) != 0 {
		t.Fatalf("%d results and failures %q, want 4 and none", len(rep.Results), rep.Failures)
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
	if err := measure(t.Context(), o, []job{{"step", "resnet20", 1, 32, 0}}); err == nil {
		t.Error("measuring on an engine that is not there: no error; another engine's figures must not stand in for it")
	}
}

func TestTables(t *testing.T) {
	j := job{"step", "resnet18", 8, 224, 1.814}
	rep := report{Rounds: 3, Threads: 2, Clock: "wall", Machine: machine{CPU: "c", Features: []string{"avx2", "fma"}, PeakGFLOPS: 100, PeakBits: 256}}
	for round, ours := range []float64{1, 9, 2} {
		for side, r := range map[string]result{
			"go": {InferS: ours, TrainS: 4, PeakMiB: 100}, "eager": {InferS: 2, TrainS: 2, PeakMiB: 400}, "compile": {InferS: 1, TrainS: 3, PeakMiB: 500},
			"bf16": {InferS: 0.5, TrainS: 0.5, PeakMiB: 300}, "openvino": {InferS: 0.25, PeakMiB: 200},
		} {
			rep.Results = append(rep.Results, measurement{Job: j.name(), Side: side, Round: round, result: r})
		}
	}
	o := options{engines: []string{"go"}, peer: "python", peers: []string{"eager", "compile", "bf16", "openvino"}, left: []string{"openvino_bf16: no reason"}}
	text := tables(rep, []job{j, {"step", "resnet50", 8, 224, 4.089}}, o)
	if strings.Contains(text, "resnet50") {
		t.Errorf("a model without a result has rows:\n%s", text)
	}
	for _, want := range []string{
		"c (avx2 fma), ", "peak 100 GFLOP/s with 256 bits", "Left out: openvino_bf16: no reason.",
		"| work | figure | PyTorch eager | PyTorch's best fp32 | go | to eager / best / OpenVINO |\n|---|---|---|---|---|---|\n",
		"| step resnet18, batch 8 at 224 | inference | 2.0000 s | 1.0000 s compile | 2.0000 s | 1.00 / 2.00 / 8.00 |",
		"| step resnet18, batch 8 at 224 | training step | 2.0000 s | 2.0000 s eager | 4.0000 s | 2.00 / 2.00 / - |",
		"| step resnet18, batch 8 at 224 | peak memory | 400 MiB | 400 MiB eager | 100 MiB | 0.25 / 0.25 / 0.50 |",
		"| step resnet18, batch 8 at 224 | GFLOP/s of inference | 15 | 29 | 15 |  |",
		"| work | figure | eager | compile | bf16 | openvino | go to bf16 |",
		"| step resnet18, batch 8 at 224 | inference | 2.0000 s | 1.0000 s | 0.5000 s | 0.2500 s | 4.00 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, text)
		}
	}
	if text = tables(rep, []job{j}, options{engines: []string{"go"}}); !strings.Contains(text, "| work | figure | go |\n") || strings.Contains(text, "eager") {
		t.Errorf("without a peer:\n%s", text)
	}
}

func TestChoosePeers(t *testing.T) {
	python := filepath.Join(t.TempDir(), "python")
	// It has torch and no OpenVINO.
	script := "#!/bin/sh\ncase \"$2\" in *openvino*) exit 1;; esac\n"
	if err := os.WriteFile(python, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := options{peer: python}
	chosen, left, err := o.choosePeers([]string{"auto"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"eager", "channels_last", "compile"}
	if processor.FastBF16(processor.Features()) {
		want = append(want, "bf16")
	}
	if !slices.Equal(chosen, want) || len(chosen)+len(left) != len(peers) {
		t.Errorf("chosen %q, left out %q, want %q chosen and the others named", chosen, left, want)
	}
	if !strings.Contains(strings.Join(left, "\n"), "has no package openvino") {
		t.Errorf("left out: %q, want the reason", left)
	}
	o.peers = chosen
	for _, name := range o.fp32() {
		if p, _ := peerNamed(name); p.bf16 || p.module != "torch" {
			t.Errorf("%s counts as PyTorch in float32", name)
		}
	}
}

// TestFasterPeer holds the lines that change hymenoptera.py's network against the script's own words: it must call load
// of the module common, or the faster settings would be the plain one.
func TestFasterPeer(t *testing.T) {
	folder := testutil.Shared(t, "peer")
	for file, want := range map[string]string{"hymenoptera.py": "load(model, weights)", "common.py": "def load(model, path):"} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q, which loadedAs replaces", file, want)
		}
	}
}

func TestPeak(t *testing.T) {
	if len(fusedLoops()) == 0 {
		t.Skip("the build or the processor has no vector instructions")
	}
	if gflops, bits := peak(1); gflops < 1 || bits < 256 {
		t.Errorf("peak %.3f GFLOP/s with %d bits; a vector unit has more", gflops, bits)
	}
	for _, loop := range fusedLoops() {
		if operations, sum := loop.run(3); operations != 3*accumulators*loop.bits/32*2 || sum != 30.75 {
			t.Errorf("%d bits: 3 rounds are %d operations with the sum %g; 30.75 is that of 12 accumulators", loop.bits, operations, sum)
		}
	}
}
