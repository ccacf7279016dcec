package zoo

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// swinConfig is one network of the family.
type swinConfig struct {
	name string
	// size of the images that the authors' weights are for; 0 for torchvision's networks.
	size int
	// v2 selects the second version: norms after the branches, cosine attention, position bias from a perceptron.
	v2 bool
	// channels of the first stage, each later one has twice as many; blocks and heads by stage.
	channels      int
	blocks, heads [4]int
	window        int
	// halved: the windows of the last stage have half the side, since its map in images of the given size has.
	halved bool
	// pretrained is the side of the windows that the weights of a second version were trained with before, by which
	// distances are scaled; 0 means window.
	pretrained int
	// depth is the stochastic depth of the last block.
	depth float64
	// epsilon is that of the blocks' layer norms and of the last; the stem and the merging always add swinEpsilon.
	epsilon float64
}

// swinConfigs are torchvision's networks of the family, and others that the authors published.
var swinConfigs = []swinConfig{
	{name: "swin_t", channels: 96, blocks: [4]int{2, 2, 6, 2}, heads: [4]int{3, 6, 12, 24}, window: 7, depth: 0.2},
	{name: "swin_s", channels: 96, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{3, 6, 12, 24}, window: 7, depth: 0.3},
	{name: "swin_b", channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 7, depth: 0.5},
	{name: "swin_v2_t", v2: true, channels: 96, blocks: [4]int{2, 2, 6, 2}, heads: [4]int{3, 6, 12, 24}, window: 8, depth: 0.2},
	{name: "swin_v2_s", v2: true, channels: 96, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{3, 6, 12, 24}, window: 8, depth: 0.3},
	{name: "swin_v2_b", v2: true, channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 8, depth: 0.5},

	{name: "swin_l", size: 224, channels: 192, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{6, 12, 24, 48}, window: 7, depth: 0.5},
	{name: "swin_b_window12", size: 384, channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 12, depth: 0.5},
	{name: "swin_l_window12", size: 384, channels: 192, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{6, 12, 24, 48}, window: 12, depth: 0.5},
	{name: "swin_v2_t_window16", size: 256, v2: true, channels: 96, blocks: [4]int{2, 2, 6, 2}, heads: [4]int{3, 6, 12, 24}, window: 16, halved: true, depth: 0.2},
	{name: "swin_v2_s_window16", size: 256, v2: true, channels: 96, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{3, 6, 12, 24}, window: 16, halved: true, depth: 0.3},
	{name: "swin_v2_b_window16", size: 256, v2: true, channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 16, halved: true, depth: 0.5},
	{name: "swin_v2_b_window12", size: 192, v2: true, channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 12, halved: true, depth: 0.5},
	{name: "swin_v2_b_window12to16", size: 256, v2: true, channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 16, halved: true, pretrained: 12, depth: 0.5},
	{name: "swin_v2_b_window12to24", size: 384, v2: true, channels: 128, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{4, 8, 16, 32}, window: 24, halved: true, pretrained: 12, depth: 0.5},
	{name: "swin_v2_l_window12", size: 192, v2: true, channels: 192, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{6, 12, 24, 48}, window: 12, halved: true, depth: 0.5},
	{name: "swin_v2_l_window12to16", size: 256, v2: true, channels: 192, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{6, 12, 24, 48}, window: 16, halved: true, pretrained: 12, depth: 0.5},
	{name: "swin_v2_l_window12to24", size: 384, v2: true, channels: 192, blocks: [4]int{2, 2, 18, 2}, heads: [4]int{6, 12, 24, 48}, window: 24, halved: true, pretrained: 12, depth: 0.5},
}

// swins are the networks of shifted windows of Liu et al. 2021, Swin Transformer (arXiv 2103.14030, section 3) and Liu
// et al. 2022, Swin Transformer V2 (arXiv 2111.09883, section 3), with torchvision's window sizes and stochastic
// depths. Images may have any size: feature maps are padded to whole windows.
func swins() []Spec {
	var specs []Spec
	for _, c := range swinConfigs {
		paper := "Liu et al. 2021, Swin Transformer, arXiv 2103.14030, section 3"
		if c.v2 {
			paper = "Liu et al. 2022, Swin Transformer V2, arXiv 2111.09883, section 3"
		}
		s := Spec{Name: c.name, Family: "swin", Paper: paper, InputSize: c.size, MinSize: 32}.norms(swinEpsilon, c.build)
		if c.size == 0 {
			s = torchvision(s)
		}
		specs = append(specs, s)
	}
	return specs
}

// swinEpsilon is added to the variance in the layer norms.
const swinEpsilon = 1e-5

