package read

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
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
	grey     bool // the file has images of one channel
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
		if last := d[3].GetDimValue(); last == 3 || channelsAtEnd(d[1].GetDimValue(), last) {
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

// newNet builds a net of a model. A skeleton has no values, and was readied before it was written.
func newNet(m *protos.ModelProto, open OpenBeside, skeleton bool, opts Options) (*Net, error) {
	decided, err := readyGraph(m, open, skeleton, opts.Output)
	if err != nil {
		return nil, err
	}
	g, n := m.Graph, bareNet(m)
	if decided != "" {
		n.Notes = append(n.Notes, decided)
	}
	inits, err := initializers(g)
	if err != nil {
		return nil, err
	}
	if err := n.findImage(g, inits, opts.Size); err != nil {
		return nil, err
	}
	if err := n.readNodes(g, inits); err != nil {
		return nil, err
	}
	if !skeleton { // graphs of earlier runs have their first output
		n.noteTraining(inits)
		if err := n.chooseOutput(g, inits); err != nil {
			return nil, err
		}
		if changed, err := n.joinHeads(g, inits, open); err != nil {
			return nil, err
		} else if changed {
			notes := n.Notes
			if n, err = newNet(m, open, false, Options{Size: opts.Size}); err == nil {
				again := slices.DeleteFunc(n.Notes, func(note string) bool { return slices.Contains(notes, note) })
				n.Notes = append(notes, again...)
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

// bareNet returns a net of the model without nodes and values.
func bareNet(m *protos.ModelProto) *Net {
	n := &Net{Metadata: map[string]string{}, model: m, byOutput: map[string]*node{}, alias: map[string]string{}, vars: map[string]*variable{},
		consts: map[string]*tensors.Tensor{}, scales: map[string]bool{}, depends: map[string]dependency{}, folded: map[string]*tensors.Tensor{}}
	for _, e := range m.MetadataProps {
		n.Metadata[e.GetKey()] = e.GetValue()
	}
	for _, o := range m.OpsetImport {
		if o.GetDomain() == "" || o.GetDomain() == "ai.onnx" {
			n.opset = o.GetVersion()
		}
	}
	return n
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
