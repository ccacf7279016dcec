package train

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
)

// compute runs a graph on the default engine and returns the values of its first output.
func compute1(t *testing.T, build func(in []*Node) *Node, in ...any) []float32 {
	t.Helper()
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	exec, err := NewExec(engine.Backend, build)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call1(in...)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out)
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

// The wanted values are those of torch.nn.CrossEntropyLoss (PyTorch 2.15, double precision).
func TestObjective(t *testing.T) {
	logits := [][]float32{{1, -2, 0.5}, {0.3, 0.2, -1}, {2, 0, 0}}
	labels := [][]float32{{1, 0, 0}, {0, 0, 1}, {0, 1, 0}}
	mixed := [][]float32{{0.7, 0.3, 0}, {0, 0.3, 0.7}, {0, 1, 0}}
	for _, c := range []struct {
		name    string
		o       objective
		targets [][]float32
		want    float64
	}{
		{"plain", objective{}, labels, 1.6074196775674163},
		{"weights", objective{weights: []float32{0.5, 2, 1}}, labels, 1.9455729565008546},
		{"smoothing", objective{smoothing: 0.1}, labels, 1.596308566456305},
		{"both", objective{smoothing: 0.1, weights: []float32{0.5, 2, 1}}, labels, 1.935090961940844},
		{"mixed", objective{}, mixed, 1.787419677567416},
		{"mixed and smoothed", objective{smoothing: 0.1}, mixed, 1.7583085664563047},
	} {
		got := compute1(t, func(in []*Node) *Node { return c.o.loss(in[0], in[1]) }, logits, c.targets)
		within(t, c.name, float64(got[0]), c.want, 2e-6)
	}
}

func TestClassWeights(t *testing.T) {
	// 9 images, 3 classes, of which the second has none: 9/(3*6) and 9/(3*3).
	got := Balanced.of([]int{6, 0, 3})
	if len(got) != 3 || got[0] != 0.5 || got[1] != 0 || got[2] != 1 {
		t.Errorf("weights %v, want 0.5, 0, 1", got)
	}
	if got := ClassWeights("").of([]int{6, 3}); got != nil {
		t.Errorf("weights %v without the option", got)
	}
}

// The constants are those of torch.optim.lr_scheduler.OneCycleLR(max_lr=1): 1/25 at the start, 1 after 30 %, 4e-6 at
// the end, half a cosine between them.
func TestOneCycle(t *testing.T) {
	s := Schedule{OneCycle: true}
	for _, c := range []struct{ at, want float64 }{{0, 0.04}, {15, 0.52}, {30, 1}, {65, 0.500002}, {100, 4e-6}} {
		within(t, "the factor", s.Factor(c.at/10, 10), c.want, 1e-9)
	}
}

func TestClip(t *testing.T) {
	run := func(limit float64) []float32 {
		return compute1(t, func(in []*Node) *Node {
			g := []*Node{in[0], in[1]}
			clip(g, limit)
			return Concatenate(g, 0)
		}, []float32{3}, []float32{0, 4}) // norm 5
	}
	for i, want := range []float64{0.6, 0, 0.8} {
		within(t, "clipped to 1", float64(run(1)[i]), want, 1e-6)
	}
	for i, want := range []float64{3, 0, 4} {
		within(t, "below the limit", float64(run(6)[i]), want, 0)
	}
}

func TestMix(t *testing.T) {
	got := compute1(t, func(in []*Node) *Node { return mix(in[0], in[1]) }, [][]float32{{1, 0}, {2, 8}, {5, 4}}, float32(0.75))
	// Each row with the one before it, the first with the last.
	for i, want := range []float64{0.75*1 + 0.25*5, 0.25 * 4, 0.75*2 + 0.25*1, 0.75 * 8, 0.75*5 + 0.25*2, 0.75*4 + 0.25*8} {
		within(t, "a mixed value", float64(got[i]), want, 1e-6)
	}
	const n, size = 2000, 16
	up, low := 0, 0
	for step := range n {
		m := Recipe{Mixup: 0.2}.mixture(step, size)
		if m.share < 0 || m.share > 1 || float64(m.mask[7]) != float64(float32(m.share)) {
			t.Fatalf("share %g, mask %g", m.share, m.mask[7])
		}
		if m.share > 0.9 {
			up++
		}
		if m.share < 0.1 {
			low++
		}
		c := Recipe{CutMix: 1}.mixture(step, size)
		sum := 0.0
		for _, v := range c.mask {
			if v != 0 && v != 1 {
				t.Fatalf("CutMix mask of %g", v)
			}
			sum += float64(v)
		}
		within(t, "CutMix's share of the label", c.share, sum/size/size, 1e-12)
	}
	// P(Beta(0.2, 0.2) > 0.9) = 0.3367 (scipy.stats.beta.sf); three deviations of the mean are 0.032.
	within(t, "the share of shares above 0.9", float64(up)/n, 0.3367, 0.032)
	within(t, "the share of shares below 0.1", float64(low)/n, 0.3367, 0.032)
	kinds := map[bool]int{}
	for step := range 100 {
		m := Recipe{Mixup: 1, CutMix: 1}.mixture(step, size)
		kinds[m.mask[0] != 0 && m.mask[0] != 1]++
	}
	if kinds[true] < 30 || kinds[false] < 30 {
		t.Errorf("of 100 batches %d were blended and %d cut", kinds[true], kinds[false])
	}
}

func TestEarlyStopAndRestore(t *testing.T) {
	var history []Epoch
	for i, e := range [][2]float64{{1, 0.5}, {0.8, 0.6}, {0.9, 0.7}, {0.85, 0.7}, {0.79, 0.6}, {0.95, 0.5}} {
		history = append(history, Epoch{Epoch: i + 1, ValLoss: e[0], ValAccuracy: e[1]})
	}
	for _, c := range []struct {
		stop  EarlyStop
		after int // epochs; 0: not at all
	}{
		{EarlyStop{}, 0},
		{EarlyStop{Patience: 1}, 3},
		{EarlyStop{Patience: 2}, 4},
		{EarlyStop{Patience: 3}, 0},
		{EarlyStop{Patience: 3, MinDelta: 0.05}, 5},
		{EarlyStop{Patience: 2, OnAccuracy: true}, 5},
	} {
		got := 0
		for n := range len(history) + 1 {
			if c.stop.reached(history[:n]) {
				got = n
				break
			}
		}
		if got != c.after {
			t.Errorf("%+v stops after %d epochs, want %d", c.stop, got, c.after)
		}
	}
	for r, want := range map[Restore]int{RestoreBest: 3, RestoreLowestLoss: 4, RestoreLast: 5} {
		if got := r.of(history); got != want {
			t.Errorf("%q keeps epoch %d, want %d", r, got+1, want+1)
		}
		if got := r.of(nil); got != -1 {
			t.Errorf("%q of nothing is %d", r, got)
		}
	}
}

// TestSpreadString: a cell that ends in a score shows figures that can be read.
func TestSpreadString(t *testing.T) {
	for want, s := range map[string]Spread{"0.6467": {2 * 0.9700 / 3, 0}, "0.5 ± 0.012": {0.5, 0.01234}, "NaN": spread(nil)} {
		if got := s.String(); got != want {
			t.Errorf("%#v is %q, want %q", s, got, want)
		}
	}
}
