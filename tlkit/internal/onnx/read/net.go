package read

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Net is an image classifier read from an ONNX file.
type Net struct {
	// InputSize is the height and width of the images.
	InputSize int
	// AnySize is set if the file leaves the size open, so that InputSize is what the caller chose, or usualSize.
	AnySize bool
	// Classes is the number of outputs.
	Classes int
	// Stages are the names of the parts before the output layer, in order.
	Stages []string
	// HeadKey is the state-dict prefix of the output layer.
	HeadKey string
	// Metadata holds the file's metadata properties.
	Metadata map[string]string
	// Notes say what was left out of the file, which of its outputs is taken, and which of its tensors are taken for
	// constants.
	Notes []string
	// Observe, if set while a stage is built, is called with each value that depends on the images: its name in the
	// file, and its node, whose first axis is the images if the file leaves their number open.
	Observe func(name string, x *graph.Node)

	model   *protos.ModelProto // the graph without the values of variables
	entries []weights.Entry
	files   []io.Closer

	nodes    []*node // those that the features need, in order
	byOutput map[string]*node
	alias    map[string]string // Identity of an initializer: the initializer
	vars     map[string]*variable
	consts   map[string]*tensors.Tensor
	scales   map[string]bool // initializers that say how far images are enlarged
	doubtful []string        // initializers that are taken for constants, and could have been learned
	image    string
	nhwc     bool // the file has images [batch, height, width, 3], as TensorFlow does
	batch    int  // the batch size that the file fixes; 0 if it leaves the size open
	opset    int64
	head     *headNode
	stages   []span
	// depends lists, by value, whether it depends on the image or on a variable; else it depends on constants only.
	depends map[string]dependency

	mu     sync.Mutex
	folded map[string]*tensors.Tensor // constants that were computed
}

type dependency struct{ image, variable bool }

// span holds the nodes of a stage, and the values that it takes and passes on.
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
	key        string
	shape      []int // in the state dict
	layout     nn.Layout
	transposed bool // the file has [in, out], the state dict [out, in]
	init       nn.Init
	buffer     bool
	stage      int // the first that uses it
}

// Open reads a file; weights in other files are looked for in its folder, and never outside it.
func Open(path string) (*Net, error) { return OpenWith(path, Options{}) }

// Options say what a file leaves open.
type Options struct {
	// Size is the height and width of images, if the file leaves them open: shapes and counts in the graph follow from
	// it. 0 means usualSize.
	Size int
	// Output names the output that is the logits; "" means to look for it.
	Output string
}

// usualSize is the size of images that a file which leaves it open is read for.
const usualSize = 224

// OpenWith is Open with options.
func OpenWith(path string, o Options) (*Net, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f := &folder{root: root, opened: map[string]*os.File{}}
	n, err := parse(data, f.open, o)
	if err != nil {
		for _, file := range f.opened {
			file.Close()
		}
		return nil, err
	}
	for _, file := range f.opened {
		n.files = append(n.files, file)
	}
	return n, nil
}

// Parse reads a file from memory. It does not panic, whatever the bytes.
func Parse(data []byte, open OpenBeside) (*Net, error) { return parse(data, open, Options{}) }

// parse is Parse with options.
func parse(data []byte, open OpenBeside, o Options) (n *Net, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = nil, fmt.Errorf("damaged file: the reader failed (%v); please report this with the file\n%s", p, debug.Stack())
		}
	}()
	m, err := unmarshal(data)
	if err != nil {
		return nil, err
	}
	return newNet(m, open, false, o)
}

// setSize writes the height and width of images into the graph where it leaves them open.
func setSize(g *protos.GraphProto, size int64) {
	for _, in := range g.GetInput() {
		d := in.GetType().GetTensorType().GetShape().GetDim()
		if len(d) != 4 {
			continue
		}
		at := d[2:]
		if d[3].GetDimValue() == 3 {
			at = d[1:3]
		}
		for i := range at {
			if at[i].GetDimValue() == 0 {
				at[i].Value = &protos.TensorShapeProto_Dimension_DimValue{DimValue: size}
			}
		}
	}
}

// FromSkeleton is Parse for the result of Skeleton: the net has no values.
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
	return newNet(m, nil, true, Options{})
}

// Skeleton returns the file without the values of its variables. It is enough to build the network again, for images of
// the same size. Runs are known by the bytes: the usual size stays open in them, as in runs made before there were
// others.
func (n *Net) Skeleton() ([]byte, error) {
	if n.AnySize && n.InputSize != usualSize {
		setSize(n.model.Graph, int64(n.InputSize))
	}
	return proto.Marshal(n.model)
}

