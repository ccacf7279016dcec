package tools_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/tools"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestTrainFile trains what recipe files describe, and lists the runs.
func TestTrainFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	file := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	good := file("good.json", `{"name": "by-file", "data": {"Func": "Load", "Args": ["sketches"], "Options": {"PerClass": 2}},
		"model": "resnet20.shapes", "recipe": {"epochs": 1},
		"strategies": [{"kind": "LogisticRegression", "l2": 1}, {"kind": "LwF", "label": "gentle", "learning_rate": 0.01}, {"kind": "Joint", "old": "shapes"}]}`)
	var stdout, stderr bytes.Buffer
	if code := tools.Train([]string{good}, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "gentle") {
		t.Fatalf("exit code %d, %s%s", code, &stdout, &stderr)
	}
	run, err := train.Open(filepath.Join(dir, "runs"), "by-file")
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Results) != 3 || run.Results[2].Strategy != "joint" || run.Results[1].LearningRate != 0.01 ||
		run.Config.Data.Train != datasets.MustLoad("sketches", datasets.Options{PerClass: 2}).Train.Len() {
		t.Errorf("the run has %d results, data %+v", len(run.Results), run.Config.Data)
	}
	stdout.Reset()
	if code := tools.Runs(nil, &stdout, &stderr); code != 0 || !strings.Contains(strings.Join(strings.Fields(stdout.String()), " "), "by-file finished 3 of 3") {
		t.Errorf("runs: exit code %d, %s", code, &stdout)
	}
	listOdd(t, filepath.Join(dir, "runs"))
	for _, c := range []struct {
		text, want string
	}{
		{`{"name": "x", "data": "sketches", "modell": "resnet18"}`, "modell"},
		{`{"name": "x", "data": "sketchs", "model": "resnet20.shapes", "strategies": [{"kind": "Transfer"}]}`, `did you mean "sketches"`},
		{`{"name": "x", "data": {"Fun": "Load"}, "model": "resnet20.shapes"}`, "ImageFolder"},
		{`{"name": "x", "data": "sketches", "model": "resnet20.shapes", "strategies": [{"kind": "Transfr"}]}`, "Transfr"},
		{`{"name": "x", "data": "sketches", "model": "resnet20.shapes", "strategies": [{"learning_rate": 1}]}`, "no kind"},
		{`{"name": "x", "data": "sketches", "model": "resnet20.shapes", "strategies": [{"kind": "Transfer", "rate": 1}]}`, "rate"},
		{`{"name": "x", "data": "sketches", "model": "resnet20.shapes", "strategies": []}`, "no strategy"},
		{`{"name": "x", "data": "sketches", "model": "resnet20.shapes"} and more`, "after the object"},
		{`not JSON`, "invalid character"},
	} {
		stderr.Reset()
		if code := tools.Train([]string{file("bad.json", c.text)}, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, %s; want %q in it", c.text, code, &stderr, c.want)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "usage: train"},
		{[]string{"-h"}, 0, "usage: train"},
		{[]string{filepath.Join(dir, "none.json")}, 1, "none.json"},
		{[]string{dir}, 1, "no training to do"},
	} {
		stderr.Reset()
		if code := tools.Train(c.args, &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("train %q: exit code %d, %s; want %d and %q", c.args, code, &stderr, c.code, c.want)
		}
	}
}

// listOdd lists copies of the run "by-file" that are damaged, and folders that are none of runs: each is one line that
// says what is known.
func listOdd(t *testing.T, runs string) {
	t.Helper()
	odd := t.TempDir()
	spoil := func(name string, text string, files ...string) {
		if _, err := os.Stat(filepath.Join(odd, name)); err != nil {
			if err := os.CopyFS(filepath.Join(odd, name), os.DirFS(filepath.Join(runs, "by-file"))); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(odd, name, file)), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(odd, name, file), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	spoil("history", "", "joint/history.jsonl", "joint/history.jsonl.bak")
	spoil("run", "{", "run.json", "run.json.bak")
	spoil("text", `{"Phase": "failed", "Error": "one\ntwo\t\u001b[2Jthree"}`, ".detached/state.json")
	spoil("text", `{"Format": 1}`, ".detached/job.json")
	var stdout, stderr bytes.Buffer
	if code := tools.Runs([]string{odd}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d, %s", code, &stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	for i, want := range []string{"RUN STATE", "history not finished: strategy", "run unreadable: run.json can't be read (damaged); the same call of Compare again writes it anew", "text failed: one two [2Jthree 3 of 3"} {
		if i >= len(lines) || !strings.HasPrefix(strings.Join(strings.Fields(lines[i]), " "), want) {
			t.Errorf("line %d of\n%s\nwant %q", i, &stdout, want)
		}
	}
	if len(lines) != 4 || !strings.Contains(lines[1], "repairs the run") || !strings.Contains(lines[1], "2 of 3") {
		t.Errorf("%s", &stdout)
	}
	for path, want := range map[string]string{filepath.Join(odd, "none"): "none", filepath.Join(runs, "by-file"): "is a run; give the folder of the runs"} {
		stderr.Reset()
		if code := tools.Runs([]string{path}, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s", path, code, &stderr)
		}
	}
}
