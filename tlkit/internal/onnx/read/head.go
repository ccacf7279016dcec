package read

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
)

// headNode is the output layer.
type headNode struct {
	node         *node
	weight, bias string // initializers; bias may be empty
	transposed   bool   // the file has the weight as [in, out]
	features     int
	conv         bool // a convolution of 1x1 instead of a matrix
	mean         bool // its input, or what it makes, is averaged over all positions
	sigmoid      bool // a Sigmoid follows
}

// wantHead describes the required end of a network.
const wantHead = "the output must come from a linear layer (Gemm, MatMul with Add, or a 1x1 convolution of pooled features) or be a sum of some, perhaps followed by Softmax or Sigmoid"

// findHead finds the last linear layer before the output, and keeps the nodes before it that its input needs.
func (n *Net) findHead(g *protos.GraphProto, inits map[string]*protos.TensorProto) error {
	if len(g.Output) == 0 || g.Output[0] == nil {
		return errors.New("the graph has no output")
	}
	h, err := n.outputLayer(g.Output[0].Name, inits)
	if err != nil {
		return err
	}
	if !n.depends[h.node.in[0]].image {
		return fmt.Errorf("the output layer %s does not depend on the image", h.node)
	}
	shape, _, err := dims(inits[h.weight])
	if err != nil {
		return fmt.Errorf("output layer %s: %w", h.node, err)
	}
	h.features, n.Classes = shape[1], shape[0]
	if h.transposed {
		h.features, n.Classes = shape[0], shape[1]
	}
	if h.bias != "" && int64(n.Classes) != inits[h.bias].Dims[0] {
		return fmt.Errorf("output layer %s has %d outputs and a bias of %d", h.node, n.Classes, inits[h.bias].Dims[0])
	}
	if n.Classes < 1 || n.Classes > 1<<20 || h.features < 1 {
		return fmt.Errorf("output layer %s is of shape %v", h.node, shape)
	}
	if h.sigmoid {
		n.Notes = append(n.Notes, "it ends in a Sigmoid, as of a network that finds several classes in an image; the Sigmoid is left out, and Predict ranks the classes by softmax, whose probabilities are not its own")
	}
	n.head = h
	n.nodes = n.ancestors(h.node.in[0])
	return nil
}

// outputLayer walks from the output back to the linear layer that it comes from.
func (n *Net) outputLayer(output string, inits map[string]*protos.TensorProto) (*headNode, error) {
	at, reshaped, mean, sigmoid := output, false, false, false
	for {
		v := n.byOutput[at]
		if v == nil || len(v.in) == 0 {
			return nil, fmt.Errorf("%s; output %.80q does not", wantHead, output)
		}
		switch v.op {
		case "Identity", "Dropout", fakeQuantize:
		case "Cast":
			if kind := protos.TensorProto_DataType(v.int("to", 0)); !isFloatKind(kind) {
				return nil, fmt.Errorf("%s; %s makes elements of type %v of it", wantHead, v, kind)
			}
		case "Softmax", "LogSoftmax", "Sigmoid":
			if mean {
				return nil, fmt.Errorf("%s; the mean over positions comes after %s. %s", wantHead, v, headAdvice(v))
			}
			sigmoid = sigmoid || v.op == "Sigmoid"
		case "Flatten", "Reshape", "Squeeze":
			reshaped = true
		case "GlobalAveragePool", "ReduceMean":
			if v.op == "ReduceMean" && !overImages(v, inits) {
				return nil, fmt.Errorf("%s; it comes from %s", wantHead, v)
			}
			mean = true
		case "Conv":
			h := n.pointConv(v, inits)
			if h == nil {
				return nil, fmt.Errorf("%s; %s is none of one position with weights of its own", wantHead, v)
			}
			h.mean, h.sigmoid = mean, sigmoid
			return h, nil
		case "Gemm", "MatMul", "Add":
			h := n.linear(v, inits)
			switch {
			case h == nil && v.int("transA", 0) != 0:
				return nil, fmt.Errorf("%s; %s transposes its input (transA)", wantHead, v)
			case h == nil:
				return nil, fmt.Errorf("%s; %s is none with a matrix of weights of its own", wantHead, v)
			case mean || reshaped:
				return nil, fmt.Errorf("%s; the outputs of %s change their shape after it", wantHead, v)
			}
			h.sigmoid = sigmoid
			return h, nil
		default:
			return nil, fmt.Errorf("%s; it comes from %s. %s", wantHead, v, headAdvice(v))
		}
		at = v.in[0]
	}
}

// headAdvice says how a network with another end is exported.
func headAdvice(v *node) string {
	if slices.Contains([]string{"Relu", "Tanh", "Clip", "LeakyRelu", "Gelu", "HardSigmoid", "HardSwish", "Elu"}, v.op) {
		return "In Python, put nn.Identity() in the place of this activation, and export the network again"
	}
	return "In Python, export the network without what follows its last linear layer; if it has none (distances to prototypes, cosines), put nn.Linear in that place, which a strategy trains anew"
}

