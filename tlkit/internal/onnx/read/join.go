package read

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// summand is a linear layer with the factors of its weights and its bias in the output of a network; these differ for a
// Gemm with alpha or beta.
type summand struct {
	*headNode
	factor, biasFactor float64
}

// joinHeads makes one linear layer of an output that is a sum of several with factors: the mean of the two output
// layers of networks trained with distillation (DeiT: Touvron et al. 2021, arXiv 2012.12877, section 4; LeViT,
// EfficientFormer), the mean over branches (CrossViT), logits divided by a temperature. The sum of linear layers is the
// linear layer of their features behind one another; weights of layers with the same features are added. A new head
// then gets all these features. It changes the graph, and reports whether it did.
func (n *Net) joinHeads(g *protos.GraphProto, inits map[string]*protos.TensorProto, open OpenBeside) (bool, error) {
	if len(g.Output) == 0 || g.Output[0] == nil {
		return false, nil
	}
	at := n.beforePasses(g.Output[0].Name)
	all := n.summands(at, 1, inits, 0)
	if len(all) == 0 || len(all) == 1 && all[0].factor == 1 && all[0].biasFactor == 1 {
		return false, nil
	}
	j := joined{column: map[string]int{}}
	for _, s := range all {
		if err := j.place(s, inits[s.weight]); err != nil {
			return false, err
		}
	}
	for _, s := range all {
		if err := j.add(s, inits, open); err != nil {
			return false, fmt.Errorf("output layer %s: %w", s.node, err)
		}
	}
	j.replace(g, n.byOutput[at].proto, all[0].headNode)
	return true, nil
}

// beforePasses returns the value that a value comes from through operators that leave the order of the classes.
func (n *Net) beforePasses(value string) string {
	for v := n.byOutput[value]; v != nil && len(v.in) > 0 && passes(v.op); v = n.byOutput[value] {
		value = v.in[0]
	}
	return value
}

// passes reports whether an operator after the output layer leaves the order of the classes as it is.
func passes(op string) bool {
	return op == "Softmax" || op == "LogSoftmax" || op == "Sigmoid" || op == "Identity" || op == "Dropout"
}

// summands lists the linear layers whose sum a value is; nil if it is none.
func (n *Net) summands(value string, factor float64, inits map[string]*protos.TensorProto, depth int) []summand {
	v := n.byOutput[value]
	if v == nil || depth > 8 {
		return nil
	}
	h, alpha, beta := n.linear(v, inits), 1.0, 1.0
	if h == nil && v.op == "Gemm" {
		h, alpha, beta = n.gemm(v, inits), v.float("alpha", 1), v.float("beta", 1)
	}
	if h != nil {
		if !n.depends[h.node.in[0]].image {
			return nil
		}
		return []summand{{h, factor * alpha, factor * beta}}
	}
	var parts []string
	switch {
	case v.op == "Identity", v.op == "Dropout", v.op == "Cast" && isFloatKind(protos.TensorProto_DataType(v.int("to", 0))):
		parts = v.in[:1]
	case v.op == "Add", v.op == "Sum":
		parts = v.in
	case v.op == "Mean":
		parts, factor = v.in, factor/float64(len(v.in))
	case v.op == "Mul" && len(v.in) == 2, v.op == "Div" && len(v.in) == 2:
		x, k := v.in[0], v.in[1]
		c, ok := n.scalar(k, inits)
		if !ok && v.op == "Mul" {
			x, k = k, x
			c, ok = n.scalar(k, inits)
		}
		if !ok || c == 0 {
			return nil
		}
		if v.op == "Div" {
			c = 1 / c
		}
		parts, factor = []string{x}, factor*c
	case v.op == "ReduceMean" && v.int("keepdims", 1) == 0 && slices.Equal(reducedAxes(v, inits), []int{0}):
		parts = n.stacked(v.in[0], inits)
		factor /= float64(max(len(parts), 1))
	}
	var all []summand
	for _, part := range parts {
		more := n.summands(part, factor, inits, depth+1)
		if more == nil || len(all) > 16 {
			return nil
		}
		all = append(all, more...)
	}
	return all
}

