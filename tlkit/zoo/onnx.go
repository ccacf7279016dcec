package zoo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/read"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Keys of an ONNX file's metadata for facts that the graph lacks: the evaluation transform (JSON of vision.Preprocess)
// and the names of the classes (a JSON list).
const (
	MetadataPreprocess = "tlkit.preprocess"
	MetadataClasses    = "tlkit.classes"
)

func isONNX(name string) bool { return strings.EqualFold(filepath.Ext(name), ".onnx") }

// openONNX reads a file and makes a spec from it.
func openONNX(path string, graph read.Options) (source, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	n, err := read.OpenWith(path, graph)
	if err != nil {
		return nil, notONNX(path, err)
	}
	return onnxSource(path, n)
}

// notONNX is the error of an .onnx file that can't be read: by its content it may be something else.
func notONNX(path string, err error) error {
	sd, opened := weights.Open(path)
	var foreign *weights.ForeignError
	switch {
	case opened == nil:
		sd.Close()
		return fmt.Errorf("zoo: %s is no ONNX model but a file of weights: load it under the network's name, such as Load(\"resnet50\", LoadOptions{Weights: %q})", path, path)
	case errors.As(opened, &foreign) && !foreign.ONNX && !foreign.Unknown:
		return opened
	}
	var open *read.AnySizeError
	if errors.As(err, &open) {
		return fmt.Errorf("zoo: %s: %w; give the size that it is for as Crop in LoadOptions.Preprocess", path, err)
	}
	return fmt.Errorf("zoo: %s: %w", path, err)
}

// parseONNX is openONNX for a file in memory, which must hold all its weights.
func parseONNX(name string, data []byte) (source, error) {
	n, err := read.Parse(data, func(string) (io.ReaderAt, int64, error) {
		return nil, 0, errors.New("the weights are in another file; export the model to one file")
	})
	if err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", name, err)
	}
	return onnxSource(name, n)
}

// onnxSource makes a source of a network that was read.
func onnxSource(path string, n *read.Net) (source, error) {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	sd, done, err := n.StateDict()
	if err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", path, err)
	}
	spec, err := onnxSpec(n, name)
	if err != nil {
		done()
		return nil, fmt.Errorf("zoo: %s: %w", path, err)
	}
	spec.Weights[0].Source = path
	return &onnxFile{path: path, net: n, spec: spec, sd: sd, done: done}, nil
}

func onnxSpec(n *read.Net, name string) (Spec, error) {
	graph, err := n.Skeleton()
	if err != nil {
		return Spec{}, err
	}
	spec := Spec{Name: name, Family: "onnx", Paper: "imported from an ONNX file", InputSize: n.InputSize, MinSize: n.InputSize, Graph: graph,
		Build: func() Architecture { return onnxArchitecture(n) }, constant: n.Constant}
	set := WeightSet{Name: "file", Default: true, Preprocess: vision.Preprocess{Crop: n.InputSize}}
	if text := n.Metadata[MetadataPreprocess]; text != "" {
		err := json.Unmarshal([]byte(text), &set.Preprocess)
		if err == nil {
			err = set.Preprocess.Validate()
		}
		if err != nil {
			return Spec{}, fmt.Errorf("metadata %s: %w", MetadataPreprocess, err)
		}
	}
	if text := n.Metadata[MetadataClasses]; text != "" {
		if err := json.Unmarshal([]byte(text), &set.Classes); err != nil || len(set.Classes) != n.Classes {
			return Spec{}, fmt.Errorf("metadata %s names %d classes, the output layer has %d (%v)", MetadataClasses, len(set.Classes), n.Classes, err)
		}
	}
	if set.Classes == nil {
		set.Classes = foundClasses(n.Metadata, n.Classes)
	}
	if set.Classes == nil {
		set.Classes = numbered(n.Classes)
	}
	spec.Weights = []WeightSet{set}
	return spec, nil
}

