package tsne

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// maxPoints is the largest number of points. Their similarities take 8 bytes for each pair.
const maxPoints = 5000

// Options are the options of [Embed].
type Options struct {
	// Perplexity is, smoothly counted, how many neighbours a point has (section 2); 0 means 30. It must be less
	// than the number of points.
	Perplexity float64
	// Iterations is the number of steps, 0 means 1,000. In the first 250, similarities are exaggerated.
	Iterations int
	// Start has the places to begin at, in any scale; nil means random ones by Seed.
	Start [][2]float64
	// Seed chooses the random places.
	Seed uint64
	// Progress is called after each step with the number of steps done; may be nil.
	Progress func(done int)
}

// The settings of the descent, which are scikit-learn's: learning rate n/12/4, at least 50 (Belkina et al. 2019,
// Nature Communications 10), and those of section 3.4.
const (
	exaggeration    = 12.0
	exaggerated     = 250 // steps with exaggerated similarities
	leastRate       = 50.0
	earlyMomentum   = 0.5
	lateMomentum    = 0.8
	leastGain       = 0.01
	startDeviation  = 1e-4
	perplexityError = 1e-5 // of the entropy, in nats
)

// Embed returns a place for each row of x, and the Kullback-Leibler divergence of the similarities in the plane from
// those of the rows, which the descent lowers. The rows have equal lengths and finite values. For the same arguments
// the result is the same to the bit, on any number of processors. When ctx ends, Embed returns its error.
func Embed(ctx context.Context, x [][]float64, o Options) (points [][2]float64, divergence float64, err error) {
	n := len(x)
	o.Perplexity = cmp.Or(o.Perplexity, 30)
	o.Iterations = cmp.Or(o.Iterations, 1000)
	switch {
	case n < 3 || n > maxPoints:
		return nil, 0, fmt.Errorf("tsne: %d points; expected 3 to %d", n, maxPoints)
	case !(o.Perplexity >= 1) || o.Perplexity >= float64(n):
		return nil, 0, fmt.Errorf("tsne: perplexity %g with %d points; expected at least 1, and less than the number of points", o.Perplexity, n)
	case o.Iterations < 0:
		return nil, 0, fmt.Errorf("tsne: %d iterations; expected a positive number, or 0 for 1,000", o.Iterations)
	case o.Start != nil && len(o.Start) != n:
		return nil, 0, fmt.Errorf("tsne: %d places to begin at for %d points", len(o.Start), n)
	}
	p, err := similarities(ctx, x, o.Perplexity)
	if err != nil {
		return nil, 0, err
	}
	d := &descent{n: n, p: p, y: start(o, n), velocity: make([][2]float64, n), gains: make([][2]float64, n), slopes: make([]slope, n)}
	rate := max(float64(n)/exaggeration/4, leastRate)
	for step := range o.Iterations {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		factor, momentum := 1.0, lateMomentum
		if step < exaggerated {
			factor, momentum = exaggeration, earlyMomentum
		}
		if step == 0 || step == exaggerated {
			d.rest()
		}
		d.step(factor, momentum, rate)
		if o.Progress != nil {
			o.Progress(step + 1)
		}
	}
	divergence = d.divergence()
	if math.IsNaN(divergence) {
		return nil, 0, errors.New("tsne: the places are not finite any more; give Start of smaller differences")
	}
	return d.y, divergence, nil
}

// start returns the places to begin at: those of o with deviation 1e-4 of the first coordinate, or random ones.
func start(o Options, n int) [][2]float64 {
	y := make([][2]float64, n)
	if o.Start == nil {
		rng := rand.New(rand.NewPCG(o.Seed, 2))
		for i := range y {
			y[i] = [2]float64{startDeviation * rng.NormFloat64(), startDeviation * rng.NormFloat64()}
		}
		return y
	}
	mean, square := 0.0, 0.0
	for _, s := range o.Start {
		mean += s[0] / float64(n)
	}
	for _, s := range o.Start {
		square += (s[0] - mean) * (s[0] - mean) / float64(n)
	}
	scale := startDeviation
	if square > 0 {
		scale /= math.Sqrt(square)
	}
	for i, s := range o.Start {
		y[i] = [2]float64{scale * s[0], scale * s[1]}
	}
	return y
}

// rows calls f for each i below n, on all processors, until ctx ends.
func rows(ctx context.Context, n int, f func(i int)) error {
	var work sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), n)
	for w := range workers {
		work.Go(func() {
			for i := w; i < n && ctx.Err() == nil; i += workers {
				f(i)
			}
		})
	}
	work.Wait()
	return ctx.Err()
}