// overImages reports whether a ReduceMean is over height and width.
func overImages(v *node, inits map[string]*protos.TensorProto) bool {
	axes, ok := axesFrom(reducedAxes(v, inits), 4)
	slices.Sort(axes)
	return ok && slices.Equal(axes, []int{2, 3})
}

// pointConv returns a convolution with a kernel of 1x1 as a linear layer, nil if it is none with weights of its own.
// The mean over positions may stand before or after it: both are linear.
func (n *Net) pointConv(v *node, inits map[string]*protos.TensorProto) *headNode {
	h := &headNode{node: v, conv: true}
	if len(v.in) < 2 {
		return nil
	}
	h.weight = n.original(v.in[1])
	t := inits[h.weight]
	if t == nil || len(t.Dims) != 4 || t.Dims[2] != 1 || t.Dims[3] != 1 || !isVariable(t) || v.int("group", 1) != 1 ||
		slices.Max(v.ints("strides", 2, 1)) != 1 || slices.Max(v.ints("pads", 4, 0)) != 0 {
		return nil
	}
	if len(v.in) > 2 && v.in[2] != "" {
		h.bias = n.original(v.in[2])
		if b := inits[h.bias]; b == nil || len(b.Dims) != 1 {
			return nil
		}
	}
	return h
}

// linear returns a node as a linear layer, nil if it is no linear layer with weights of its own.
func (n *Net) linear(v *node, inits map[string]*protos.TensorProto) *headNode {
	bias := func(name string) string { return n.vector(name, inits) }
	h := &headNode{node: v}
	switch {
	case v.op == "Gemm" && v.plainGemm():
		return n.gemm(v, inits)
	case v.op == "MatMul" && len(v.in) == 2:
		var flipped bool
		h.weight, flipped = n.matrix(v.in[1], inits)
		h.transposed = !flipped
	case v.op == "Add" && len(v.in) == 2:
		x, b := v.in[0], v.in[1]
		if bias(x) != "" {
			x, b = b, x
		}
		m := n.byOutput[x]
		if m == nil || m.op != "MatMul" || bias(b) == "" {
			return nil
		}
		if h = n.linear(m, inits); h != nil {
			h.bias = bias(b)
		}
		return h
	}
	if h.weight == "" {
		return nil
	}
	return h
}

// gemm returns a Gemm as a linear layer, whatever its factors alpha and beta; nil if it transposes its input or has no
// weights of its own.
func (n *Net) gemm(v *node, inits map[string]*protos.TensorProto) *headNode {
	if len(v.in) < 2 || v.int("transA", 0) != 0 {
		return nil
	}
	h := &headNode{node: v}
	var flipped bool
	h.weight, flipped = n.matrix(v.in[1], inits)
	h.transposed = (v.int("transB", 0) == 0) != flipped
	if h.weight == "" {
		return nil
	}
	if len(v.in) > 2 && v.in[2] != "" {
		if h.bias = n.vector(v.in[2], inits); h.bias == "" {
			return nil
		}
	}
	return h
}

// vector returns the initializer of one axis behind a name; the empty name if there is none.
func (n *Net) vector(name string, inits map[string]*protos.TensorProto) string {
	name = n.original(name)
	if t := inits[name]; t != nil && len(t.Dims) == 1 {
		return name
	}
	return ""
}

// original returns the initializer behind an Identity, else the name itself.
func (n *Net) original(name string) string {
	if a, ok := n.alias[name]; ok {
		return a
	}
	return name
}

// matrix returns the matrix of weights behind a name, or behind its transposition; the empty name if there is none.
func (n *Net) matrix(name string, inits map[string]*protos.TensorProto) (weight string, flipped bool) {
	name = n.original(name)
	if v := n.byOutput[name]; v != nil && v.op == "Transpose" && len(v.in) == 1 && (v.attrs["perm"] == nil || slices.Equal(v.ints("perm", 0, 0), []int{1, 0})) {
		name, flipped = n.original(v.in[0]), true
	}
	if t := inits[name]; t != nil && len(t.Dims) == 2 && isVariable(t) {
		return name, flipped
	}
	return "", false
}

// ancestors returns the nodes, in order, that a value needs.
func (n *Net) ancestors(value string) []*node {
	needed := map[string]bool{value: true}
	var kept []*node
	for i := len(n.nodes) - 1; i >= 0; i-- {
		v := n.nodes[i]
		if slices.ContainsFunc(v.out, func(out string) bool { return needed[out] }) {
			kept = append(kept, v)
			for _, in := range v.in {
				needed[in] = true
			}
		}
	}
	slices.Reverse(kept)
	return kept
}
