package kernels

// Operations on rows [rows, c] with a value per channel. The vector units compute the first columns (see
// rows_amd64.go), loops the rest.

// vecMoments adds x-shift and its square, row by row, to sums and squares.
func vecMoments(sums, squares, x, shift []float32) {
	c := len(sums)
	first := vecMoments8(sums, squares, x, shift)
	for ; first < c && len(x) > 0; x = x[c:] {
		for i := first; i < c; i++ {
			d := x[i] - shift[i]
			sums[i] += d
			squares[i] += d * d
		}
	}
}

// vecProducts adds v to sums and v*(x-mean) to products.
func vecProducts(sums, products, v, x, mean []float32) {
	c := len(sums)
	first := vecProducts8(sums, products, v, x, mean)
	for ; first < c && len(x) > 0; v, x = v[c:], x[c:] {
		for i := first; i < c; i++ {
			sums[i] += v[i]
			products[i] += v[i] * (x[i] - mean[i])
		}
	}
}

// vecSumRows adds each row to sums.
func vecSumRows(sums, x []float32) {
	c := len(sums)
	first := vecSumRows8(sums, x)
	for ; first < c && len(x) > 0; x = x[c:] {
		for i := first; i < c; i++ {
			sums[i] += x[i]
		}
	}
}

// vecScaleRows writes x*gain + shift to y.
func vecScaleRows(y, x, gain, shift []float32) {
	c := len(gain)
	first := vecScaleRows8(y, x, gain, shift)
	for ; first < c && len(x) > 0; y, x = y[c:], x[c:] {
		for i := first; i < c; i++ {
			y[i] = x[i]*gain[i] + shift[i]
		}
	}
}

// vecCombineRows writes a*v + b*x + d to y.
func vecCombineRows(y, v, x, a, b, d []float32) {
	c := len(a)
	first := vecCombineRows8(y, v, x, a, b, d)
	for ; first < c && len(x) > 0; y, v, x = y[c:], v[c:], x[c:] {
		for i := first; i < c; i++ {
			y[i] = a[i]*v[i] + b[i]*x[i] + d[i]
		}
	}
}

// vecLarger writes to top the values of row that are larger, and at to their places in best.
func vecLarger(top []float32, best []int32, row []float32, at int32) {
	for i := vecLarger8(top, best, row, at); i < len(row); i++ {
		if row[i] > top[i] {
			top[i], best[i] = row[i], at
		}
	}
}
