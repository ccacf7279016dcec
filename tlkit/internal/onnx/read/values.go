package read

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// readValues sorts the initializers that the network needs into variables and constants, and removes the values of the
// variables from the graph.
func (n *Net) readValues(inits map[string]*protos.TensorProto, open OpenBeside, skeleton bool) error {
	uses := n.uses()
	n.HeadKey = n.headKey()
	defer n.noteDoubtful()
	paths := map[string]bool{"/" + n.HeadKey + "/weight": true, "/" + n.HeadKey + "/bias": true}
	for i, t := range n.model.Graph.Initializer {
		if len(uses[t.Name]) == 0 && !n.ofHead(t.Name) {
			continue
		}
		if !n.isVariable(t) || n.fixed(t, uses[t.Name], open, skeleton) {
			c, err := n.inline(t, open)
			if err != nil {
				return fmt.Errorf("initializer %.80q: %w", t.Name, err)
			}
			n.consts[t.Name] = c
			continue
		}
		if err := n.readVariable(t, i, uses[t.Name], paths, open, skeleton); err != nil {
			return fmt.Errorf("initializer %.80q: %w", t.Name, err)
		}
	}
	if n.head.bias != "" && n.vars[n.head.bias] == nil {
		if t := inits[n.head.bias]; t != nil && len(t.Dims) <= 1 && (len(t.Dims) == 0 || t.Dims[0] == 1) {
			return fmt.Errorf("output layer %s has one output; expected one for each of two classes or more", n.head.node)
		}
		return fmt.Errorf("output layer %s has a bias that is no float tensor", n.head.node)
	}
	// The rest is the skeleton.
	for _, t := range n.model.Graph.Initializer {
		if n.vars[t.Name] != nil {
			t.RawData, t.FloatData, t.ExternalData, t.DataLocation = nil, nil, nil, protos.TensorProto_DEFAULT
		}
	}
	return nil
}

// readVariable makes a variable of the i-th initializer, and an entry of the state dict if the file has its values.
func (n *Net) readVariable(t *protos.TensorProto, i int, uses []use, paths map[string]bool, open OpenBeside, skeleton bool) error {
	if dt := protos.TensorProto_DataType(t.DataType); dt != protos.TensorProto_FLOAT {
		return fmt.Errorf("elements of type %v; export the network in float32", dt)
	}
	shape, size, err := dims(t)
	if err != nil {
		return err
	}
	if t.Name == n.head.weight {
		shape = shape[:2] // also of a convolution of 1x1
	}
	x := n.newVariable(t.Name, shape, uses)
	if !n.ofHead(t.Name) {
		x.key = keyOf(t.Name, i, paths)
	}
	n.vars[t.Name] = x
	if !hasData(t) && skeleton {
		return nil
	}
	values, err := floats(t, shape, size, open)
	if err == nil && x.transposed {
		values, err = transposeMatrix(values)
	}
	if err != nil {
		return err
	}
	n.entries = append(n.entries, weights.Entry{Key: x.key, Tensor: values})
	return nil
}

// ofHead reports whether an initializer is the weight or the bias of the output layer.
func (n *Net) ofHead(name string) bool { return name == n.head.weight || name == n.head.bias }

// headKey returns the prefix that weight and bias of the output layer share, or "head".
func (n *Net) headKey() string {
	prefix, ok := strings.CutSuffix(n.head.weight, ".weight")
	if ok && keyRule.MatchString(prefix) && (n.head.bias == "" || n.head.bias == prefix+".bias") {
		return prefix
	}
	return "head"
}

var keyRule = regexp.MustCompile(`^[A-Za-z0-9_:#-]+([./][A-Za-z0-9_:#-]+)*$`)

// keyOf returns the state-dict key of an initializer: its name, unless that is no valid key or is taken.
func keyOf(name string, i int, paths map[string]bool) string {
	key := strings.TrimLeft(name, "/")
	if !keyRule.MatchString(key) {
		key = fmt.Sprintf("initializer.%d", i)
	}
	for paths[(nn.Param{Key: key}).Path()] {
		key += fmt.Sprintf("#%d", i)
	}
	paths[(nn.Param{Key: key}).Path()] = true
	return key
}

// transposeMatrix transposes a matrix.
func transposeMatrix(t weights.Tensor) (weights.Tensor, error) {
	rows, columns := t.Shape[0], t.Shape[1]
	out := make([]float32, rows*columns)
	r, c := 0, 0
	err := t.EachFloat32(func(_ int, values []float32) error {
		for _, v := range values {
			out[c*rows+r] = v
			if c++; c == columns {
				c = 0
				r++
			}
		}
		return nil
	})
	if err != nil {
		return weights.Tensor{}, err
	}
	return weights.NewTensor([]int{columns, rows}, out)
}

// role is a use of an initializer: the operator, and the place among its inputs.
type role struct {
	op    string
	place int
}

// rolesOf returns the roles of an initializer. native is false if one of its uses is left to onnx-gomlx.
func rolesOf(uses []use) (roles map[role]bool, native bool) {
	roles, native = map[role]bool{}, true
	for _, u := range uses {
		if u.ofShape() || u.op == "CastLike" && u.place == 1 {
			continue
		}
		r := role{u.op, u.place}
		if u.op == "Gemm" && u.int("transB", 0) != 0 {
			r.op = "GemmT"
		}
		native = native && (u.op != "Conv" || u.regular()) && (u.op != "Gemm" || u.plainGemm())
		roles[r] = true
	}
	return roles, native
}

// newVariable finds the layout and the start values of an initializer's variable from its uses.
func (n *Net) newVariable(name string, shape []int, uses []use) *variable {
	x := &variable{shape: slices.Clone(shape), init: nn.Constant(0), stage: -1}
	if len(shape) >= 2 {
		x.init = nn.Normal(0.02)
	}
	linear := func(transposed bool) {
		x.layout, x.transposed, x.init = nn.LinearWeight, transposed, nn.FanInUniform
		if transposed {
			x.shape = []int{shape[1], shape[0]}
		}
	}
	switch name {
	case n.head.weight:
		linear(n.head.transposed)
		x.key = n.HeadKey + ".weight"
		return x
	case n.head.bias:
		x.key = n.HeadKey + ".bias"
		return x
	}
	roles, native := rolesOf(uses)
	only := func(op string, place int) bool { return len(roles) == 1 && roles[role{op, place}] }
	switch {
	case only("Conv", 1) && len(shape) == 4 && native:
		x.layout, x.init = nn.ConvKernel, nn.KaimingNormalFanOut
	case only("GemmT", 1) && len(shape) == 2 && native:
		linear(false)
	case (only("Gemm", 1) || only("MatMul", 1)) && len(shape) == 2 && native:
		linear(true)
	case roles[role{"BatchNormalization", 3}]:
		x.buffer = true
	case roles[role{"BatchNormalization", 4}]:
		x.buffer, x.init = true, nn.Constant(1)
	case roles[role{"BatchNormalization", 1}], roles[role{"LayerNormalization", 1}], roles[role{"Mul", 0}], roles[role{"Mul", 1}], roles[role{"Div", 1}]:
		x.init = nn.Constant(1)
	case roles[role{"PRelu", 1}]:
		x.init = nn.Constant(0.25)
	}
	return x
}