// stacked lists the values that torch.stack(..., dim=0) has put behind one another; nil if a value is none of its.
func (n *Net) stacked(value string, inits map[string]*protos.TensorProto) (parts []string) {
	v := n.byOutput[value]
	if v == nil || v.op != "Concat" || v.int("axis", -1) != 0 {
		return nil
	}
	for _, in := range v.in {
		u := n.byOutput[in]
		if u == nil || u.op != "Unsqueeze" || !slices.Equal(reducedAxes(u, inits), []int{0}) {
			return nil
		}
		parts = append(parts, u.in[0])
	}
	return parts
}

// reducedAxes are the axes of a ReduceMean or Unsqueeze: an attribute, since operator set 18 an input.
func reducedAxes(v *node, inits map[string]*protos.TensorProto) []int {
	axes := v.ints("axes", 0, 0)
	if len(v.in) > 1 && inits[v.in[1]] != nil {
		if c, err := constant(inits[v.in[1]]); err == nil {
			axes, _ = ints(c)
		}
	}
	return axes
}

// scalar returns the value of a constant with one number.
func (n *Net) scalar(name string, inits map[string]*protos.TensorProto) (float64, bool) {
	name = n.original(name)
	t := inits[name]
	if v := n.byOutput[name]; t == nil && v != nil {
		switch v.op {
		case "Cast", "CastLike": // files that were not optimised
			return n.scalar(v.in[0], inits)
		case "Constant":
			if a := v.attrs["value_float"]; a != nil {
				return float64(a.F), true
			}
			t = v.attrs["value"].GetT()
		}
	}
	if t == nil {
		return 0, false
	}
	c, err := constant(t)
	if err != nil || c.Shape().Size() != 1 {
		return 0, false
	}
	if whole, ok := ints(c); ok {
		return float64(whole[0]), true
	}
	if c.DType() == dtypes.Float64 {
		return tensors.MustCopyFlatData[float64](c)[0], true
	}
	return number(c)
}

// joined is a linear layer made of several.
type joined struct {
	features []string       // the values that it takes, behind one another
	column   map[string]int // where each begins
	size     int            // of all features
	classes  int
	weight   []float64 // [classes, size]
	bias     []float64 // nil for none
}

// maxJoined is far above the number of weights of any output layer.
const maxJoined = 1 << 27

// place gives a layer's features their columns.
func (j *joined) place(s summand, t *protos.TensorProto) error {
	shape, _, err := dims(t)
	if err != nil {
		return fmt.Errorf("output layer %s: %w", s.node, err)
	}
	features, classes := shape[1], shape[0]
	if s.transposed {
		features, classes = shape[0], shape[1]
	}
	if j.classes == 0 {
		j.classes = classes
	}
	if classes != j.classes || classes == 0 || features == 0 {
		return fmt.Errorf("the output is a sum of linear layers with %d and %d outputs; expected equal numbers", j.classes, classes)
	}
	if _, ok := j.column[s.node.in[0]]; !ok {
		j.column[s.node.in[0]] = j.size
		j.features = append(j.features, s.node.in[0])
		j.size += features
	}
	if j.size > maxJoined/classes {
		return fmt.Errorf("the output layers have more than %d weights", maxJoined)
	}
	return nil
}

// add adds a layer's values.
func (j *joined) add(s summand, inits map[string]*protos.TensorProto, open OpenBeside) error {
	if j.weight == nil {
		j.weight = make([]float64, j.classes*j.size)
	}
	values, shape, err := numbers(inits[s.weight], open)
	if err != nil {
		return err
	}
	from := j.column[s.node.in[0]]
	for i, v := range values {
		class, feature := i/shape[1], i%shape[1]
		if s.transposed {
			class, feature = feature, class
		}
		if from+feature >= j.size {
			return fmt.Errorf("its weights are of shape %v, those of another layer on the same features differ", shape)
		}
		j.weight[class*j.size+from+feature] += s.factor * float64(v)
	}
	if s.bias == "" {
		return nil
	}
	if values, _, err = numbers(inits[s.bias], open); err != nil {
		return err
	}
	if len(values) != j.classes {
		return fmt.Errorf("it has a bias of %d values for %d outputs", len(values), j.classes)
	}
	if j.bias == nil {
		j.bias = make([]float64, j.classes)
	}
	for i, v := range values {
		j.bias[i] += s.biasFactor * float64(v)
	}
	return nil
}