// similarities returns p[i*n+j], which sum to 1 (equations 1 and 2, made symmetric as in section 3.1).
func similarities(ctx context.Context, x [][]float64, perplexity float64) ([]float64, error) {
	n := len(x)
	p := make([]float64, n*n)
	for _, row := range x {
		for _, v := range row {
			if !numbers.Finite(v) || len(row) != len(x[0]) {
				return nil, errors.New("tsne: the rows have different lengths, or values that are not finite")
			}
		}
	}
	err := rows(ctx, n, func(i int) {
		row := p[i*n : (i+1)*n]
		for j := range row {
			for k, v := range x[i] {
				row[j] += (v - x[j][k]) * (v - x[j][k])
			}
		}
		neighbours(row, i, math.Log(perplexity))
	})
	for i := range n {
		for j := range i {
			p[i*n+j] = (p[i*n+j] + p[j*n+i]) / float64(2*n)
			p[j*n+i] = p[i*n+j]
		}
	}
	return p, err
}

// neighbours replaces squared distances from point i by the probabilities with which it chooses its neighbours. It
// searches the width of the Gaussian at which their entropy is the one that is wanted, in nats.
func neighbours(row []float64, i int, entropy float64) {
	nearest := math.Inf(1)
	for j, d := range row {
		if j != i {
			nearest = math.Min(nearest, d)
		}
	}
	out := make([]float64, len(row))
	precision, low, high := 1.0, 0.0, math.Inf(1)
	for range 100 {
		sum, weighted := 0.0, 0.0
		for j, d := range row {
			out[j] = 0
			if j != i {
				out[j] = math.Exp(-(d - nearest) * precision) // the nearest has 1, so that the sum is positive
				sum += out[j]
				weighted += out[j] * (d - nearest)
			}
		}
		for j := range out {
			out[j] /= sum
		}
		over := math.Log(sum) + precision*weighted/sum - entropy
		if math.Abs(over) <= perplexityError {
			break
		}
		if over > 0 {
			low = precision
		} else {
			high = precision
		}
		if math.IsInf(high, 1) {
			precision *= 2
		} else {
			precision = (low + high) / 2
		}
	}
	copy(row, out)
}

// slope is what one point contributes to the gradient: the attraction of section 3's equation 5, the repulsion before
// it is divided by the sum of all similarities, and its part of that sum.
type slope struct {
	attraction, repulsion [2]float64
	sum                   float64
}

// descent moves the points.
type descent struct {
	n                  int
	p                  []float64
	y, velocity, gains [][2]float64
	slopes             []slope
}

// measure fills in the slopes. Each point's is summed in the same order on any number of processors.
func (d *descent) measure() (sum float64) {
	rows(context.Background(), d.n, func(i int) {
		var s slope
		at, p := d.y[i], d.p[i*d.n:(i+1)*d.n]
		for j, other := range d.y {
			dx, dy := at[0]-other[0], at[1]-other[1]
			q := 1 / (1 + dx*dx + dy*dy)
			pull, push := p[j]*q, q*q
			s.sum += q
			s.attraction[0] += pull * dx
			s.attraction[1] += pull * dy
			s.repulsion[0] += push * dx
			s.repulsion[1] += push * dy
		}
		s.sum-- // the point itself
		d.slopes[i] = s
	})
	for _, s := range d.slopes {
		sum += s.sum
	}
	return sum
}

// rest ends all motion.
func (d *descent) rest() {
	for i := range d.y {
		d.velocity[i], d.gains[i] = [2]float64{}, [2]float64{1, 1}
	}
}

// step moves all points once. factor exaggerates the similarities.
func (d *descent) step(factor, momentum, rate float64) {
	sum := d.measure()
	for i := range d.y {
		for k := range 2 {
			gradient := 4 * (factor*d.slopes[i].attraction[k] - d.slopes[i].repulsion[k]/sum)
			gain, velocity := d.gains[i][k], d.velocity[i][k]
			if gradient*velocity < 0 { // on the way that the point goes already
				gain += 0.2
			} else {
				gain = max(gain*0.8, leastGain)
			}
			velocity = momentum*velocity - rate*gain*gradient
			d.gains[i][k], d.velocity[i][k] = gain, velocity
			d.y[i][k] += velocity
		}
	}
}

// divergence returns the Kullback-Leibler divergence (equation 3 of section 3.1), in nats.
func (d *descent) divergence() float64 {
	sum, total := d.measure(), 0.0
	for i := range d.n {
		for j := range d.n {
			p := d.p[i*d.n+j]
			if i == j || p <= 0 {
				continue
			}
			dx, dy := d.y[i][0]-d.y[j][0], d.y[i][1]-d.y[j][1]
			q := 1 / (1 + dx*dx + dy*dy) / sum
			total += p * math.Log(p/math.Max(q, math.SmallestNonzeroFloat64))
		}
	}
	return total
}
