package kernels

import (
	"math"
	"slices"
)

// channelSums calls add in parallel for pieces of the rows [rows, c]; add computes k*c sums of its piece. channelSums
// adds these up in double precision.
func channelSums(team Team, rows, c, k int, add func(from, to int, sums []float32)) []float64 {
	// A sum of float32 over at most 512 rows is precise enough; the pieces are added in float64.
	const most = 512
	pieces := max(1, (rows+most-1)/most)
	tasks := max(1, min(pieces, 64, rows*c/4096)) // whatever the number of workers is: the sums are to be equal
	totals := make([][]float64, tasks)
	team(tasks, func(_, task int) {
		total := make([]float64, k*c)
		sums := make([]float32, k*c)
		for p := task * pieces / tasks; p < (task+1)*pieces/tasks; p++ {
			clear(sums)
			add(p*rows/pieces, (p+1)*rows/pieces, sums)
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
	// The first row is subtracted, so that a mean far from 0 costs no digits.
	k := beside(rows, c)
	long, first := c*k, slices.Repeat(x[:c], k)
	sums, squares := folded(channelSums(t, rows/k, long, 2, func(from, to int, sums []float32) {
		vecMoments(sums[:long], sums[long:], x[from*long:to*long], first)
	}), k, c)
	gain, shift := make([]float32, c), make([]float32, c)
	for i := range c {
		m := sums[i] / float64(rows)
		v := max(0, squares[i]/float64(rows)-m*m)
		m += float64(x[i])
		mean[i], variance[i] = float32(m), float32(v)
		g := float64(scale[i]) / math.Sqrt(v+float64(epsilon))
		gain[i], shift[i] = float32(g), float32(float64(offset[i])-m*g)
	}
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

// BatchNormGradient writes the gradients of BatchNorm for the adjoint v of its result; dx may be v.
// With x^ the normalised input: d offset = sum v, d scale = sum v x^, dx = gain (v - (d offset + x^ d scale)/rows).
func BatchNormGradient(t Team, dx, dScale, dOffset, x, scale, mean, variance, v []float32, epsilon float32) {
	c := len(scale)
	rows := len(x) / c
	k := beside(rows, c)
	long, means := c*k, slices.Repeat(mean, k)
	sums, products := folded(channelSums(t, rows/k, long, 2, func(from, to int, sums []float32) {
		vecProducts(sums[:long], sums[long:], v[from*long:to*long], x[from*long:to*long], means)
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
	if inner == 1 {
		t.ranges(outer, max(1, 8192/middle), func(_, from, to int) {
			for o := from; o < to; o++ {
				y[o] = sum(x[o*middle : (o+1)*middle])
			}
		})
		return
	}
	if outer == 1 {
		for i, s := range channelSums(t, middle, inner, 1, func(from, to int, sums []float32) {
			vecSumRows(sums, x[from*inner:to*inner])
		}) {
			y[i] = float32(s)
		}
		return
	}
	t.ranges(outer, max(1, 8192/(middle*inner)), func(_, from, to int) {
		part, total := make([]float32, inner), make([]float64, inner)
		for o := from; o < to; o++ {
			clear(total)
			rows := x[o*middle*inner : (o+1)*middle*inner]
			for at := 0; at < len(rows); at += 256 * inner {
				clear(part)
				vecSumRows(part, rows[at:min(len(rows), at+256*inner)])
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
