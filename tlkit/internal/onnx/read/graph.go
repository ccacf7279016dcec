package read

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
)

// initializers returns those of the graph by their names.
func initializers(g *protos.GraphProto) (map[string]*protos.TensorProto, error) {
	inits := map[string]*protos.TensorProto{}
	for _, t := range g.Initializer {
		if t == nil || t.Name == "" || inits[t.Name] != nil {
			return nil, fmt.Errorf("two initializers are named %.80q, or one is not named", t.GetName())
		}
		inits[t.Name] = t
	}
	return inits, nil
}

// inputAdvice is what to do about inputs of other types.
var inputAdvice = map[protos.TensorProto_DataType]string{
	protos.TensorProto_UINT8: ": export the network without the step that makes floats of bytes; here the preprocessing does that",
}

// findImage finds the one input that is no initializer. size is that of images if the file leaves it open; 0 is
// usualSize.
func (n *Net) findImage(g *protos.GraphProto, inits map[string]*protos.TensorProto, size int) error {
	var found []*protos.ValueInfoProto
	for _, in := range g.Input {
		if in != nil && inits[in.Name] == nil {
			found = append(found, in)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("the graph has %d inputs; an image classifier has one, the images", len(found))
	}
	tt := found[0].GetType().GetTensorType()
	if tt == nil {
		return fmt.Errorf("input %.80q is no tensor; expected one of type float with four axes [batch, 3, height, width]", found[0].Name)
	}
	kind := protos.TensorProto_DataType(tt.ElemType)
	if kind == protos.TensorProto_FLOAT && tt.Shape == nil {
		return fmt.Errorf("input %.80q says nothing of its shape; expected [batch, 3, height, width]: export the network again, or write the shape into the file (onnx.helper.make_tensor_value_info)", found[0].Name)
	}
	if kind != protos.TensorProto_FLOAT || len(tt.GetShape().GetDim()) != 4 {
		return fmt.Errorf("input %.80q is of type %v with %d axes; expected float with four, [batch, 3, height, width]%s", found[0].Name, kind, len(tt.GetShape().GetDim()), inputAdvice[kind])
	}
	var d [4]int64
	for i, dim := range tt.Shape.Dim {
		d[i] = dim.GetDimValue()
		if d[i] < 0 || d[i] > 8192 {
			return fmt.Errorf("input %.80q has an axis of length %d", found[0].Name, d[i])
		}
	}
	channels, height, width := d[1], d[2], d[3]
	if n.nhwc = channelsAtEnd(d[1], d[3]); n.nhwc {
		channels, height, width = d[3], d[1], d[2]
	}
	switch n.grey = channels == 1; {
	case channels != 3 && channels > 1:
		return fmt.Errorf("input %.80q is of shape %v; expected images [batch, 3, height, width] (NCHW) or [batch, height, width, 3] (NHWC), or of one channel", found[0].Name, d)
	case height != width && height != 0 && width != 0:
		return fmt.Errorf("input %.80q takes images of %dx%d; only square ones are prepared here", found[0].Name, height, width)
	}
	n.image, n.batch, n.InputSize, n.AnySize = found[0].Name, int(d[0]), cmp.Or(int(height), int(width), size, usualSize), height == 0 && width == 0
	n.depends[n.image] = dependency{image: true}
	if n.grey {
		n.Notes = append(n.Notes, "it is for images of one channel; it gets the mean of the three, which gives grey images the same features")
	}
	return nil
}

// channelsAtEnd reports whether an input has the channels last, by its second and last axes.
func channelsAtEnd(second, last int64) bool {
	return second != 3 && last == 3 || second != 3 && second != 1 && last == 1
}

// readNodes checks the graph: every value comes before it is used, once, and every operator is known.
func (n *Net) readNodes(g *protos.GraphProto, inits map[string]*protos.TensorProto) error {
	unknown := map[string]string{} // from the operator to its domain
	for _, p := range g.Node {
		if p == nil {
			return errors.New("an empty node; the file is damaged")
		}
		v := &node{op: p.OpType, name: p.Name, in: p.Input, out: p.Output, attrs: map[string]*protos.AttributeProto{}, proto: p}
		for _, a := range p.Attribute {
			if a.GetRefAttrName() != "" || a.GetG() != nil || len(a.GetGraphs()) > 0 {
				unknown[p.OpType] = p.Domain // a graph within the graph
			}
			v.attrs[a.GetName()] = a
		}
		if !supported(p) {
			unknown[p.OpType] = p.Domain
		}
		if v.op == "Resize" || v.op == "Upsample" {
			for _, in := range v.in[min(1, len(v.in)):] {
				n.scales[in] = true
			}
		}
		n.nodes = append(n.nodes, v)
	}
	if len(unknown) > 0 {
		return unknownOperators(unknown)
	}
	for _, v := range n.nodes {
		if err := n.connect(v, inits); err != nil {
			return err
		}
	}
	return nil
}

// unknownOperators is the error for operators that can't be imported, with their domains, and with what the user can do
// about the frequent ones.
func unknownOperators(domains map[string]string) error {
	ops := slices.Sorted(maps.Keys(domains))
	from := func(domain string) bool {
		return slices.ContainsFunc(ops, func(op string) bool { return strings.HasPrefix(domains[op], domain) })
	}
	why := ""
	switch {
	case slices.ContainsFunc(ops, func(op string) bool {
		return strings.Contains(strings.ToLower(op), "quant") || strings.HasSuffix(op, "NBits") || strings.HasPrefix(op, "QLinear") || strings.HasSuffix(op, "Integer")
	}):
		why = "; the network is quantised by operators of whole numbers: take the file in QDQ form (quantize_static of ONNX Runtime with quant_format=QuantFormat.QDQ), or from before quantisation"
		ops = slices.DeleteFunc(ops, func(op string) bool { return op == "QuantizeLinear" || op == "DequantizeLinear" }) // of QDQ form, too
	case slices.ContainsFunc(ops, func(op string) bool { return op == "If" || op == "Loop" || op == "Scan" }):
		why = "; what the network does depends on values that are computed: export it for images of a fixed size, in evaluation mode, and without conditions on its values (torch.cond)"
	case slices.ContainsFunc(ops, func(op string) bool { return op == "NonMaxSuppression" || op == "RoiAlign" || op == "TopK" }):
		why = "; this looks like a detector, and image classifiers are read"
	case from("com.microsoft") || slices.ContainsFunc(ops, func(op string) bool {
		return strings.HasPrefix(op, "Fused") || op == "SkipLayerNormalization" || op == "QuickGelu"
	}):
		why = "; they are ONNX Runtime's own, as its optimiser writes them: take the file from before optimisation"
	case from("ai.onnx.ml"):
		why = "; they are of ONNX's part for other methods than networks (ai.onnx.ml: trees, labels, scalers): take the network without them"
	default:
		why = ". In Python, write the modules that they come from with other operations, and export the network again"
	}
	return fmt.Errorf("the graph uses operators that can't be imported: %s%s", strings.Join(ops, ", "), why)
}

// connect enters a node's outputs into the tables, after a check that its inputs are there.
func (n *Net) connect(v *node, inits map[string]*protos.TensorProto) error {
	for _, in := range v.in {
		if in == "" {
			continue
		}
		if _, ok := n.depends[in]; !ok && inits[in] == nil {
			return fmt.Errorf("node %s needs %.80q, which is no input, no initializer and no result of a node before it", v, in)
		}
	}
	if len(v.out) == 0 || v.out[0] == "" {
		return fmt.Errorf("node %s has no output", v)
	}
	if v.op == "Identity" && len(v.in) == 1 && len(v.out) == 1 {
		if source := n.original(v.in[0]); inits[source] != nil {
			n.alias[v.out[0]] = source
			n.depends[v.out[0]] = dependency{variable: n.isVariable(inits[source])}
			return nil
		}
	}
	d := n.dependencyOf(v, inits)
	for _, out := range v.out {
		if out == "" {
			continue
		}
		if _, dup := n.depends[out]; dup || inits[out] != nil {
			return fmt.Errorf("value %.80q is made twice", out)
		}
		n.depends[out], n.byOutput[out] = d, v
	}
	return nil
}

// dependencyOf returns the dependency of a node's results. The shape of an initializer is known, so it depends on
// nothing.
func (n *Net) dependencyOf(v *node, inits map[string]*protos.TensorProto) (d dependency) {
	for _, in := range v.in {
		if t := inits[n.original(in)]; t != nil {
			d.variable = d.variable || n.isVariable(t) && !v.ofShape()
			continue
		}
		d.image = d.image || n.depends[in].image
		d.variable = d.variable || n.depends[in].variable
	}
	return d
}

// isVariable reports whether an initializer is a weight, by its type and size, unless it is a scale of a Resize.
func (n *Net) isVariable(t *protos.TensorProto) bool { return !n.scales[t.Name] && isVariable(t) }

// isVariable reports whether an initializer is a weight by its type and size: a float tensor of more than one value, or
// a tensor too large for a constant. The rest are shapes, axes and factors.
func isVariable(t *protos.TensorProto) bool {
	size := int64(1)
	for _, d := range t.Dims {
		if d > maxElements {
			return true // reading it returns an error later
		}
		size *= max(d, 0)
		if size > maxElements {
			return true
		}
	}
	return protos.TensorProto_DataType(t.DataType) == protos.TensorProto_FLOAT && size > 1 ||
		size > maxConstant
}

// maxNodes is far above the number of nodes of any image classifier.
const maxNodes = 20_000

// readyGraph brings the model's graph into the form that is read: without branches and sequences, in order, with plain
// numbers, and but for a skeleton up to the logits. decided says what was cut off behind these, "" for nothing.
func readyGraph(m *protos.ModelProto, open OpenBeside, skeleton bool, output string) (decided string, err error) {
	g := m.Graph
	if g != nil {
		inlineBranches(g)
		slicedSequences(g)
	}
	switch {
	case g == nil || len(g.Node) == 0:
		return "", errors.New("not an ONNX network: the file holds no graph")
	case len(m.Functions) > 0:
		return "", errors.New("the graph uses functions of its own; export it without (torch.onnx.export with dynamo=False), or inline them (onnx.inliner)")
	case len(g.SparseInitializer) > 0:
		return "", errors.New("the graph has sparse weights; expected dense ones")
	case len(g.Node) > maxNodes:
		return "", fmt.Errorf("the graph has %d nodes; at most %d are expected", len(g.Node), maxNodes)
	}
	inOrder(g)
	if !skeleton {
		tidy(g)
		if output != "" {
			if err := keepOutput(g, output); err != nil {
				return "", err
			}
		}
		decided = cutDecisions(m)
	}
	return decided, plainNumbers(g, open)
}
