package kernels

import (
	"math"
	"slices"
)

// channelSums calls add in parallel for pieces of the rows [rows, c]; add computes k*c sums of its piece. channelSums
// adds these up in double precision.
func channelSums(team Team, rows, c, k int, add func(worker, from, to int, sums []float32)) []float64 {
	// A sum of float32 over at most 512 rows is precise enough; the pieces are added in float64.
	const most = 512
	pieces := max(1, (rows+most-1)/most)
	tasks := max(1, min(pieces, 64, rows*c/4096)) // whatever the number of workers is: the sums are to be equal
	totals := make([][]float64, tasks)
	team(tasks, func(worker, task int) {
		total := make([]float64, k*c)
		sums := make([]float32, k*c)
		for p := task * pieces / tasks; p < (task+1)*pieces/tasks; p++ {
			clear(sums)
			add(worker, p*rows/pieces, (p+1)*rows/pieces, sums)
			for i, s := range sums {
				total[i] += float64(s)
			}
		}
		totals[task] = total
	})
	for _, t := range totals[1:] {
		for i, v := range t {
			totals[0][i] += v
		}
	}
	return totals[0]
}

// beside returns how many rows of c values are to be taken as one longer row, so that it has enough vectors.
func beside(rows, c int) int {
	const enough = 32
	if k := enough / c; k > 1 && enough%c == 0 && rows%k == 0 {
		return k
	}
	return 1
}

// folded adds up the sums of k rows beside each other: of [2, k, c], the first [2, c].
func folded(sums []float64, k, c int) (first, second []float64) {
	for half := range 2 {
		s := sums[half*k*c : (half+1)*k*c]
		for i, v := range s[c:] {
			s[i%c] += v
		}
	}
	return sums[:c], sums[k*c : k*c+c]
}

// BatchNorm writes (x-mean)/sqrt(variance+epsilon)*scale+offset for x [rows, c] to y, with the mean and the (biased)
// variance of each channel, which it writes to mean and variance. after, if not nil, is called for each piece of y.
// Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1.
func BatchNorm(t Team, y, mean, variance, x, scale, offset []float32, epsilon float32, after After) {
	c := len(scale)
	rows := len(x) / c
	k := beside(rows, c)
	long := c * k
	gain, shift := make([]float32, c), make([]float32, c)
	BatchStatistics(t, gain, shift, mean, variance, x, scale, offset, epsilon)
	gain, shift = slices.Repeat(gain, k), slices.Repeat(shift, k)
	t.ranges(rows/k, max(1, 8192/long), func(worker, from, to int) {
		step := max(1, 4096/long)
		for ; from < to; from += step {
			end := min(to, from+step)
			vecScaleRows(y[from*long:end*long], x[from*long:end*long], gain, shift)
			if after != nil {
				after(worker, from*long, end*long)
			}
		}
	})
}

// BatchStatistics writes all but the result of [BatchNorm]: mean and variance, and the gain and shift of each channel
// with which the result is x*gain + shift.
func BatchStatistics(t Team, gain, shift, mean, variance, x, scale, offset []float32, epsilon float32) {
	c := len(scale)
	rows := len(x) / c
	// The first row is subtracted, so that a mean far from 0 costs no digits.
	k := beside(rows, c)
	long, first := c*k, slices.Repeat(x[:c], k)
	sums, squares := folded(channelSums(t, rows/k, long, 2, func(_, from, to int, sums []float32) {
		vecMoments(sums[:long], sums[long:], x[from*long:to*long], first)
	}), k, c)
	for i := range c {
		m := sums[i] / float64(rows)
		v := max(0, squares[i]/float64(rows)-m*m)
		m += float64(x[i])
		mean[i], variance[i] = float32(m), float32(v)
		g := float64(scale[i]) / math.Sqrt(v+float64(epsilon))
		gain[i], shift[i] = float32(g), float32(float64(offset[i])-m*g)
	}
}