func (c swinConfig) build(epsilon float64) Architecture {
	c.epsilon = epsilon
	stages := []Stage{{"features.0", func(s *nn.Scope, x *Node) *Node {
		x = nn.Conv2D(s.In("features.0.0"), x, c.channels, 4).Stride(4).Bias().Init(nn.FanInUniform).Done()
		return nn.LayerNorm(s.In("features.0.2"), x, swinEpsilon)
	}}}
	rates := depthRates(c.blocks[:], c.depth)
	for i := range c.blocks {
		if i > 0 {
			name := fmt.Sprintf("features.%d", 2*i)
			stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node { return c.merge(s.In(name), x) }})
		}
		name := fmt.Sprintf("features.%d", 2*i+1)
		c := c.ofStage(i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j, drop := range rates[i] {
				shift := j % 2 * (c.window / 2)
				x = c.block(s.In(fmt.Sprintf("%s.%d", name, j)), x, c.heads[i], shift, drop)
			}
			return x
		}})
	}
	stages = append(stages, Stage{"norm", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("norm"), x, c.epsilon)
	}}, poolStage)
	return Architecture{Stages: stages, Head: startedHead("head", 0, truncated, nn.Constant(0))}
}

// ofStage has the windows of a stage.
func (c swinConfig) ofStage(i int) swinConfig {
	if c.halved && i == len(c.blocks)-1 {
		c.window, c.pretrained = c.window/2, c.pretrained/2
	}
	return c
}

// merge joins 2x2 patches into one of twice the channels (Liu et al. 2021, section 3.1). Images of odd size get zeros
// at their end.
func (c swinConfig) merge(s *nn.Scope, x *Node) *Node {
	d := x.Shape().Dimensions
	x = nn.PadEnd(x, d[1]%2, d[2]%2)
	h, w := (d[1]+1)/2, (d[2]+1)/2
	// Column before row: the weights' order is top left, bottom left, top right, bottom right.
	x = TransposeAllAxes(Reshape(x, d[0], h, 2, w, 2, d[3]), 0, 1, 3, 4, 2, 5)
	x = Reshape(x, d[0], h, w, 4*d[3])
	if c.v2 {
		return nn.LayerNorm(s.In("norm"), nn.LinearWith(s.In("reduction"), x, 2*d[3], truncated, nil), swinEpsilon)
	}
	return nn.LinearWith(s.In("reduction"), nn.LayerNorm(s.In("norm"), x, swinEpsilon), 2*d[3], truncated, nil)
}

// block is figure 3b of Liu et al. 2021, or for V2 the right of figure 1 of Liu et al. 2022; drop is the rate of
// stochastic depth of its two branches.
func (c swinConfig) block(s *nn.Scope, x *Node, heads, shift int, drop float64) *Node {
	width := channels(x)
	norm := func(name string, x *Node) *Node { return nn.LayerNorm(s.In(name), x, c.epsilon) }
	mlp := func(x *Node) *Node {
		x = nn.GELU(nn.LinearWith(s.In("mlp.0"), x, 4*width, truncated, nn.Constant(0)))
		return nn.LinearWith(s.In("mlp.3"), x, width, truncated, nn.Constant(0))
	}
	if c.v2 {
		x = Add(x, nn.StochasticDepth(s.In("norm1"), norm("norm1", c.attention(s.In("attn"), x, heads, shift)), drop))
		return Add(x, nn.StochasticDepth(s.In("norm2"), norm("norm2", mlp(x)), drop))
	}
	x = Add(x, nn.StochasticDepth(s.In("attn.proj"), c.attention(s.In("attn"), norm("norm1", x), heads, shift), drop))
	return Add(x, nn.StochasticDepth(s.In("mlp.3"), mlp(norm("norm2", x)), drop))
}

// attention is self-attention within windows, shifted by shift rows and columns: Liu et al. 2021, section 3.2.
func (c swinConfig) attention(s *nn.Scope, x *Node, heads, shift int) *Node {
	d, g, w := x.Shape().Dimensions, x.Graph(), c.window
	n := w * w
	x = nn.PadEnd(x, (w-d[1]%w)%w, (w-d[2]%w)%w)
	padded := x.Shape().Dimensions
	var shifts [2]int // none along an axis that one window covers
	for a := range shifts {
		if padded[1+a] > w {
			shifts[a] = shift
		}
		x = nn.Roll(x, 1+a, -shifts[a])
	}
	bias := c.positionBias(s, g, heads)
	x = nn.PartitionWindows(x, w, w)
	windows := x.Shape().Dimensions[1]
	x = Reshape(x, d[0]*windows, n, d[3])

	qkv := nn.LinearWith(s.In("qkv"), x, 3*d[3], truncated, nil)
	offset := s.In("qkv").Param(g, "bias", nn.Plain, nn.Constant(0), 3*d[3])
	if c.v2 { // keys have no bias
		part := func(i int) *Node { return SliceAxis(offset, 0, AxisRange(i*d[3], (i+1)*d[3])) }
		offset = Concatenate([]*Node{part(0), ZerosLike(part(1)), part(2)}, 0)
	}
	q, k, v := nn.SplitHeads(Add(qkv, Reshape(offset, 1, 1, 3*d[3])), heads)
	var scale *Node
	if c.v2 { // cosine attention: Liu et al. 2022, section 3.3
		q, k = unitLength(q), unitLength(k)
		learned := s.Param(g, "logit_scale", nn.Plain, nn.Constant(float32(math.Log(10))), heads, 1, 1)
		scale = Reshape(Exp(MinScalar(learned, math.Log(100))), 1, heads, 1, 1)
	} else {
		scale = Scalar(g, x.DType(), math.Sqrt(float64(heads)/float64(d[3])))
	}
	y := nn.Attend(s, q, k, v, func(scores *Node) *Node {
		scores = Add(Mul(scores, scale), bias)
		if shifts == [2]int{} {
			return scores
		}
		apart := shiftMask(g, padded[1], padded[2], w, shifts)
		scores = Add(Reshape(scores, d[0], windows, heads, n, n), apart)
		return Reshape(scores, d[0]*windows, heads, n, n)
	})
	y = nn.LinearWith(s.In("proj"), y, d[3], truncated, nn.Constant(0))
	y = nn.MergeWindows(y, w, w, padded[1], padded[2])
	for a := range shifts {
		y = nn.Roll(y, 1+a, shifts[a])
	}
	return Slice(y, AxisRange(), AxisRange(0, d[1]), AxisRange(0, d[2]), AxisRange())
}