// StateDict returns the values of the variables. It may be called once, since the values are not kept here. The
// function returned closes the files that hold them.
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

// maxNodes is far above the number of nodes of any image classifier.
const maxNodes = 20_000

func newNet(m *protos.ModelProto, open OpenBeside, skeleton bool, opts Options) (*Net, error) {
	g := m.Graph
	if g != nil {
		inlineBranches(g)
		slicedSequences(g)
	}
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
	inOrder(g)
	decided := ""
	if !skeleton {
		if opts.Output != "" {
			if err := keepOutput(g, opts.Output); err != nil {
				return nil, err
			}
		}
		decided = cutDecisions(m)
	}
	if err := plainNumbers(g, open); err != nil {
		return nil, err
	}
	n := &Net{Metadata: map[string]string{}, model: m, byOutput: map[string]*node{}, alias: map[string]string{}, vars: map[string]*variable{},
		consts: map[string]*tensors.Tensor{}, scales: map[string]bool{}, depends: map[string]dependency{}, folded: map[string]*tensors.Tensor{}}
	if decided != "" {
		n.Notes = append(n.Notes, decided)
	}
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
	if err := n.findImage(g, inits, opts.Size); err != nil {
		return nil, err
	}
	if err := n.readNodes(g, inits); err != nil {
		return nil, err
	}
	if !skeleton { // graphs of earlier runs have their first output
		if err := n.chooseOutput(g, inits); err != nil {
			return nil, err
		}
		if changed, err := n.joinHeads(g, inits, open); err != nil {
			return nil, err
		} else if changed {
			notes := n.Notes
			if n, err = newNet(m, open, false, Options{Size: opts.Size}); err == nil {
				n.Notes = append(notes, n.Notes...)
			}
			return n, err
		}
	}
	if err := n.findHead(g, inits); err != nil {
		return nil, err
	}
	if err := n.readValues(inits, open, skeleton); err != nil {
		return nil, err
	}
	if err := n.divide(); err != nil && n.AnySize {
		return nil, &AnySizeError{Size: n.InputSize, Err: err}
	} else if err != nil {
		return nil, err
	}
	return n, nil
}

// AnySizeError reports that a network whose file leaves the size of images open can't be built for the one chosen.
type AnySizeError struct {
	Size int
	Err  error
}

func (e *AnySizeError) Error() string {
	return fmt.Sprintf("the file leaves the size of images open, and the network can't be built for %dx%d: %v", e.Size, e.Size, e.Err)
}

func (e *AnySizeError) Unwrap() error { return e.Err }

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
	if kind := protos.TensorProto_DataType(tt.ElemType); kind != protos.TensorProto_FLOAT || len(tt.GetShape().GetDim()) != 4 {
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
	if n.nhwc = d[1] != 3 && d[3] == 3; n.nhwc {
		channels, height, width = d[3], d[1], d[2]
	}
	switch {
	case channels != 3 && channels != 0:
		return fmt.Errorf("input %.80q is of shape %v; expected images [batch, 3, height, width] (NCHW) or [batch, height, width, 3] (NHWC)", found[0].Name, d)
	case height != width && height != 0 && width != 0:
		return fmt.Errorf("input %.80q takes images of %dx%d; only square ones are prepared here", found[0].Name, height, width)
	}
	n.image, n.batch, n.InputSize, n.AnySize = found[0].Name, int(d[0]), cmp.Or(int(height), int(width), size, usualSize), height == 0 && width == 0
	n.depends[n.image] = dependency{image: true}
	return nil
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
		why = "; the network is quantised by operators of whole numbers: take the file in QDQ form (QuantizeLinear and DequantizeLinear), or from before quantisation"
	case slices.ContainsFunc(ops, func(op string) bool { return op == "If" || op == "Loop" || op == "Scan" }):
		why = "; what the network does depends on values that are computed: export it for images of a fixed size, in evaluation mode"
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

// ofShape reports whether the node uses only the shape of its input.
func (v *node) ofShape() bool { return v.op == "Shape" || v.op == "Size" }

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

// plainGemm reports whether a Gemm is x W' + b and nothing else.
func (v *node) plainGemm() bool {
	return v.float("alpha", 1) == 1 && v.float("beta", 1) == 1 && v.int("transA", 0) == 0
}
