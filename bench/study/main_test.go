package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// The tests hold for every engine; the pure-Go one is there on every machine.
func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

// TestCharts: the chart of a study is in English, and in Japanese beside it.
func TestCharts(t *testing.T) {
	s := &train.Samples{Data: "d", Model: "m", Val: 9, Sizes: []int{1, 2}, Strategies: []string{"s"}, Accuracy: [][][]float64{{{0.5}, {0.7}}}}
	path := filepath.Join(t.TempDir(), "chart.svg")
	if err := charts(s, path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{path: "validation accuracy", strings.Replace(path, ".svg", "-ja.svg", 1): "検証用画像の正解率"} {
		if svg, err := os.ReadFile(name); err != nil || !strings.Contains(string(svg), want) {
			t.Errorf("%s lacks %q (%v)", name, want, err)
		}
	}
}

// TestAgreement: a tau over fewer models than the table has says over how many, as in the README.
func TestAgreement(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		tau       float64
		estimates []float64
		want      string
	}{
		{0.714, []float64{3, 2, 1}, "0.71"},
		{0.4, []float64{3, nan, 1, 2, nan, 5, 4}, "0.40 (of 5)"},
		{nan, []float64{3, nan}, "NaN (of 1)"},
	} {
		if got := agreement(c.tau, c.estimates); got != c.want {
			t.Errorf("tau %g of %g is %q, want %q", c.tau, c.estimates, got, c.want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	empty := t.TempDir()
	tests := []struct {
		name   string
		args   []string
		code   int
		stdout []string
		stderr []string
	}{
		{"list", []string{"-list"}, 0, []string{"cifar", "shift", "sees", "lwf"}, nil},
		{"help", []string{"-h"}, 0, nil, []string{"-seeds", "-for"}},
		{"no study", nil, 2, nil, []string{"name a study", "lwf"}},
		{"unknown study", []string{"mnist"}, 2, nil, []string{`"mnist"`, "cifar"}},
		{"two studies", []string{"lwf", "cifar"}, 2, nil, []string{"one study at a time", `"cifar"`}},
		{"seeds", []string{"lwf", "-seeds", "0"}, 2, nil, []string{"-seeds is 0", "at least 1"}},
		{"time", []string{"lwf", "-for", "-1s"}, 2, nil, []string{"-for is -1s", "positive"}},
		{"no such flag", []string{"lwf", "-epochs", "3"}, 2, nil, []string{"-epochs"}},
		{"no data", []string{"cifar", "-shared", empty, "-out", empty}, 1, nil, []string{"cifar10_jpg.zip"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d; %s", code, tt.code, &stderr)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("output %q lacks %q", &stdout, want)
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("standard error %q lacks %q", &stderr, want)
				}
			}
		})
	}
}

// TestPieces: a study that runs out of time says so, and what it has begun is there.
func TestPieces(t *testing.T) {
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	if code := run([]string{"lwf", "-quiet", "-seeds", "1", "-for", "1ms", "-out", out}, &stdout, &stderr); code != 3 {
		t.Errorf("exit code %d, want 3; %s", code, &stderr)
	}
	if !strings.Contains(stderr.String(), "not complete") || !strings.Contains(stderr.String(), "same command") || stdout.Len() > 0 {
		t.Errorf("said %q and printed %q", &stderr, &stdout)
	}
	if _, err := os.Stat(filepath.Join(out, "lwf-before", "run.json")); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	markdown(&b, "Caption", []string{"method", "accuracy"}, [][]string{{"a", band([]float64{0.5})}, {"b", band([]float64{0.5, 0.7})}, {"c", band(nil)}})
	want := "\nCaption\n\n| method | accuracy |\n|---|---|\n| a | 0.500 |\n| b | 0.600 ± 0.141 (0.500 to 0.700) |\n| c | - |\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", &b, want)
	}
	if got := each([]float64{0.5, 0.25}); got != "0.5000 0.2500" {
		t.Errorf("got %q", got)
	}
}

