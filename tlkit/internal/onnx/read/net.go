package read

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"io"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Net is an image classifier read from an ONNX file.
type Net struct {
	// InputSize is the height and width of the images; 224 if the file leaves it open.
	InputSize int
	// Classes is the number of outputs.
	Classes int
	// Stages are the names of the parts before the output layer, in order.
	Stages []string
	// HeadKey is the state-dict prefix of the output layer.
	HeadKey string
	// Metadata is what the file says beside the graph.
	Metadata map[string]string

	model   *protos.ModelProto // the graph without the values of variables
	entries []weights.Entry
	files   []io.Closer

	nodes    []*node // those that the features need, in order
	byOutput map[string]*node
	alias    map[string]string // Identity of an initializer: the initializer
	vars     map[string]*variable
	consts   map[string]*tensors.Tensor
	image    string
	batch    int // the batch size that the file fixes, 0 if it leaves it open
	opset    int64
	head     *headNode
	stages   []span
	// depends says what a value is made of: the image, a variable, or constants only.
	depends map[string]dependency

	mu     sync.Mutex
	folded map[folding]*tensors.Tensor
}

type dependency struct{ image, variable bool }

// span are the nodes of a stage and the value that it hands on.
type span struct {
	from, to int
	in, out  string
}

type node struct {
	op, name string
	in, out  []string
	attrs    map[string]*protos.AttributeProto
	proto    *protos.NodeProto
}

// variable is an initializer that training may change.
type variable struct {
	key    string
	shape  []int // in the state dict
	layout nn.Layout
	turned bool // the file has [in, out], the state dict [out, in]
	init   nn.Init
	buffer bool
	stage  int // the first that uses it
}

type headNode struct {
	node         *node
	weight, bias string
	features     int
}

// Open reads a file; weights that the file keeps in others are looked for in its folder.
func Open(path string) (*Net, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var files []io.Closer
	opened := map[string]*os.File{}
	n, err := Parse(data, func(name string) (io.ReaderAt, int64, error) {
		f := opened[name]
		if f == nil {
			var err error
			if f, err = os.Open(filepath.Join(filepath.Dir(path), name)); err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					err = fmt.Errorf("%w; copy %s into the folder of the .onnx file", err, name)
				}
				return nil, 0, err
			}
			opened[name], files = f, append(files, f)
		}
		info, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		if !info.Mode().IsRegular() {
			return nil, 0, fmt.Errorf("%s is no regular file", name)
		}
		return f, info.Size(), nil
	})
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, err
	}
	n.files = files
	return n, nil
}

// Parse reads a file from memory. It does not panic, whatever the bytes.
func Parse(data []byte, open OpenBeside) (n *Net, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = nil, fmt.Errorf("damaged file: the reader failed (%v); please report this with the file\n%s", p, debug.Stack())
		}
	}()
	m, err := unmarshal(data)
	if err != nil {
		return nil, err
	}
	return newNet(m, open, false)
}

// FromSkeleton is Parse for what Skeleton returns: the net has no values.
func FromSkeleton(data []byte) (n *Net, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = nil, fmt.Errorf("damaged file: the reader failed (%v)", p)
		}
	}()
	m, err := unmarshal(data)
	if err != nil {
		return nil, err
	}
	return newNet(m, nil, true)
}

// Skeleton is the file without the values of its variables: what is needed to build the network again.
func (n *Net) Skeleton() ([]byte, error) { return proto.Marshal(n.model) }

// StateDict returns the values of the variables, once: they are not kept here. Closing it closes the files behind it.
func (n *Net) StateDict() (*weights.StateDict, func(), error) {
	sd, err := weights.New(n.entries)
	n.entries = nil
	files := n.files
	n.files = nil
	return sd, func() {
		for _, f := range files {
			f.Close()
		}
	}, err
}

// maxNodes is far above any image classifier's.
const maxNodes = 20_000