// BatchNormGradient writes the gradients of BatchNorm for the adjoint v of its result; dx may be v. before, if not nil,
// is called for each piece of v before it is read, and writes it.
// With x^ the normalised input: d offset = sum v, d scale = sum v x^, dx = gain (v - (d offset + x^ d scale)/rows).
func BatchNormGradient(t Team, dx, dScale, dOffset, x, scale, mean, variance, v []float32, epsilon float32, before After) {
	c := len(scale)
	rows := len(x) / c
	k := beside(rows, c)
	long, means := c*k, slices.Repeat(mean, k)
	sums, products := folded(channelSums(t, rows/k, long, 2, func(worker, from, to int, sums []float32) {
		step := to - from
		if before != nil {
			step = max(1, 4096/long)
		}
		for ; from < to; from += step {
			end := min(to, from+step)
			if before != nil {
				before(worker, from*long, end*long)
			}
			vecProducts(sums[:long], sums[long:], v[from*long:end*long], x[from*long:end*long], means)
		}
	}), k, c)
	// dx = a v + b x + d
	a, b, d := make([]float32, c), make([]float32, c), make([]float32, c)
	for i := range c {
		inv := 1 / math.Sqrt(float64(variance[i])+float64(epsilon))
		ds := products[i] * inv
		dOffset[i], dScale[i] = float32(sums[i]), float32(ds)
		gain := float64(scale[i]) * inv
		slope := -gain * ds * inv / float64(rows)
		a[i], b[i] = float32(gain), float32(slope)
		d[i] = float32(-gain*sums[i]/float64(rows) - slope*float64(mean[i]))
	}
	a, b, d = slices.Repeat(a, k), slices.Repeat(b, k), slices.Repeat(d, k)
	t.ranges(rows/k, max(1, 8192/long), func(_, from, to int) {
		vecCombineRows(dx[from*long:to*long], v[from*long:to*long], x[from*long:to*long], a, b, d)
	})
}

// SumRows adds up x [outer, middle, inner] over the middle axis into y [outer, inner].
func SumRows(t Team, y, x []float32, outer, middle, inner int) {
	sumRows(t, y, values{most: len(x), get: func(_, from, to int) []float32 { return x[from:to] }}, outer, middle, inner)
}

// values are those of a tensor for an operation that reads each once. get returns from..to-1, at most so many; they
// stay until the worker's next call.
type values struct {
	most int
	get  func(worker, from, to int) []float32
}

// sumBlock is the number of values of a chain that are computed before they are added up, so that they stay in the
// cache.
const sumBlock = 4096

// Summable reports whether [Chain.Sum] can add up a result of these sizes: a row of it must fit into a block.
func Summable(middle, inner int) bool {
	if inner == 1 {
		return middle <= sumBlock
	}
	return inner <= sumBlock
}

func sumRows(t Team, y []float32, x values, outer, middle, inner int) {
	if inner == 1 {
		sumsOfRows(t, y, x, outer, middle)
		return
	}
	// add adds the rows from..to-1 of all outer*middle to sums.
	add := func(worker, from, to int, sums []float32) {
		for rows := max(1, x.most/inner); from < to; from += rows {
			vecSumRows(sums, x.get(worker, from*inner, min(from+rows, to)*inner))
		}
	}
	if outer == 1 {
		for i, s := range channelSums(t, middle, inner, 1, add) {
			y[i] = float32(s)
		}
		return
	}
	t.ranges(outer, max(1, 8192/(middle*inner)), func(worker, from, to int) {
		part, total := make([]float32, inner), make([]float64, inner)
		for o := from; o < to; o++ {
			clear(total)
			for at := 0; at < middle; at += 256 {
				clear(part)
				add(worker, o*middle+at, o*middle+min(middle, at+256), part)
				for i, p := range part {
					total[i] += float64(p)
				}
			}
			for i, t := range total {
				y[o*inner+i] = float32(t)
			}
		}
	})
}

// sumsOfRows writes the sum of each row of x [rows, n] to y.
func sumsOfRows(t Team, y []float32, x values, rows, n int) {
	most := max(1, min(x.most/n, rows))
	t.ranges(rows, max(1, 8192/n), func(worker, from, to int) {
		for ; from < to; from += most {
			block := x.get(worker, from*n, min(from+most, to)*n)
			for i := range len(block) / n {
				y[from+i] = sum(block[i*n : (i+1)*n])
			}
		}
	})
}

// sum adds up x: at most 256 values in float32, eight sums side by side, and these in float64.
func sum(x []float32) float32 {
	total := 0.0
	for len(x) > 0 {
		n := min(len(x), 256)
		var sums [8]float32
		for i := vecSum8(&sums, x[:n]); i < n; i++ {
			sums[i%len(sums)] += x[i]
		}
		for _, s := range sums {
			total += float64(s)
		}
		x = x[n:]
	}
	return float32(total)
}
