package nn

import (
	"math"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"
)

// XavierUniform draws uniformly from ±sqrt(6/(fanIn+fanOut)) (Glorot and Bengio 2010, equation 16).
func XavierUniform(rng *rand.Rand, shape []int, values []float32) {
	in, out := fans(shape)
	uniform(rng, math.Sqrt(6/float64(in+out)), values)
}

// SplitHeads cuts a joint projection qkv [batch, tokens, 3*width] into queries, keys and values, each
// [batch, heads, tokens, width/heads]; the projection's axis is ordered (q, k, v), then by head, as PyTorch's.
func SplitHeads(qkv *Node, heads int) (q, k, v *Node) {
	d := qkv.Shape().Dimensions
	width := d[2] / 3
	part := func(i int) *Node {
		x := Slice(qkv, AxisRange(), AxisRange(), AxisRange(i*width, (i+1)*width))
		return TransposeAllAxes(Reshape(x, d[0], d[1], heads, width/heads), 0, 2, 1, 3)
	}
	return part(0), part(1), part(2)
}

// Attend is attention (Vaswani et al. 2017, arXiv 1706.03762, equation 1) on queries, keys and values [batch, heads,
// tokens, size]: softmax(adjust(q k^T)) v, with the heads joined again: [batch, tokens, heads*size]. adjust scales the
// scores [batch, heads, tokens, tokens] and adds biases and masks. s is the scope of the attention layer.
func Attend(s *Scope, q, k, v *Node, adjust func(scores *Node) *Node) *Node {
	d := q.Shape().Dimensions
	batch := []int{0, 1}
	weights := softmax(adjust(DotGeneral(q, []int{3}, batch, k, []int{3}, batch)))
	y := DotGeneral(weights, []int{3}, batch, v, []int{2}, batch)
	y = Reshape(TransposeAllAxes(y, 0, 2, 1, 3), d[0], d[2], d[1]*d[3])
	s.layer(Layer{Kind: "Attention", MACs: 2 * int64(q.Shape().Size()) * int64(k.Shape().Dimensions[2])}, y)
	return y
}

// SelfAttention is multi-head attention of the tokens x [batch, tokens, width] among themselves (Vaswani et al. 2017,
// section 3.2.2), as torch.nn.MultiheadAttention with batch_first. Variables: in_proj_weight, in_proj_bias,
// out_proj.weight, out_proj.bias.
func SelfAttention(s *Scope, x *Node, heads int) *Node {
	g, d := x.Graph(), x.Shape().Dimensions
	width := d[2]
	weight := s.Param(g, "in_proj_weight", LinearWeight, XavierUniform, 3*width, width)
	bias := s.Param(g, "in_proj_bias", Plain, Constant(0), 3*width)
	qkv := Add(matmul(Reshape(x, d[0]*d[1], width), weight), Reshape(bias, 1, 3*width))
	q, k, v := SplitHeads(Reshape(qkv, d[0], d[1], 3*width), heads)
	s.layer(Layer{Kind: "Attention", MACs: int64(x.Shape().Size()) * int64(3*width)}, x)
	y := Attend(s, q, k, v, func(scores *Node) *Node { return MulScalar(scores, math.Sqrt(float64(heads)/float64(width))) })
	return LinearWith(s.In("out_proj"), y, width, FanInUniform, Constant(0))
}
