package train_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The tests hold for every engine; the pure-Go one is there on every machine.
func TestMain(m *testing.M) {
	testutil.PureGo()
	os.Setenv("TLKIT_LANG", "en") // figures are in English, whatever the locale
	os.Exit(m.Run())
}

const side = 8 // pixels; small enough for a step to take about a millisecond

var colours = []string{"blue", "green", "red"}

// tinySpec is a network of three convolutions with what the strategies have to tell apart: stages, BatchNorm, a head.
func tinySpec() zoo.Spec {
	conv := func(name string, channels, stride int) zoo.Stage {
		return zoo.Stage{Name: name, Forward: func(s *nn.Scope, x *Node) *Node {
			x = nn.Conv2D(s.In(name+".conv"), x, channels, 3).Stride(stride).Pad(1).Done()
			return nn.ReLU(nn.BatchNorm(s.In(name+".bn"), x).Done())
		}}
	}
	return zoo.Spec{Name: "tiny", InputSize: side, MinSize: side, Build: func() zoo.Architecture {
		return zoo.Architecture{
			Stages: []zoo.Stage{conv("stem", 4, 1), conv("layer1", 6, 2), conv("layer2", 8, 2),
				{Name: "avgpool", Forward: func(_ *nn.Scope, x *Node) *Node { return nn.GlobalMeanPool(x) }}},
			Head: zoo.Head{Key: "fc", Forward: func(s *nn.Scope, x *Node, n int) *Node { return nn.Linear(s, x, n) }},
		}
	}}
}

// pretrained returns a tiny model whose values, running statistics too, are none that a start gives.
func pretrained(t testing.TB) *zoo.Model { return pretend(t, tinySpec()) }

func pretend(t testing.TB, spec zoo.Spec) *zoo.Model {
	t.Helper()
	spec.InputSize = side
	m, err := zoo.New(spec, []string{"a", "b", "c", "d", "e"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess = vision.Preprocess{Resize: side, Crop: side, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}
	m.Weights = "test"
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i, e := range entries {
		values, err := e.Float32()
		if err != nil {
			t.Fatal(err)
		}
		values = slices.Clone(values)
		for j := range values {
			if p, _ := m.Param(e.Key); p.Buffer {
				values[j] += rng.Float32() / 2
			}
		}
		if entries[i].Tensor, err = weights.NewTensor(e.Shape, values); err != nil {
			t.Fatal(err)
		}
	}
	loadEntries(t, m, entries)
	return m
}

// loadEntries gives a model's variables other values.
func loadEntries(t testing.TB, m *zoo.Model, entries []weights.Entry) {
	t.Helper()
	sd, err := weights.New(entries)
	if err == nil {
		err = m.LoadStateDict(sd)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// painted makes n images of each class, of its colour under noise. asked, if not nil, hears of every image asked for.
func painted(t testing.TB, seed uint64, n int, asked func(i int)) *datasets.Split {
	t.Helper()
	var names []string
	var labels []int
	for i := range n * len(colours) {
		names = append(names, fmt.Sprintf("%d/%02d.png", seed, i))
		labels = append(labels, i%len(colours))
	}
	s, err := datasets.NewSplit(len(colours), names, labels, func(i int) (*vision.Image, error) {
		if asked != nil {
			asked(i)
		}
		m := vision.New(side, side)
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for j := range m.Pix {
			m.Pix[j] = uint8(rng.IntN(180))
			if j%3 == 2-labels[i] {
				m.Pix[j] += 60
			}
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// paint is a data set of 15 training and 9 validation images.
func paint(t testing.TB) *datasets.Dataset {
	return &datasets.Dataset{Name: "paint", Classes: colours, Train: painted(t, 1, 5, nil), Val: painted(t, 2, 3, nil)}
}

// quick is a recipe of four steps per epoch in a folder of the test's own.
func quick(t testing.TB) train.Recipe {
	return train.Recipe{Epochs: 2, BatchSize: 4, Seed: 3, Dir: t.TempDir(), Quiet: true, DiskLimit: -1}
}

func compare(t testing.TB, r train.Recipe, name string, ds *datasets.Dataset, m *zoo.Model, s ...train.Strategy) *train.Run {
	t.Helper()
	run, err := r.Compare(context.Background(), name, ds, m, s...)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// snapshot returns all values of a model by key.
func snapshot(t testing.TB, m *zoo.Model) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range m.Params() {
		values, err := m.Values(p)
		if err != nil {
			t.Fatal(err)
		}
		all[p.Key] = values
	}
	return all
}

// saved returns the entries of a weight file of a strategy.
func saved(t testing.TB, run *train.Run, strategy, file string) map[string][]float32 {
	t.Helper()
	sd, err := weights.Open(filepath.Join(run.Dir, strategy, file))
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	all := map[string][]float32{}
	for _, e := range sd.Entries() {
		if all[e.Key], err = e.Float32(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// curve is a history without its times, which differ from run to run.
func curve(history []train.Epoch) []train.Epoch {
	h := slices.Clone(history)
	for i := range h {
		h[i].Seconds, h[i].ImagesPerSecond = 0, 0
	}
	return h
}

func result(t testing.TB, run *train.Run, strategy string) *train.Result {
	t.Helper()
	res, err := run.Result(strategy)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// wantError checks that an error says all that it should.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

// tree returns the content of all files below dir by path.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return files
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// counter counts, from several goroutines, and calls at when the count is reached.
type counter struct {
	mu    sync.Mutex
	n     int
	when  int
	at    func()
	calls []int
}

func (c *counter) asked(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.calls = append(c.calls, i)
	if c.n == c.when {
		c.at()
	}
}

// resumesEqually fine-tunes a model on painted images in a run that is stopped when the n-th training image is read,
// and resumes it. Its files must be those of the run that was not stopped.
func resumesEqually(t testing.TB, r train.Recipe, m *zoo.Model, whole *train.Run, n int) *train.Run {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ds := paint(t)
	ds.Train = painted(t, 1, 5, (&counter{when: n, at: cancel}).asked)
	var stopped *train.InterruptedError
	if _, err := r.Compare(ctx, "stopped", ds, m, strategy.FineTune{}); !errors.As(err, &stopped) {
		t.Fatalf("error %v, want an InterruptedError", err)
	}
	run := compare(t, r, "stopped", paint(t), m, strategy.FineTune{})
	for _, file := range []string{"best.safetensors", "checkpoint.safetensors"} {
		if !reflect.DeepEqual(saved(t, run, "finetune", file), saved(t, whole, "finetune", file)) {
			t.Errorf("%s differs from that of the uninterrupted run", file)
		}
	}
	return run
}