func newNet(m *protos.ModelProto, open OpenBeside, skeleton bool) (*Net, error) {
	g := m.Graph
	switch {
	case g == nil || len(g.Node) == 0:
		return nil, errors.New("not an ONNX network: the file holds no graph")
	case len(m.Functions) > 0:
		return nil, errors.New("the graph uses functions of its own; export it without (torch.onnx.export with dynamo=False), or inline them (onnx.inliner)")
	case len(g.SparseInitializer) > 0:
		return nil, errors.New("the graph has sparse weights; expected dense ones")
	case len(g.Node) > maxNodes:
		return nil, fmt.Errorf("the graph has %d nodes; at most %d are expected", len(g.Node), maxNodes)
	}
	n := &Net{Metadata: map[string]string{}, model: m, byOutput: map[string]*node{}, alias: map[string]string{}, vars: map[string]*variable{},
		consts: map[string]*tensors.Tensor{}, depends: map[string]dependency{}, folded: map[folding]*tensors.Tensor{}}
	for _, e := range m.MetadataProps {
		n.Metadata[e.GetKey()] = e.GetValue()
	}
	for _, o := range m.OpsetImport {
		if o.GetDomain() == "" || o.GetDomain() == "ai.onnx" {
			n.opset = o.GetVersion()
		}
	}
	inits := map[string]*protos.TensorProto{}
	for _, t := range g.Initializer {
		if t == nil || t.Name == "" || inits[t.Name] != nil {
			return nil, fmt.Errorf("two initializers are named %.80q, or one is not named", t.GetName())
		}
		inits[t.Name] = t
	}
	if err := n.findImage(g, inits); err != nil {
		return nil, err
	}
	if err := n.readNodes(g, inits); err != nil {
		return nil, err
	}
	if err := n.findHead(g, inits); err != nil {
		return nil, err
	}
	if err := n.readValues(inits, open, skeleton); err != nil {
		return nil, err
	}
	return n, n.divide()
}

// findImage finds the one input that is no initializer.
func (n *Net) findImage(g *protos.GraphProto, inits map[string]*protos.TensorProto) error {
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
	if tt == nil || protos.TensorProto_DataType(tt.ElemType) != protos.TensorProto_FLOAT || len(tt.GetShape().GetDim()) != 4 {
		return fmt.Errorf("input %.80q is not of type float with four axes [batch, 3, height, width]", found[0].Name)
	}
	var d [4]int64
	for i, dim := range tt.Shape.Dim {
		d[i] = dim.GetDimValue()
		if d[i] < 0 || d[i] > 8192 {
			return fmt.Errorf("input %.80q has an axis of length %d", found[0].Name, d[i])
		}
	}
	switch {
	case d[1] != 3:
		return fmt.Errorf("input %.80q has %d channels; expected images [batch, 3, height, width] (NCHW)", found[0].Name, d[1])
	case d[2] != d[3]:
		return fmt.Errorf("input %.80q takes images of %dx%d; only square ones are prepared here", found[0].Name, d[2], d[3])
	}
	n.image, n.batch, n.InputSize = found[0].Name, int(d[0]), cmp.Or(int(d[2]), 224)
	n.depends[n.image] = dependency{image: true}
	return nil
}

// readNodes checks the graph: every value comes before it is used, once, and every operator is known.
func (n *Net) readNodes(g *protos.GraphProto, inits map[string]*protos.TensorProto) error {
	unknown := map[string]bool{}
	var all []*node
	for _, p := range g.Node {
		if p == nil {
			return errors.New("an empty node; the file is damaged")
		}
		v := &node{op: p.OpType, name: p.Name, in: p.Input, out: p.Output, attrs: map[string]*protos.AttributeProto{}, proto: p}
		for _, a := range p.Attribute {
			if a.GetRefAttrName() != "" || a.GetG() != nil || len(a.GetGraphs()) > 0 {
				unknown[p.OpType] = true // a graph within the graph
			}
			v.attrs[a.GetName()] = a
		}
		if !supported(p) {
			unknown[p.OpType] = true
		}
		all = append(all, v)
	}
	if len(unknown) > 0 {
		return fmt.Errorf("the graph uses operators that can't be imported: %s", strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
	}
	for _, v := range all {
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
			source := v.in[0]
			if a, ok := n.alias[source]; ok {
				source = a
			}
			if inits[source] != nil {
				n.alias[v.out[0]] = source
				n.depends[v.out[0]] = dependency{variable: isVariable(inits[source])}
				continue
			}
		}
		var d dependency
		for _, in := range v.in {
			if t := inits[in]; t != nil {
				d.variable = d.variable || isVariable(t)
				continue
			}
			d.image = d.image || n.depends[in].image
			d.variable = d.variable || n.depends[in].variable
		}
		for _, out := range v.out {
			if out == "" {
				continue
			}
			if _, dup := n.depends[out]; dup || inits[out] != nil {
				return fmt.Errorf("value %.80q is made twice", out)
			}
			n.depends[out], n.byOutput[out] = d, v
		}
	}
	n.nodes = all
	return nil
}

// isVariable: weights are float tensors of more than one value; the rest are shapes, axes and factors.
func isVariable(t *protos.TensorProto) bool {
	size := int64(1)
	for _, d := range t.Dims {
		if d > maxElements {
			return true // and an error later
		}
		size *= max(d, 0)
		if size > maxElements {
			return true
		}
	}
	return protos.TensorProto_DataType(t.DataType) == protos.TensorProto_FLOAT && size > 1 ||
		size > maxConstant
}

