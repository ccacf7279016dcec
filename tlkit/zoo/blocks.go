package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// convNorm is the building block of most networks: a convolution without bias, padded so that stride 1 keeps the size
// of the image, its batch normalisation, and often an activation. The zero value has PyTorch's defaults and no
// activation.
type convNorm struct {
	// epsilon and momentum of the batch normalisation; 0 means 1e-5 and 0.1.
	epsilon, momentum float64
	// init gives the kernel's start values; nil means kaiming normal by the outputs.
	init nn.Init
	// act is the activation; nil for none.
	act func(x *Node) *Node
	// tensorflow pads as TensorFlow does, see samePadded.
	tensorflow bool
}

// build puts the kernel under the key 0 and the normalisation under the key 1, as in torchvision's
// Conv2dNormActivation.
func (c convNorm) build(s *nn.Scope, x *Node, out, kernel, stride, groups int) *Node {
	return c.under(s.In("0"), s.In("1"), x, out, kernel, stride, groups)
}

// under puts the kernel and the normalisation into the scopes conv and norm.
func (c convNorm) under(conv, norm *nn.Scope, x *Node, out, kernel, stride, groups int) *Node {
	pad := [2]int{kernel / 2, kernel / 2}
	if c.tensorflow {
		x, pad = samePadded(x, kernel, stride)
	}
	b := nn.Conv2D(conv, x, out, kernel).Stride(stride).PadPerAxis(pad[0], pad[1]).Groups(groups)
	if c.init != nil {
		b = b.Init(c.init)
	}
	x = c.norm(norm, b.Done())
	if c.act != nil {
		x = c.act(x)
	}
	return x
}

// norm is the batch normalisation alone.
func (c convNorm) norm(s *nn.Scope, x *Node) *Node {
	b := nn.BatchNorm(s, x)
	if c.epsilon != 0 {
		b = b.Epsilon(c.epsilon)
	}
	if c.momentum != 0 {
		b = b.Momentum(c.momentum)
	}
	return b.Done()
}

// samePadded prepares x for a convolution with TensorFlow's padding "same": the output has size ceil(in/stride), and
// where the number of zeros is odd, there is one more below or on the right. It returns x with that extra zero, and the
// number of zeros still to be added on each side of height and width.
func samePadded(x *Node, kernel, stride int) (*Node, [2]int) {
	var before, more [2]int
	for a := range 2 {
		in := x.Shape().Dimensions[1+a]
		zeros := max(0, ((in+stride-1)/stride-1)*stride+kernel-in)
		before[a], more[a] = zeros/2, zeros%2
	}
	return nn.PadEnd(x, more[0], more[1]), before
}

// poolStage ends most networks: [batch, height, width, channels] -> [batch, channels].
var poolStage = Stage{"avgpool", func(_ *nn.Scope, x *Node) *Node { return nn.GlobalMeanPool(x) }}

// linearHead is the output layer of most families: one linear layer with PyTorch's start values.
func linearHead(key string) Head {
	return Head{Key: key, Forward: func(s *nn.Scope, x *Node, classes int) *Node { return nn.Linear(s, x, classes) }}
}

// startedHead is a linear output layer behind dropout of the given rate, with the given start values; a nil bias means
// no bias.
func startedHead(key string, dropout float64, weight, bias nn.Init) Head {
	return Head{Key: key, Forward: func(s *nn.Scope, x *Node, classes int) *Node {
		return nn.LinearWith(s, nn.Dropout(s, x, dropout), classes, weight, bias)
	}}
}

// channels is the number of channels of x [batch, height, width, channels].
func channels(x *Node) int { return x.Shape().Dimensions[3] }

// parts numbers the layers of a torch.nn.Sequential: each call returns the scope of the next one.
func parts(s *nn.Scope, key string) func() *nn.Scope {
	next := 0
	return func() *nn.Scope {
		next++
		return s.In(fmt.Sprintf("%s.%d", key, next-1))
	}
}

// numberedStages collects stages whose names and keys are features.0, features.1 and so on.
type numberedStages []Stage

func (n *numberedStages) add(forward func(s *nn.Scope, x *Node) *Node) {
	name := fmt.Sprintf("features.%d", len(*n))
	*n = append(*n, Stage{name, func(s *nn.Scope, x *Node) *Node { return forward(s.In(name), x) }})
}

// firstStride is the stride of block i of a stage whose first block has the given one.
func firstStride(i, stride int) int {
	if i == 0 {
		return stride
	}
	return 1
}

// depthRates are the rates of stochastic depth of all blocks, by stage: they rise linearly from 0 to last, the rate of
// the last block (Huang et al. 2016, Deep Networks with Stochastic Depth, arXiv 1603.09382, section 3).
func depthRates(blocks []int, last float64) [][]float64 {
	total := 0
	for _, n := range blocks {
		total += n
	}
	rates, done := make([][]float64, len(blocks)), 0
	for i, n := range blocks {
		for range n {
			rates[i] = append(rates[i], last*float64(done)/float64(total-1))
			done++
		}
	}
	return rates
}

// roundTo rounds n to the nearest multiple of unit, at least one.
func roundTo(unit int, n float64) int { return max(unit, int(n+float64(unit)/2)/unit*unit) }

// multipleOf is roundTo, but never less than nine tenths of n. The MobileNets and related networks round their channels
// so.
func multipleOf(unit int, n float64) int {
	rounded := roundTo(unit, n)
	if float64(rounded) < 0.9*n {
		rounded += unit
	}
	return rounded
}

// relativePositions numbers the offsets between two places of a window. Places and offsets count row by row, offsets
// from (1-window, 1-window) on. For n places in a window, entry i*n+j is the row in the table of offsets for the places
// i and j.
func relativePositions(window int) []int64 {
	n := window * window
	index := make([]int64, 0, n*n)
	for i := range n {
		for j := range n {
			rows, cols := i/window-j/window, i%window-j%window
			index = append(index, int64((rows+window-1)*(2*window-1)+cols+window-1))
		}
	}
	return index
}