// numbers reads a float32 initializer.
func numbers(t *protos.TensorProto, open OpenBeside) ([]float32, []int, error) {
	if dt := protos.TensorProto_DataType(t.DataType); dt != protos.TensorProto_FLOAT {
		return nil, nil, fmt.Errorf("elements of type %v; export the network in float32", dt)
	}
	shape, size, err := dims(t)
	if err != nil {
		return nil, nil, err
	}
	if size > maxJoined {
		return nil, nil, fmt.Errorf("it has more than %d weights", maxJoined)
	}
	tensor, err := floats(t, shape, size, open)
	if err != nil {
		return nil, nil, err
	}
	values, err := tensor.Float32()
	return values, shape, err
}

// replace puts the layer in the place of the node that makes the sum, and removes what nothing needs any more. The name
// of its weights is that of the first layer's.
func (j *joined) replace(g *protos.GraphProto, sum *protos.NodeProto, first *headNode) {
	at := slices.Index(g.Node, sum)
	out := sum.Output[0]
	g.Node = slices.Delete(g.Node, at, at+1)
	prune(g, append([]string{g.Output[0].Name}, j.features...), out)
	taken := map[string]bool{}
	for _, v := range g.Node {
		for _, name := range v.Output {
			taken[name] = true
		}
	}
	for _, t := range g.Initializer {
		taken[t.Name] = true
	}
	unique := func(name string) string {
		for taken[name] {
			name += "_joined"
		}
		taken[name] = true
		return name
	}
	key := "head"
	if prefix, ok := strings.CutSuffix(first.weight, ".weight"); ok && keyRule.MatchString(prefix) {
		key = prefix
	}
	for taken[key+".weight"] || taken[key+".bias"] {
		key += "_joined"
	}
	features := j.features[0]
	var made []*protos.NodeProto
	if len(j.features) > 1 {
		features = unique(key + ".features")
		made = append(made, &protos.NodeProto{OpType: "Concat", Name: first.node.name, Input: j.features, Output: []string{features},
			Attribute: []*protos.AttributeProto{{Name: "axis", Type: protos.AttributeProto_INT, I: 1}}})
	}
	linear := &protos.NodeProto{OpType: "Gemm", Name: first.node.name, Input: []string{features, key + ".weight"}, Output: []string{out},
		Attribute: []*protos.AttributeProto{{Name: "transB", Type: protos.AttributeProto_INT, I: 1}}}
	g.Initializer = append(g.Initializer, initializer(key+".weight", j.weight, j.classes, j.size))
	if j.bias != nil {
		linear.Input = append(linear.Input, key+".bias")
		g.Initializer = append(g.Initializer, initializer(key+".bias", j.bias, j.classes))
	}
	// Behind all that its features need, before what needs it.
	at = 0
	for i, v := range g.Node {
		if slices.ContainsFunc(v.Output, func(name string) bool { return slices.Contains(j.features, name) }) {
			at = i + 1
		}
	}
	g.Node = slices.Insert(g.Node, at, append(made, linear)...)
	g.Output = g.Output[:1]
	g.ValueInfo = nil
}

func initializer(name string, values []float64, shape ...int) *protos.TensorProto {
	t := &protos.TensorProto{Name: name, DataType: int32(protos.TensorProto_FLOAT)}
	for _, d := range shape {
		t.Dims = append(t.Dims, int64(d))
	}
	for _, v := range values {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(float32(v)))
	}
	return t
}

// prune removes nodes and initializers that none of the values needs; made is a value that is made later.
func prune(g *protos.GraphProto, values []string, made string) {
	needed := map[string]bool{}
	for _, v := range values {
		needed[v] = true
	}
	for i := len(g.Node) - 1; i >= 0; i-- {
		v := g.Node[i]
		if slices.ContainsFunc(v.Output, func(out string) bool { return out != made && needed[out] }) {
			for _, in := range v.Input {
				needed[in] = true
			}
		} else {
			g.Node = slices.Delete(g.Node, i, i+1)
		}
	}
	g.Initializer = slices.DeleteFunc(g.Initializer, func(t *protos.TensorProto) bool { return !needed[t.Name] })
}