// unitLength divides vectors along the last axis by their length, at least 1e-12, as torch.nn.functional.normalize.
func unitLength(x *Node) *Node {
	// The bound is inside the root, whose gradient at 0 (the keys of padding) is infinite.
	return Div(x, Sqrt(MaxScalar(ReduceAndKeep(Mul(x, x), ReduceSum, -1), 1e-24)))
}

// positionBias returns the bias of the scores for the relative position of query and key, [1, heads, tokens, tokens]:
// learned values (Liu et al. 2021, section 3.2), or for V2 a small perceptron of the logarithms of the distances (Liu
// et al. 2022, section 3.4).
func (c swinConfig) positionBias(s *nn.Scope, g *Graph, heads int) *Node {
	n, offsets := c.window*c.window, (2*c.window-1)*(2*c.window-1)
	index := relativePositions(c.window)
	s.Fixed("relative_position_index", index, n*n)
	var table *Node
	if c.v2 {
		coords := s.Buffer("relative_coords_table", logDistances(cmp.Or(c.pretrained, c.window)-1), 1, 2*c.window-1, 2*c.window-1, 2).NodeValue(g)
		table = nn.LinearWith(s.In("cpb_mlp.0"), Reshape(coords, offsets, 2), 512, truncated, nn.Constant(0))
		table = nn.LinearWith(s.In("cpb_mlp.2"), nn.ReLU(table), heads, truncated, nil)
		table = MulScalar(Sigmoid(table), 16)
	} else {
		table = s.Param(g, "relative_position_bias_table", nn.Plain, truncated, offsets, heads)
	}
	return Reshape(Transpose(nn.Lookup(table, index), 0, 1), 1, heads, n, n)
}

// logDistances fills a table [1, rows, cols, 2] with the offsets of rows and columns, scaled so that far becomes 8, and
// compressed by a logarithm: sign(x) log2(1+|x|)/log2(8) (Liu et al. 2022, section 3.4 and its published code).
func logDistances(far int) nn.Init {
	compressed := func(i, size int) float32 {
		x := 8 * float64(i-size/2) / float64(far) // size is 2*window-1
		return float32(math.Copysign(math.Log2(1+math.Abs(x))/3, x))
	}
	return func(_ *rand.Rand, shape []int, values []float32) {
		for i := range values {
			row, col := i/2/shape[2], i/2%shape[2]
			if i%2 == 0 {
				values[i] = compressed(row, shape[1])
			} else {
				values[i] = compressed(col, shape[2])
			}
		}
	}
}

// shiftMask returns a mask [1, windows, 1, tokens, tokens] that separates tokens which a shift has brought into one
// window from opposite ends of the image: -100 between these, else 0 (Liu et al. 2021, figure 4).
func shiftMask(g *Graph, height, width, window int, shifts [2]int) *Node {
	// band numbers the parts of an axis: 0 before the last window; in it 2 for the part that came round the end, 1 for
	// the rest.
	band := func(i, size, shift int) int {
		switch {
		case shift == 0 || i < size-window:
			return 0
		case i < size-shift:
			return 1
		}
		return 2
	}
	cols := width / window
	windows, n := height/window*cols, window*window
	regions := make([]int32, 0, windows*n)
	for at := range windows {
		for i := range n {
			row, col := at/cols*window+i/window, at%cols*window+i%window
			regions = append(regions, int32(3*band(row, height, shifts[0])+band(col, width, shifts[1])))
		}
	}
	r := Const(g, regions)
	same := Equal(BroadcastToDims(Reshape(r, 1, windows, 1, n, 1), 1, windows, 1, n, n),
		BroadcastToDims(Reshape(r, 1, windows, 1, 1, n), 1, windows, 1, n, n))
	return MulScalar(OneMinus(ConvertDType(same, dtypes.Float32)), -100)
}