// TestParts: the parts of a split are apart, and what is compressed once more is another image of the same label.
func TestParts(t *testing.T) {
	ds, err := datasets.Load("sketches")
	if err != nil {
		t.Fatal(err)
	}
	first, second := part(ds.Train, 0, 10), part(ds.Train, 10, 15)
	if first.Len() != 10*len(ds.Classes) || second.Len() != 5*len(ds.Classes) {
		t.Fatalf("%d and %d images of %d classes", first.Len(), second.Len(), len(ds.Classes))
	}
	seen := map[string]bool{}
	for i := range first.Len() {
		seen[first.Name(i)] = true
	}
	for i := range second.Len() {
		if seen[second.Name(i)] {
			t.Fatalf("%s is in both parts", second.Name(i))
		}
	}
	low, err := degraded(second, len(ds.Classes), 10)
	if err != nil {
		t.Fatal(err)
	}
	a, err := second.Image(3)
	if err != nil {
		t.Fatal(err)
	}
	b, err := low.Image(3)
	if err != nil {
		t.Fatal(err)
	}
	if a.Width != b.Width || a.Height != b.Height || bytes.Equal(a.Pix, b.Pix) || low.Label(3) != second.Label(3) || low.Name(3) == second.Name(3) {
		t.Errorf("%s: %dx%d label %d; compressed %s: %dx%d label %d, equal pixels %v", second.Name(3), a.Width, a.Height, second.Label(3),
			low.Name(3), b.Width, b.Height, low.Label(3), bytes.Equal(a.Pix, b.Pix))
	}
}

// TestFilterFigures: the first layer of the embedded network has the figures that the README and lesson 10 name.
func TestFilterFigures(t *testing.T) {
	_, m, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	neighbours, light, err := filterFigures(m)
	if err != nil || math.Abs(neighbours-0.225) > 0.001 || math.Abs(light-0.412) > 0.001 {
		t.Errorf("correlation of neighbours %.4f, light and dark %.4f (%v); want 0.225 and 0.412", neighbours, light, err)
	}
}

// TestSeen: figures keep the order of their first values, and all values.
func TestSeen(t *testing.T) {
	var s seen
	s.add("b", 1)
	s.add("a", 2)
	s.add("b", 3)
	if !slices.Equal(s.names, []string{"b", "a"}) || !slices.Equal(s.values["b"], []float64{1, 3}) || !slices.Equal(s.values["a"], []float64{2}) {
		t.Errorf("%v, %v", s.names, s.values)
	}
}

// TestFinalists: the validation images measure the best candidate, the best one that begins at random and those that
// are asked for, each once.
func TestFinalists(t *testing.T) {
	begun := func(name string) scored {
		return scored{candidate: candidate{strategy: strategy.FineTune{Label: name, HeadFrom: map[string]string{"ants": "ant"}}}}
	}
	random := func(name string) scored {
		return scored{candidate: candidate{strategy: strategy.FineTune{Label: name}}}
	}
	for _, c := range []struct {
		all    []scored
		always []string
		want   string
	}{
		{[]scored{begun("a"), begun("b"), random("c"), random("d")}, nil, "chosen: a, best that begins at random: c"},
		{[]scored{random("a"), begun("b"), random("c")}, nil, "chosen: a"},
		{[]scored{{candidate: candidate{strategy: strategy.Transfer{Label: "a", HeadFrom: map[string]string{"ants": "ant"}}}}, random("b")}, nil, "chosen: a, best that begins at random: b"},
		{[]scored{begun("a"), random("b"), begun("c"), random("d")}, []string{"a", "b", "c"}, "chosen: a, best that begins at random: b, c"},
	} {
		var got []string
		for _, f := range (network{always: c.always}).finalists(c.all) {
			got = append(got, f.why+f.strategy.Name())
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("finalists are %q, want %s", got, c.want)
		}
	}
}

// TestCandidates: the candidates of a network have names of their own, and those that are always measured
// are among them.
func TestCandidates(t *testing.T) {
	for _, n := range []network{mobileNet, liteNet} {
		var names []string
		for _, c := range n.candidates() {
			if slices.Contains(names, c.strategy.Name()) {
				t.Errorf("%s: two candidates are named %s; their runs would be one", n.title, c.strategy.Name())
			}
			names = append(names, c.strategy.Name())
		}
		for _, a := range n.always {
			if !slices.Contains(names, a) {
				t.Errorf("%s: %s is always measured and no candidate", n.title, a)
			}
		}
	}
}
