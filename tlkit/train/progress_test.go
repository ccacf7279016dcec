package train

import (
	"math"
	"strings"
	"testing"
)

// epochsOf is a history of so many epochs, of so many seconds each.
func epochsOf(n int, seconds float64) []Epoch {
	h := make([]Epoch, n)
	for i := range h {
		h[i] = Epoch{Epoch: i + 1, Seconds: seconds}
	}
	return h
}

func TestTimeLeft(t *testing.T) {
	done := func(name string, n int, seconds float64) *Result {
		return &Result{Strategy: name, Done: true, History: epochsOf(n, seconds)}
	}
	for _, c := range []struct {
		name    string
		queue   []*Result
		current int
		epochs  float64
		pace    float64
		want    float64
		unknown bool
	}{
		{"nothing known", []*Result{{Strategy: "a"}, {Strategy: "b"}}, 0, 0, 0, 0, true},
		{"the pace of the first epoch, for the other strategy too", []*Result{{Strategy: "a"}, {Strategy: "b"}}, 0, 0.5, 4, 9.5*4 + 10*4, false},
		{"between epochs", []*Result{{Strategy: "a", History: epochsOf(3, 2)}, {Strategy: "b"}}, 0, 3, 0, 7*2 + 10*2, false},
		{"the other seed's cost", []*Result{done("a", 10, 1), {Strategy: "b", History: epochsOf(5, 8)}, {Strategy: "a"}}, 1, 5, 0, 5*8 + 10*1, false},
		{"a mean where none of its own is known", []*Result{done("a", 10, 1), {Strategy: "b", History: epochsOf(10, 3)}, {Strategy: "c"}}, 1, 10, 0, 10 * 2, false},
		{"stopped early", []*Result{done("a", 4, 1), {Strategy: "b", History: epochsOf(9, 1)}}, 1, 9, 0, 1, false},
	} {
		got, ok := timeLeft(c.queue, c.queue[c.current], 10, c.epochs, c.pace)
		if ok == c.unknown || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %g seconds, known %v; want %g", c.name, got, ok, c.want)
		}
	}
}

// The share and the time left are those of all strategies, and stay between two epochs.
func TestProgressOfAll(t *testing.T) {
	run := &Run{Config: Config{Recipe: Recipe{Epochs: 10}}}
	a, b := &Result{Strategy: "a", Done: true, History: epochsOf(10, 1), run: run}, &Result{Strategy: "b", History: epochsOf(5, 1), run: run}
	p := &progress{run: run, quiet: true, queue: []*Result{a, b}, current: b}
	if got := p.share(5); got != 0.75 {
		t.Errorf("share %g after 15 of 20 epochs", got)
	}
	if got := p.left(5, 0); got != "5s left" {
		t.Errorf("%q after 15 of 20 epochs of a second each", got)
	}
	b.History = nil
	if p.queue = p.queue[1:]; !strings.Contains(p.left(0, 0), "not known") {
		t.Errorf("%q before anything is known", p.left(0, 0))
	}
}

// FindLR reports its steps, not more often than the line may change, and the last step always.
func TestSearchProgress(t *testing.T) {
	run := &Run{Config: Config{Recipe: Recipe{Epochs: 10}}}
	p := newProgress(run, false)
	var lines []string
	var shares []float64
	p.say = func(text string, share float64) { lines, shares = append(lines, text), append(shares, share) }
	p.begin(&Result{Strategy: "a", run: run})
	for step := 1; step <= 100; step++ {
		p.search(step, 100, 1e-3, 0.5)
	}
	if n := len(lines); n < 2 || n > 99 || shares[0] != 0.01 || shares[n-1] != 1 {
		t.Errorf("%d lines of 100 steps, shares %v", n, shares)
	}
	if want := "a: learning-rate range test, step 100 of at most 100, rate 1.0e-03, loss 0.500"; lines[len(lines)-1] != want {
		t.Errorf("%q, want %q", lines[len(lines)-1], want)
	}
	p.searched(30) // the test ended early: the bar is full all the same
	if n := len(lines); lines[n-1] != "a: learning-rate range test ended after 30 steps" || shares[n-1] != 1 {
		t.Errorf("%q at a share of %g", lines[n-1], shares[n-1])
	}
	p.quiet, lines = true, nil
	p.searched(30)
	if p.search(100, 100, 1e-3, 0.5); len(lines) > 0 {
		t.Errorf("a quiet recipe shows %q", lines)
	}
}

// TestCatchUp: where a training stops between two drawings of its curves, the last epoch is drawn at the end, and once.
func TestCatchUp(t *testing.T) {
	run := &Run{Config: Config{Recipe: Recipe{Epochs: 200}}}
	res := &Result{Strategy: "a", run: run}
	p := newProgress(run, false)
	p.notebook, p.say = true, func(string, float64) {}
	drawn := 0
	p.redraw = func() { drawn = len(res.History) }
	p.begin(res)
	for range 53 {
		res.History = append(res.History, Epoch{Epoch: len(res.History) + 1})
		p.epoch()
	}
	if drawn >= 53 {
		t.Skip("the machine is so slow that every epoch was drawn")
	}
	if p.catchUp(); drawn != 53 {
		t.Errorf("%d of 53 epochs are drawn", drawn)
	}
	drawn = 0
	if p.catchUp(); drawn != 0 {
		t.Error("they are drawn a second time")
	}
}
