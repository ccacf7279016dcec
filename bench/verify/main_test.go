package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The tests hold for every engine; the pure-Go one is there on every machine.
func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

func TestOutcomes(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		o    outcome
		rule string
		ok   bool
	}{
		{near("c", 0.5, 0.5, 0), "near", true},
		{near("c", 0.5, 0.502, 0.002), "near", true},
		{near("c", 0.4979, 0.5, 0.002), "near", false},
		{near("c", 0.5021, 0.5, 0.002), "near", false},
		{near("c", nan, 0.5, 0.002), "near", false},
		{atLeast("c", 0.86, 0.86), "at least", true},
		{atLeast("c", 0.9, 0.86), "at least", true},
		{atLeast("c", 0.859, 0.86), "at least", false},
		{atLeast("c", nan, 0.86), "at least", false},
		{atMost("c", 1e-3, 1e-3), "at most", true},
		{atMost("c", 1.1e-3, 1e-3), "at most", false},
		{atMost("c", nan, 1e-3), "at most", false},
	}
	for _, tt := range tests {
		if tt.o.OK != tt.ok || tt.o.Rule != tt.rule || tt.o.Check != "c" {
			t.Errorf("%+v, want %s to be %v", tt.o, tt.rule, tt.ok)
		}
	}
}

// output runs verify and returns its exit code, what it prints, line by line, and what it says on standard error.
func output(t *testing.T, args ...string) (code int, lines []string, said string) {
	t.Helper()
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	var files [2]*os.File
	for i := range files {
		var err error
		if files[i], err = os.CreateTemp(t.TempDir(), ""); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	os.Stdout, os.Stderr = files[0], files[1]
	code = run(args)
	var texts [2]string
	for i, f := range files {
		data, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = strings.TrimSpace(string(data))
	}
	if texts[0] != "" {
		lines = strings.Split(texts[0], "\n")
	}
	return code, lines, texts[1]
}

func TestArguments(t *testing.T) {
	shared := t.TempDir()
	if err := os.Mkdir(filepath.Join(shared, "data"), 0o777); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args []string
		code int
		said []string // on standard error
	}{
		{[]string{"-list"}, 0, nil},
		{[]string{"-h"}, 0, []string{"-shared"}},
		{[]string{"cifar", "-h"}, 0, []string{"-weights"}},
		{[]string{"-nonsense"}, 2, []string{"-nonsense"}},
		{[]string{"-shared", shared, "nonsense"}, 2, []string{`"nonsense"`, "-list"}},
		{[]string{"-shared", shared, "golden", "nonsense"}, 2, []string{`"nonsense"`, "-list"}},
		{[]string{"-shared", filepath.Join(shared, "none")}, 2, []string{"none", "TLKIT_SHARED"}},
		{[]string{"cifar", "--arch", "resnet20"}, 2, []string{"--weights FILE", "--data ZIP"}},
		{[]string{"cifar", "--nonsense"}, 2, []string{"nonsense"}},
		{[]string{"cifar", "--weights", "w", "--data", "d", "more"}, 2, []string{"flags only", `"more"`}},
		{[]string{"golden", "--dir", ""}, 2, []string{"--dir DIR"}},
		{[]string{"hymenoptera", "--seeds", "3"}, 2, []string{"--weights FILE"}},
		{[]string{"hymenoptera", "--weights", "w", "--data", "d", "--seeds", "0"}, 2, []string{"at least one seed"}},
		{[]string{"hymenoptera", "--weights", "w", "--data", "d", "--strategy", "luck"}, 2, []string{`"luck"`, "transfer, finetune and scratch"}},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			code, lines, said := output(t, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, part := range tt.said {
				if !strings.Contains(said, part) {
					t.Errorf("it says %q, which lacks %q", said, part)
				}
			}
			if list := tt.args[0] == "-list"; list != (len(lines) > 0) {
				t.Errorf("it prints %q", lines)
			} else if list && (len(lines) != len(knownChecks(shared)) || !strings.Contains(strings.Join(lines, "\n"), "hymenoptera-finetune")) {
				t.Errorf("the list is %q", lines)
			}
		})
	}

	// Checks whose files are absent are off, and say so; the others still run.
	code, lines, _ := output(t, "-shared", shared, "cifar-resnet20", "golden")
	if code != 1 || len(lines) != 2 {
		t.Fatalf("exit code %d, lines %q", code, lines)
	}
	for i, want := range []string{"cifar10_jpg.zip", "golden"} {
		var o outcome
		if err := json.Unmarshal([]byte(lines[i]), &o); err != nil || o.OK || !strings.Contains(o.Error, want) {
			t.Errorf("line %q (%v), want an error with %q", lines[i], err, want)
		}
	}
}

func TestKnownNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range knownChecks("shared") {
		if seen[c.name] || c.about == "" || c.run == nil {
			t.Errorf("check %+v is there twice, or incomplete", c)
		}
		seen[c.name] = true
	}
}

// TestNoNumber: a figure that is NaN is off and reported, though JSON has no such number.
func TestNoNumber(t *testing.T) {
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Stdout = f
	code := execute([]check{{"c", "", func(report func(outcome)) error {
		report(near("c", math.NaN(), 1, 0.5))
		return nil
	}}})
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(data, &o); err != nil || code != 1 || o.OK || !strings.Contains(o.Error, "NaN") {
		t.Errorf("exit code %d, output %q (%v)", code, data, err)
	}
}

// TestGoldenFolder checks one golden file, and the same with a logit changed.
func TestGoldenFolder(t *testing.T) {
	data, err := os.ReadFile(testutil.Shared(t, "golden/torchvision/resnet18.json"))
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func()
		code   int
		want   string
	}{
		{"as it is", func() {}, 0, ""},
		{"a logit changed", func() {
			logits := content["logits"].([]any)
			logits[3] = logits[3].(float64) + 0.1*content["std"].(float64)
		}, 1, ""},
		{"another number of parameters", func() { content["num_params"] = 5 }, 1, "11689512 parameters, the golden file 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.change()
			dir := filepath.Join(t.TempDir(), "golden[1]") // a bracket is no pattern
			data, err := json.Marshal(content)
			if err == nil {
				err = os.Mkdir(dir, 0o755)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "resnet18.json"), data, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			code, lines, _ := output(t, "golden", "--dir", dir)
			var o outcome
			if len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &o) != nil {
				t.Fatalf("output %q", lines)
			}
			if code != tt.code || o.OK != (code == 0) || o.Check != "golden/resnet18" || !strings.Contains(o.Error, tt.want) || o.Seconds <= 0 {
				t.Errorf("exit code %d, %+v", code, o)
			}
		})
	}
}

// TestCIFARFolder measures a model on a few images of a folder: accuracy, tolerance and exit code.
func TestCIFARFolder(t *testing.T) {
	dir := t.TempDir()
	m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.StateDict()
	if err == nil {
		err = weights.WriteSafetensors(filepath.Join(dir, "w.safetensors"), entries, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	// One image per class, all alike, so that one of the ten classes is right.
	for class := range 10 {
		for _, split := range []string{"train", "test"} {
			path := filepath.Join(dir, "data", split, fmt.Sprintf("class%d", class), "1.png")
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			picture := image.NewRGBA(image.Rect(0, 0, 32, 32))
			for i := range 32 * 32 {
				picture.Set(i%32, i/32, color.RGBA{200, uint8(i), 40, 255})
			}
			f, err := os.Create(path)
			if err == nil {
				err = png.Encode(f, picture)
			}
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	for expect, want := range map[string]int{"0.1": 0, "0.2": 1} {
		code, lines, said := output(t, "cifar", "--arch", "resnet20", "--weights", filepath.Join(dir, "w.safetensors"), "--data", filepath.Join(dir, "data"), "--expect", expect)
		var o outcome
		if len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &o) != nil {
			t.Fatalf("output %q, %s", lines, said)
		}
		if code != want || o.Check != "cifar-resnet20" || o.Value != 0.1 || o.Tolerance != 0.002 || o.Note != "1 of 10 images" {
			t.Errorf("expecting %s: exit code %d, %+v", expect, code, o)
		}
	}
	if code, lines, _ := output(t, "cifar", "--arch", "resnet999", "--weights", "w.pth", "--data", filepath.Join(dir, "data")); code != 1 || !strings.Contains(strings.Join(lines, ""), "resnet999") {
		t.Errorf("an unknown model: exit code %d, %q", code, lines)
	}
}
