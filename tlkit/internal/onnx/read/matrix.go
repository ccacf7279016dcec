package read

import (
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// gemm is alpha*A*B + beta*C; in nearly every file it is a linear layer.
func gemm(r *run, v *node) (value, bool) {
	x, _ := r.input(v, 0)
	w, b := r.variable(v, 1), r.variable(v, 2)
	hasBias := len(v.in) > 2 && v.in[2] != ""
	if x.n == nil || len(x.dims()) != 2 || w == nil || w.layout != nn.LinearWeight || w.transposed == (v.int("transB", 0) != 0) || !v.plainGemm() ||
		hasBias && (b == nil || !slices.Equal(b.shape, w.shape[:1])) {
		return r.product(v)
	}
	names, vars := map[string]string{"weight": w.key}, []*variable{w}
	var bias nn.Init
	if hasBias {
		names["bias"], vars, bias = b.key, append(vars, b), b.init
	}
	y := nn.LinearWith(r.take(vars...).In(prefixOf(w.key)).Named(names), r.node(x), w.shape[0], w.init, bias)
	return value{n: y, batched: x.batched}, true
}

// product is Gemm in its general form.
func (r *run) product(v *node) (value, bool) {
	a, ok1 := r.input(v, 0)
	b, ok2 := r.input(v, 1)
	if !ok1 || !ok2 || a.n == nil && b.n == nil || len(a.dims()) != 2 || len(b.dims()) != 2 || a.dtype() != b.dtype() {
		return value{}, false
	}
	y := r.multiply(r.transposedIf(a, v.int("transA", 0) != 0), r.transposedIf(b, v.int("transB", 0) != 0))
	if alpha := v.float("alpha", 1); alpha != 1 {
		y.n = MulScalar(y.n, alpha)
	}
	c, ok := r.input(v, 2)
	if !ok {
		return y, true
	}
	if c.batched && !y.batched || len(c.dims()) > 2 || c.dtype() != y.dtype() {
		return value{}, false
	}
	offset := withRank(r.aligned(c, 2), y.n.Rank())
	if beta := v.float("beta", 1); beta != 1 {
		offset = MulScalar(offset, beta)
	}
	y.n = Add(y.n, offset)
	return y, true
}

func (r *run) transposedIf(v value, transposed bool) value {
	if !transposed {
		return v
	}
	return r.transposeLast(v)
}

// transposeLast exchanges the last two axes.
func (r *run) transposeLast(v value) value {
	n := r.node(v)
	return value{n: Transpose(n, -2, -1), batched: v.batched}
}

// matMul multiplies as numpy.matmul does: by a matrix of weights over the last axis of any x, or matrix by matrix.
func matMul(r *run, v *node) (value, bool) {
	x, ok1 := r.input(v, 0)
	w := r.variable(v, 1)
	if x.n != nil && w != nil && w.layout == nn.LinearWeight && w.transposed && len(x.dims()) >= 2 {
		in := r.node(x)
		if in.Shape().Dimensions[in.Rank()-1] != w.shape[1] {
			exceptions.Panicf("a product of shapes %v and %v", x.dims(), []int{w.shape[1], w.shape[0]})
		}
		s := r.take(w).In(prefixOf(w.key)).Named(map[string]string{"weight": w.key})
		return value{n: nn.LinearWith(s, in, w.shape[0], w.init, nil), batched: x.batched}, true
	}
	y, ok2 := r.input(v, 1)
	if !ok1 || !ok2 || x.n == nil && y.n == nil || len(x.dims()) < 2 || len(y.dims()) < 2 || x.dtype() != y.dtype() {
		return value{}, false
	}
	return r.multiply(x, y), true
}

// multiply is the product of the last two axes, with broadcasting over those before.
func (r *run) multiply(x, y value) value {
	rank := max(len(x.dims()), len(y.dims()))
	a, b := r.aligned(x, rank), r.aligned(y, rank)
	rank = max(a.Rank(), b.Rank())
	a, b = withRank(a, rank), withRank(b, rank)
	da, db := a.Shape().Dimensions, b.Shape().Dimensions
	m, k, n := da[rank-2], da[rank-1], db[rank-1]
	if k != db[rank-2] {
		exceptions.Panicf("a product of shapes %v and %v", x.dims(), y.dims())
	}
	over := make([]int, rank-2)
	for i := range over {
		if over[i] = max(da[i], db[i]); da[i] != db[i] && min(da[i], db[i]) != 1 {
			exceptions.Panicf("a product of shapes %v and %v", x.dims(), y.dims())
		}
	}
	product := slices.Concat(over, []int{m, n})
	batched := x.batched || y.batched
	if sizeOfDims(db[:rank-2]) == 1 {
		return value{n: Reshape(MatMul(Reshape(a, -1, k), Reshape(b, k, n)), product...), batched: batched}
	}
	if !slices.Equal(da[:rank-2], over) {
		a = BroadcastToDims(a, slices.Concat(over, []int{m, k})...)
	}
	if !slices.Equal(db[:rank-2], over) {
		b = BroadcastToDims(b, slices.Concat(over, []int{k, n})...)
	}
	return value{n: Reshape(MatMul(Reshape(a, -1, m, k), Reshape(b, -1, k, n)), product...), batched: batched}
}

func softmax(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	def := -1
	if r.net.opset < 13 {
		def = 1
	}
	axis, ok := axisOf(v.int("axis", def), len(x.dims()))
	if !ok {
		return value{}, false
	}
	axes := []int{axis + x.lead()}
	if r.net.opset < 13 { // all axes from axis on together
		for a := axis + 1; a < len(x.dims()); a++ {
			axes = append(axes, a+x.lead())
		}
	}
	return value{n: Softmax(r.node(x), axes...), batched: x.batched}, true
}

// cumSum adds up the values along an axis by doubling: after each step an element is the sum of twice as many. These
// few additions have a gradient on every engine, and take no constant.
func cumSum(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || x.dtype() != dtypes.Float32 {
		return value{}, false
	}
	given, ok := r.whole(v, 1)
	if !ok || len(given) != 1 {
		return value{}, false
	}
	axis, ok := axisOf(given[0], len(x.dims()))
	if !ok {
		return value{}, false
	}
	n, length, direction := r.node(x), x.dims()[axis], ShiftDirection(ShiftDirRight)
	if v.int("reverse", 0) != 0 {
		direction = ShiftDirLeft
	}
	shifted := func(by int) *Node {
		if by == length {
			return ZerosLike(n)
		}
		return ShiftWithScalar(n, axis+x.lead(), direction, by, 0)
	}
	if v.int("exclusive", 0) != 0 {
		n = shifted(1)
	}
	for step := 1; step < length; step *= 2 {
		n = Add(n, shifted(step))
	}
	return value{n: n, batched: x.batched}, true
}

// einsum of two operands; the axis over file batches gets a letter of its own.
func einsum(r *run, v *node) (value, bool) {
	x, ok1 := r.input(v, 0)
	y, ok2 := r.input(v, 1)
	if !ok1 || !ok2 || len(v.in) != 2 || !x.batched && !y.batched {
		return value{}, false
	}
	equation := strings.ReplaceAll(v.str("equation", ""), " ", "")
	operands, result, ok := strings.Cut(equation, "->")
	a, b, ok2 := strings.Cut(operands, ",")
	letter := ""
	for c := 'a'; c <= 'z' && letter == ""; c++ {
		if !strings.ContainsRune(equation, c) {
			letter = string(c)
		}
	}
	if !ok || !ok2 || letter == "" || strings.Contains(equation, ".") {
		return value{}, false
	}
	if x.batched {
		a = letter + a
	}
	if y.batched {
		b = letter + b
	}
	return value{n: Einsum(a+","+b+"->"+letter+result, r.node(x), r.node(y)), batched: true}, true
}

// attention is that of opset 23 without a cache: softmax(Q K' * scale + mask) V, of [batch, heads, length, size] or
// [batch, length, heads * size].
func attention(r *run, v *node) (value, bool) {
	q, ok1 := r.input(v, 0)
	k, ok2 := r.input(v, 1)
	u, ok3 := r.input(v, 2)
	rank := len(q.dims())
	if !ok1 || !ok2 || !ok3 || !q.batched || rank != len(k.dims()) || rank != len(u.dims()) || rank != 3 && rank != 4 || len(v.in) > 4 || len(v.out) > 1 ||
		v.int("is_causal", 0) != 0 || v.float("softcap", 0) != 0 {
		return value{}, false
	}
	if rank == 3 {
		heads, others := v.int("q_num_heads", 0), v.int("kv_num_heads", 0)
		if heads < 1 || others < 1 || q.dims()[2]%heads != 0 || k.dims()[2]%others != 0 || u.dims()[2]%others != 0 {
			return value{}, false
		}
		q, k, u = r.heads(q, heads), r.heads(k, others), r.heads(u, others)
	}
	if q.dims()[1] != k.dims()[1] || k.dims()[1] != u.dims()[1] {
		return value{}, false // heads that share keys
	}
	scores := r.multiply(q, r.transposeLast(k))
	scores.n = MulScalar(scores.n, v.float("scale", 1/math.Sqrt(float64(q.dims()[3]))))
	if mask, ok := r.input(v, 3); ok {
		if len(mask.dims()) > 4 {
			return value{}, false
		}
		over := withRank(r.aligned(mask, 4), 5)
		switch mask.dtype() {
		case scores.dtype():
			scores.n = Add(scores.n, over)
		case dtypes.Bool: // true where a position takes part
			over = BroadcastToDims(over, scores.n.Shape().Dimensions...)
			scores.n = Where(over, scores.n, BroadcastToDims(Scalar(r.g, scores.dtype(), math.Inf(-1)), scores.n.Shape().Dimensions...))
		default:
			return value{}, false
		}
	}
	y := r.multiply(value{n: Softmax(scores.n, -1), batched: true}, u)
	if rank == 3 {
		d := y.dims()
		y = r.reshaped(value{n: TransposeAllAxes(y.n, 0, 1, 3, 2, 4), batched: true}, d[0], d[2], d[1]*d[3])
	}
	return y, true
}

// heads splits [batch, length, heads * size] into [batch, heads, length, size].
func (r *run) heads(v value, heads int) value {
	d := v.dims()
	apart := r.reshaped(v, d[0], d[1], heads, d[2]/heads)
	return r.permuted(apart, []int{0, 2, 1, 3})
}
