package tsne

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

const groups = 5

// grouped returns 150 rows of 8 columns in 5 groups that overlap; row i is of group i%5.
func grouped() [][]float64 {
	const n, columns = 150, 8
	values, centres := zootest.Uniform("tsne rows", n*columns), zootest.Uniform("tsne groups", groups*columns)
	x := make([][]float64, n)
	for i := range x {
		for k := range columns {
			x[i] = append(x[i], values[i*columns+k]+1.5*centres[i%groups*columns+k])
		}
	}
	return x
}

// columns returns two columns.
func columns(x [][]float64, first int) (start [][2]float64) {
	for _, row := range x {
		start = append(start, [2]float64{row[first], row[first+1]})
	}
	return start
}

// TestAgainstPeer holds the similarities against scikit-learn's, and the mean divergence after 1,000 steps from the
// same four starts. The descent is chaotic: where scikit-learn's own start is changed by 1e-9, its divergence differs
// by up to 3 %, and the places differ wholly.
func TestAgainstPeer(t *testing.T) {
	data, err := os.ReadFile("testdata/tsne.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Runs []struct {
			Perplexity   float64
			Divergences  []float64
			Similarities []float64 // of row 3
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	x := grouped()
	for _, g := range golden.Runs {
		p, err := similarities(t.Context(), x, g.Perplexity)
		if err != nil {
			t.Fatal(err)
		}
		for j, want := range g.Similarities {
			if got := p[3*len(x)+j]; math.Abs(got-want) > 1e-4*want+1e-9 {
				t.Fatalf("perplexity %g: the similarity of 3 and %d is %g, scikit-learn's %g", g.Perplexity, j, got, want)
			}
		}
		got, want := 0.0, 0.0
		for k, peer := range g.Divergences {
			points, divergence, err := Embed(t.Context(), x, Options{Perplexity: g.Perplexity, Start: columns(x, 2*k)})
			if err != nil {
				t.Fatal(err)
			}
			got, want = got+divergence/4, want+peer/4
			if same, flat := sameGroup(points), sameGroup(columns(x, 2*k)); same < 0.8 || same < flat+0.2 {
				t.Errorf("perplexity %g: %.2f of the neighbours are of the group, %.2f in two columns", g.Perplexity, same, flat)
			}
		}
		t.Logf("perplexity %g: mean divergence %.4f, scikit-learn's %.4f", g.Perplexity, got, want)
		if math.Abs(got-want) > 0.03*want {
			t.Errorf("perplexity %g: mean divergence %.4f, scikit-learn's %.4f", g.Perplexity, got, want)
		}
	}
}

// sameGroup returns the share of the five nearest points that are of the group.
func sameGroup(points [][2]float64) float64 {
	same := 0
	for i, p := range points {
		order := make([]int, len(points))
		for k := range order {
			order[k] = k
		}
		far := func(k int) float64 { return math.Hypot(points[k][0]-p[0], points[k][1]-p[1]) }
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(far(a), far(b)) })
		for _, k := range order[1:6] {
			if k%groups == i%groups {
				same++
			}
		}
	}
	return float64(same) / float64(5*len(points))
}

// TestSeeds: the same call gives the same bits on any number of processors, and another seed other places of the same
// worth.
func TestSeeds(t *testing.T) {
	x := grouped()
	run := func(o Options) ([][2]float64, float64) {
		t.Helper()
		points, divergence, err := Embed(t.Context(), x, o)
		if err != nil {
			t.Fatal(err)
		}
		return points, divergence
	}
	a, one := run(Options{Iterations: 300})
	was := runtime.GOMAXPROCS(3)
	b, _ := run(Options{Iterations: 300})
	runtime.GOMAXPROCS(was)
	c, two := run(Options{Iterations: 300, Seed: 1})
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("the places depend on more, or on less, than the seed")
	}
	if math.Abs(one-two) > 0.1*one {
		t.Errorf("divergences of two seeds: %g and %g", one, two)
	}
}

// TestGradient holds the gradient of a step against differences of the divergence.
func TestGradient(t *testing.T) {
	x := grouped()[:12]
	p, err := similarities(t.Context(), x, 4)
	if err != nil {
		t.Fatal(err)
	}
	d := &descent{n: len(x), p: p, y: columns(x, 0), slopes: make([]slope, len(x))}
	sum := d.measure()
	slopes := slices.Clone(d.slopes)
	const h = 1e-5
	for i := range d.y {
		for k := range 2 {
			was := d.y[i][k]
			d.y[i][k] = was + h
			up := d.divergence()
			d.y[i][k] = was - h
			down := d.divergence()
			d.y[i][k] = was
			got, want := 4*(slopes[i].attraction[k]-slopes[i].repulsion[k]/sum), (up-down)/(2*h)
			if math.Abs(got-want) > 1e-6 {
				t.Errorf("point %d, coordinate %d: gradient %g, want %g", i, k, got, want)
			}
		}
	}
}

// TestEdges: equal rows, far rows, three rows, an end of the context, and arguments that are refused.
func TestEdges(t *testing.T) {
	for name, x := range map[string][][]float64{
		"equal rows": {{1, 2}, {1, 2}, {1, 2}, {1, 2}, {3, 4}},
		"far rows":   {{0}, {1e100}, {2e100}, {-1e100}},
		"three rows": {{0}, {1}, {5}},
	} {
		points, divergence, err := Embed(t.Context(), x, Options{Perplexity: 2, Iterations: 60})
		if err != nil || len(points) != len(x) || math.IsNaN(divergence+points[0][0]) {
			t.Errorf("%s: %v, %g, %v", name, points, divergence, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, _, err := Embed(ctx, grouped(), Options{Progress: func(done int) {
		if steps = done; done == 7 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || steps != 7 {
		t.Errorf("cancelled in step 7: %v after %d steps", err, steps)
	}
	x := grouped()
	for want, call := range map[string]func() error{
		"2 points; expected 3":                func() error { _, _, err := Embed(t.Context(), x[:2], Options{}); return err },
		"perplexity 30 with 20 points":        func() error { _, _, err := Embed(t.Context(), x[:20], Options{}); return err },
		"perplexity NaN":                      func() error { _, _, err := Embed(t.Context(), x, Options{Perplexity: math.NaN()}); return err },
		"-1 iterations":                       func() error { _, _, err := Embed(t.Context(), x, Options{Iterations: -1}); return err },
		"1 places to begin at for 150 points": func() error { _, _, err := Embed(t.Context(), x, Options{Start: make([][2]float64, 1)}); return err },
		"not finite": func() error {
			_, _, err := Embed(t.Context(), [][]float64{{1}, {2}, {math.Inf(1)}, {3}}, Options{Perplexity: 2})
			return err
		},
		"different lengths": func() error {
			_, _, err := Embed(t.Context(), [][]float64{{1}, {2, 3}, {4}, {3}}, Options{Perplexity: 2})
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
