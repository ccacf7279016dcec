package nn

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// Layer is what a layer with weights tells about itself; see Pass.RecordLayer.
type Layer struct {
	// Key is its prefix in the state dict, and Stage the stage of the model that it belongs to.
	Key, Stage string
	// Kind names it as PyTorch does: "Conv2d", "Linear", "BatchNorm2d", "LayerNorm", "Attention".
	Kind string
	// Out is the shape of its output, the batch first: [batch, height, width, channels] for images.
	Out []int
	// Kernel and Stride are those of a convolution, height and width; Groups its number of groups.
	Kernel, Stride [2]int
	Groups         int
	// MACs is the number of multiply-adds of its convolution or matrix products.
	MACs int64
}

// layer reports a layer with output y to the pass.
func (s *Scope) layer(l Layer, y *Node) {
	if s.Pass.RecordLayer == nil {
		return
	}
	l.Key, l.Stage, l.Out = s.key, s.Pass.Stage, slices.Clone(y.Shape().Dimensions)
	s.Pass.RecordLayer(l)
}
