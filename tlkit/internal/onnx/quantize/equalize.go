package quantize

import (
	"math"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
)

// FuseLeakyReLU replaces max(x, slope x), which is how networks are exported, by one node, and returns the number of
// nodes made. Runtimes compute that node in whole numbers; a product and a maximum they compute in float32.
func FuseLeakyReLU(m *onnx.ModelProto) int {
	g := index(m)
	gone := map[*onnx.NodeProto]bool{}
	for _, n := range g.Node {
		if n.OpType != "Max" || len(n.Input) != 2 {
			continue
		}
		for i, in := range n.Input {
			product, x := g.maker[in], n.Input[1-i]
			if product == nil || product.OpType != "Mul" || len(product.Input) != 2 || g.only(in) != n || !slices.Contains(product.Input, x) {
				continue
			}
			slope, ok := g.number(other(product, x))
			if !ok || slope <= 0 || slope >= 1 {
				continue
			}
			gone[product] = true
			n.OpType, n.Input = "LeakyRelu", []string{x}
			n.Attribute = []*onnx.AttributeProto{{Name: "alpha", Type: onnx.AttributeProto_FLOAT, F: slope}}
			break
		}
	}
	g.remove(gone)
	g.prune()
	return len(gone)
}

// edge leads from a convolution over rectifiers to the only layer that reads it, which is a convolution, too.
type edge struct {
	from, to *onnx.NodeProto
	value    string // what is quantised between the two first
	apart    bool   // the channels stay apart in to: it is depthwise
	limited  bool   // a Min with a constant is between the two
}

// edges returns the pairs of convolutions whose channels can be scaled.
func (g *graph) edges() []edge {
	var all []edge
	p := &plan{graph: g}
	for _, n := range g.Node {
		if n.OpType != "Conv" || len(n.Input) != 3 || !p.weighted(n) {
			continue
		}
		to, limited := g.next(n.Output[0])
		if to == nil {
			continue
		}
		group, out := intAttribute(to, "group", 1), g.inits[n.Input[1]].Dims[0]
		if group == 1 || group == out {
			all = append(all, edge{n, to, p.tail(n), group > 1, limited})
		}
	}
	return all
}

// next returns the convolution that alone uses a value, or what rectifiers make of it, and whether a Min with a
// constant is on the way; nil if there is none.
func (g *graph) next(name string) (to *onnx.NodeProto, limited bool) {
	for {
		n := g.only(name)
		switch {
		case n == nil:
			return nil, false
		case n.OpType == "Conv":
			if (&plan{graph: g}).weighted(n) && n.Input[0] == name && len(g.users[n.Input[1]]) == 1 {
				return n, limited
			}
			return nil, false
		case n.OpType == "Relu", n.OpType == "LeakyRelu":
		case n.OpType == "Min" && len(n.Input) == 2:
			if _, ok := g.number(other(n, name)); !ok {
				return nil, false
			}
			limited = true
		default:
			return nil, false
		}
		name = n.Output[0]
	}
}

// Channels returns the values that [Equalize] needs the largest numbers of, with their numbers of channels.
func Channels(m *onnx.ModelProto) map[string]int {
	g, counts := index(m), map[string]int{}
	for _, e := range g.edges() {
		counts[e.value] = int(g.inits[e.from.Input[1]].Dims[0])
	}
	return counts
}

// Equalize scales channels between two convolutions, and the weights of the second by the inverse, so that fewer of
// them lie in a few of the steps that one scale for all channels allows (Nagel et al. 2019, arXiv 1906.04721, section
// 4.1, with the ranges of activations in place of those of weights, as in Xiao et al. 2022, arXiv 2211.10438). The
// network computes the same. most has the largest magnitude of each channel of the values that [Channels] names.
func Equalize(m *onnx.ModelProto, most map[string][]float32) {
	g := index(m)
	for _, e := range g.edges() {
		factors := g.factors(e, most[e.value])
		if factors == nil {
			continue
		}
		g.scale(e.from, 1, factors, func(out, _ int) int { return out }, false)
		g.scale(e.from, 2, factors, func(out, _ int) int { return out }, false)
		g.scale(e.to, 1, factors, func(out, in int) int {
			if e.apart {
				return out
			}
			return in
		}, true)
	}
	g.prune()
}

// factors returns what the channels of an edge are to be scaled with; nil if all are zeros. The channel with the
// largest numbers keeps these. Weights of a depthwise convolution have a scale for each channel, so that all channels
// get the same range. In any other convolution channels share scales: half of a factor, as a power, is left to the
// weights.
func (g *graph) factors(e edge, most []float32) []float64 {
	top := float64(slices.Max(most))
	if top == 0 {
		return nil
	}
	factors, kept := make([]float64, len(most)), math.Inf(1)
	weights := g.largestByInput(e.to.Input[1], len(most))
	for c, v := range most {
		size := max(float64(v), top/256) // less is below one step, or did not occur
		factors[c] = top / size
		if !e.apart {
			factors[c] = math.Sqrt(max(weights[c], 1e-6) / size)
		}
		kept = min(kept, top/(factors[c]*size))
	}
	for c := range factors {
		if factors[c] *= kept; e.limited {
			// The limit is for what is scaled. Channels come no nearer to it than the largest did. One with a factor
			// below 1 would no longer be limited.
			factors[c] = max(factors[c], 1)
		}
	}
	return factors
}

// largestByInput returns the largest magnitude of the weights for each input channel; those of a depthwise convolution
// have one channel.
func (g *graph) largestByInput(name string, channels int) []float64 {
	dims, most := g.inits[name].Dims, make([]float64, channels)
	for i, v := range g.floats(name) {
		c := i / int(dims[2]*dims[3]) % int(dims[1])
		most[c] = max(most[c], math.Abs(float64(v)))
	}
	return most
}

// scale multiplies weights or a bias, the input at a position of a layer, with the factors of channels, or divides by
// them. channel chooses one by the output and the input channel.
func (g *graph) scale(n *onnx.NodeProto, at int, factors []float64, channel func(out, in int) int, divide bool) {
	name := n.Input[at]
	dims, values := g.inits[name].Dims, g.floats(name)
	scaled, inner, ins := make([]float32, len(values)), 1, 1
	if len(dims) == 4 {
		inner, ins = int(dims[2]*dims[3]), int(dims[1])
	}
	for i, v := range values {
		f := factors[channel(i/inner/ins, i/inner%ins)]
		if divide {
			f = 1 / f
		}
		scaled[i] = float32(float64(v) * f)
	}
	n.Input[at] = g.addFloats(name+"#of:"+n.Name+"#equal", dims, scaled)
}
