package read

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// fixed reports whether a float initializer is a buffer of the network and no weight: the mean and deviation of images,
// a mask of attention, or a kernel that is the same for every channel (a blur). ONNX does not tell these from weights,
// so their names, uses and values do. They become constants, which no training changes, and stay in the skeleton; one
// without their values is of an earlier version, in which they were variables.
func (n *Net) fixed(t *protos.TensorProto, uses []use, open OpenBeside, skeleton bool) bool {
	_, size, err := dims(t)
	if err != nil || size > maxConstant || protos.TensorProto_DataType(t.DataType) != protos.TensorProto_FLOAT || n.ofHead(t.Name) {
		return false
	}
	if skeleton {
		return hasData(t)
	}
	if strings.HasSuffix(t.Name, ".weight") || strings.HasSuffix(t.Name, ".bias") {
		return false
	}
	doubtful := n.normalises(uses) || blurs(t, uses, open) // a mask is never learned
	if doubtful {
		n.doubtful = append(n.doubtful, fmt.Sprintf("%.80s", t.Name))
	}
	return doubtful || n.masks(t, uses, open)
}

// noteDoubtful names the tensors that could have been learned, since the graph does not tell.
func (n *Net) noteDoubtful() {
	if len(n.doubtful) > 0 {
		n.Notes = append(n.Notes, "taken for constants, which no training changes: "+strings.Join(n.doubtful, ", "))
	}
}

// Constant returns the values of the constant that a state dict has under a key; false if there is none of floats.
func (n *Net) Constant(key string) ([]float32, bool) {
	c := n.consts[key]
	if c == nil || c.DType() != dtypes.Float32 {
		return nil, false
	}
	return tensors.MustCopyFlatData[float32](c), true
}

// use is a place among the inputs of a node.
type use struct {
	*node
	place int
}

// uses returns the uses of each initializer, and of each result of a node, among the nodes that the features need.
func (n *Net) uses() map[string][]use {
	uses := map[string][]use{}
	for _, v := range n.nodes {
		for i, in := range v.in {
			name := n.original(in)
			uses[name] = append(uses[name], use{v, i})
		}
	}
	return uses
}

// arithmetic are the operators that scale and shift.
var arithmetic = set("Sub", "Add", "Mul", "Div")

// normalises reports whether all uses scale or shift the images themselves.
func (n *Net) normalises(uses []use) bool {
	return !slices.ContainsFunc(uses, func(u use) bool {
		return !arithmetic[u.op] || len(u.in) != 2 || !n.isImage(u.in[1-u.place])
	})
}

// isImage reports whether a value is the images, perhaps scaled or shifted.
func (n *Net) isImage(value string) bool {
	for range 8 {
		if value == n.image {
			return true
		}
		v := n.byOutput[value]
		if v == nil || !arithmetic[v.op] && !slices.Contains([]string{"Cast", "Identity", "Transpose"}, v.op) {
			return false
		}
		at := slices.IndexFunc(v.in, func(in string) bool { return n.depends[in].image })
		if at < 0 {
			return false
		}
		value = v.in[at]
	}
	return false
}

// shut is above the values that keep positions apart in masks (-100 in Swin, -1e9, minus infinity), and far below the
// biases of attention that are learned.
const shut = -50

// masks reports whether a tensor is added to scores, and has zeros and values that shut positions out, and no others.
func (n *Net) masks(t *protos.TensorProto, uses []use, open OpenBeside) bool {
	if slices.ContainsFunc(uses, func(u use) bool { return u.op != "Add" }) {
		return false
	}
	values, _, err := numbers(t, open)
	return err == nil && slices.Contains(values, 0) && slices.ContainsFunc(values, func(v float32) bool { return v <= shut }) &&
		!slices.ContainsFunc(values, func(v float32) bool { return v != 0 && v > shut })
}

// blurs reports whether a tensor is the kernel of a depthwise convolution, and the same for all channels.
func blurs(t *protos.TensorProto, uses []use, open OpenBeside) bool {
	if len(t.Dims) != 4 || t.Dims[0] < 2 || t.Dims[1] != 1 || slices.ContainsFunc(uses, func(u use) bool {
		return u.op != "Conv" || u.place != 1 || u.int("group", 1) != int(t.Dims[0]) || !u.regular()
	}) {
		return false
	}
	values, shape, err := numbers(t, open)
	if err != nil || shape[2]*shape[3] < 2 || shape[2]*shape[3] > maxTaps {
		return false
	}
	first := values[:shape[2]*shape[3]]
	for kernel := range slices.Chunk(values, len(first)) {
		if !slices.Equal(kernel, first) {
			return false
		}
	}
	return slices.ContainsFunc(first, func(v float32) bool { return v != first[0] || v != 0 })
}

// blur is a depthwise convolution with a constant kernel that all channels share.
func (r *run) blur(v *node, x value, kernel *tensors.Tensor) (value, bool) {
	d := kernel.Shape().Dimensions
	if !x.batched || len(d) != 4 || d[1] != 1 || v.int("group", 1) != d[0] || len(v.in) > 2 && v.in[2] != "" {
		return value{}, false
	}
	w, ok := v.geometry(x.dims(), d[2:])
	if !ok || x.dims()[1] != d[0] {
		return value{}, false
	}
	taps := tensors.MustCopyFlatData[float32](kernel)[:d[2]*d[3]]
	images := r.channelsLast(x)
	padded := w.padded(images.n, 0)
	size := padded.Shape().Dimensions
	var sum *Node
	for i, tap := range taps {
		rows, columns := w.tap(0, i/d[3], size[1]), w.tap(1, i%d[3], size[2])
		one := MulScalar(Slice(padded, AxisRange(), rows, columns, AxisRange()), float64(tap))
		if sum == nil {
			sum = one
		} else {
			sum = Add(sum, one)
		}
	}
	return imagesLike(images, sum), true
}