// findHead finds the last linear layer before the output, and keeps the nodes before it that its input needs.
func (n *Net) findHead(g *protos.GraphProto, inits map[string]*protos.TensorProto) error {
	if len(g.Output) == 0 || g.Output[0] == nil {
		return errors.New("the graph has no output")
	}
	const want = "the output must come from a linear layer (Gemm, or MatMul with Add), perhaps followed by Softmax"
	at := g.Output[0].Name
	weightOf := func(name string) string {
		if a, ok := n.alias[name]; ok {
			name = a
		}
		if t := inits[name]; t != nil && len(t.Dims) == 2 && isVariable(t) {
			return name
		}
		return ""
	}
	biasOf := func(name string) string {
		if a, ok := n.alias[name]; ok {
			name = a
		}
		if t := inits[name]; t != nil && len(t.Dims) == 1 {
			return name
		}
		return ""
	}
	h := &headNode{}
	turned := false
	for h.node == nil {
		v := n.byOutput[at]
		if v == nil || len(v.in) == 0 {
			return fmt.Errorf("%s; output %.80q does not", want, g.Output[0].Name)
		}
		switch v.op {
		case "Softmax", "LogSoftmax", "Identity":
			at = v.in[0]
		case "Gemm":
			if len(v.in) < 2 || weightOf(v.in[1]) == "" || !v.plainGemm() || (len(v.in) > 2 && v.in[2] != "" && biasOf(v.in[2]) == "") {
				return fmt.Errorf("%s; %s is none with weights of its own", want, v)
			}
			h.node, h.weight, turned = v, weightOf(v.in[1]), v.int("transB", 0) == 0
			if len(v.in) > 2 && v.in[2] != "" {
				h.bias = biasOf(v.in[2])
			}
		case "MatMul":
			if len(v.in) != 2 || weightOf(v.in[1]) == "" {
				return fmt.Errorf("%s; %s is none with weights of its own", want, v)
			}
			h.node, h.weight, turned = v, weightOf(v.in[1]), true
		case "Add":
			if len(v.in) != 2 {
				return fmt.Errorf("%s; %s is none", want, v)
			}
			x, b := v.in[0], v.in[1]
			if biasOf(x) != "" {
				x, b = b, x
			}
			m := n.byOutput[x]
			if biasOf(b) == "" || m == nil || m.op != "MatMul" || len(m.in) != 2 || weightOf(m.in[1]) == "" {
				return fmt.Errorf("%s; %s is none with weights of its own", want, v)
			}
			h.node, h.weight, h.bias, turned = m, weightOf(m.in[1]), biasOf(b), true
		default:
			return fmt.Errorf("%s; it comes from %s", want, v)
		}
	}
	features := h.node.in[0]
	if !n.depends[features].image {
		return fmt.Errorf("the output layer %s does not depend on the image", h.node)
	}
	shape, _, err := dims(inits[h.weight])
	if err != nil {
		return fmt.Errorf("output layer %s: %w", h.node, err)
	}
	h.features, n.Classes = shape[1], shape[0]
	if turned {
		h.features, n.Classes = shape[0], shape[1]
	}
	if h.bias != "" && int64(n.Classes) != inits[h.bias].Dims[0] {
		return fmt.Errorf("output layer %s has %d outputs and a bias of %d", h.node, n.Classes, inits[h.bias].Dims[0])
	}
	if n.Classes < 1 || n.Classes > 1<<20 || h.features < 1 {
		return fmt.Errorf("output layer %s is of shape %v", h.node, shape)
	}
	n.head = h

	// Keep the ancestors of the features that depend on the image or on variables; constants are folded when needed.
	needed := map[string]bool{features: true}
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
	n.nodes = kept
	return nil
}

// String names a node in messages: its operator and its name or output.
func (v *node) String() string {
	name := v.name
	if name == "" && len(v.out) > 0 {
		name = v.out[0]
	}
	return fmt.Sprintf("%s (%.60q)", v.op, name)
}

func (v *node) int(name string, def int) int {
	if a := v.attrs[name]; a != nil {
		return int(a.I)
	}
	return def
}

func (v *node) float(name string, def float64) float64 {
	if a := v.attrs[name]; a != nil {
		return float64(a.F)
	}
	return def
}

// ints returns a list attribute, or n times def.
func (v *node) ints(name string, n, def int) []int {
	a := v.attrs[name]
	if a == nil || len(a.Ints) == 0 {
		return slices.Repeat([]int{def}, n)
	}
	out := make([]int, len(a.Ints))
	for i, x := range a.Ints {
		out[i] = int(x)
	}
	return out
}

func (v *node) str(name, def string) string {
	if a := v.attrs[name]; a != nil && len(a.S) > 0 {
		return string(a.S)
	}
	return def
}

// plainGemm: x W' + b and nothing else.
func (v *node) plainGemm() bool {
	return v.float("alpha", 1) == 1 && v.float("beta", 1) == 1 && v.int("transA", 0) == 0
}