func onnxArchitecture(n *read.Net) Architecture {
	var stages []Stage
	for i, name := range n.Stages {
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node { return n.Stage(i, s, x) }})
	}
	return Architecture{Stages: stages, Head: Head{Key: n.HeadKey, Forward: n.Head}}
}

// GraphSpec returns the spec of a model that was imported from an .onnx file, from its Spec.Graph.
func GraphSpec(name string, graph []byte) (Spec, error) {
	n, err := read.FromSkeleton(graph)
	if err != nil {
		return Spec{}, fmt.Errorf("zoo: the graph of %q: %w", name, err)
	}
	spec, err := onnxSpec(n, name)
	if err != nil {
		return Spec{}, fmt.Errorf("zoo: the graph of %q: %w", name, err)
	}
	return spec, nil
}

// onnxFile is the source of an .onnx file.
type onnxFile struct {
	path string
	net  *read.Net
	spec Spec
	sd   *weights.StateDict
	done func()
	// calibration, bits and weights are those of a file that Export wrote: what the model has, and where its values
	// come from.
	calibration Calibration
	bits        int
	weights     string
}

func (f *onnxFile) network() Spec { return f.spec }

func (f *onnxFile) close() { f.done() }

func (f *onnxFile) choose(o LoadOptions) (*values, error) {
	set := f.spec.Weights[0]
	if o.Preprocess != nil {
		set.Preprocess = *o.Preprocess
	} else if f.net.Metadata[MetadataPreprocess] == "" {
		return nil, fmt.Errorf("zoo: %s does not say how its images are prepared, and that can't be guessed: give LoadOptions.Preprocess, "+
			"for most networks trained on ImageNet &vision.Preprocess{Resize: %d, Crop: %d, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}", f.path, f.net.InputSize*256/224, f.net.InputSize)
	}
	if o.Classes != nil {
		if len(o.Classes) != f.net.Classes {
			return nil, fmt.Errorf("zoo: %s has %d classes, but LoadOptions.Classes names %d (a strategy replaces them for new images)", f.path, f.net.Classes, len(o.Classes))
		}
		set.Classes = o.Classes
	}
	if set.Preprocess.Crop != 0 && set.Preprocess.Crop != f.net.InputSize {
		return nil, fmt.Errorf("zoo: %s takes images of %dx%d, but Preprocess.Crop is %d", f.path, f.net.InputSize, f.net.InputSize, set.Preprocess.Crop)
	}
	spec := f.spec
	spec.Weights = []WeightSet{set}
	switch {
	case o.Weights == Random:
		return randomValues(spec, o), nil
	case isPath(o.Weights):
		return fileValues(spec, o)
	case o.Weights != "":
		return nil, fmt.Errorf("zoo: LoadOptions.Weights is %q; for an .onnx file it is \"\" (the file's own), %q or the path of a weight file%s", o.Weights, Random, inWorkingFolder(o.Weights))
	}
	notes := slices.Clone(f.net.Notes)
	if p := set.Preprocess; p.Mean != [3]float32{} || p.Std != [3]float32{} && p.Std != [3]float32{1, 1, 1} {
		if ops := f.net.Prepares(); len(ops) > 0 {
			notes = append(notes, fmt.Sprintf("the file computes with the images itself before its first layer (%s): if it normalises them, give Preprocess Mean {0, 0, 0} and Std {1, 1, 1}, or Std {1/255, 1/255, 1/255} if it divides by 255",
				strings.Join(ops, ", ")))
		}
	}
	if o.Classes == nil && o.Head != HeadNew && set.Classes[0] == numbered(1)[0] {
		notes = append(notes, unnamedClasses(len(set.Classes)))
	}
	if len(set.Classes) == 1 && o.Head != HeadNew {
		notes = append(notes, oneLogit)
	}
	return &values{
		spec: spec, classes: set.Classes, preprocess: set.Preprocess, name: cmp.Or(f.weights, filepath.Base(f.path)),
		calibration: f.calibration, bits: f.bits,
		open: func(context.Context) (*weights.StateDict, error) { return f.sd, nil }, notes: notes,
	}, nil
}
