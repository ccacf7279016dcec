package zoo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/read"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// source is where a model comes from: the registry with its weight sets, the Hugging Face hub, an .onnx file or an
// exported file. It determines the network; the values of the network also depend on the options.
type source interface {
	// network is the architecture, with the weight sets that the source has.
	network() Spec
	// choose returns the values that the options choose.
	choose(o LoadOptions) (*values, error)
	close()
}

// values describe the tensors that fill a network, and all that is known of them before any tensor is read.
type values struct {
	spec       Spec
	classes    []string
	preprocess vision.Preprocess
	// preprocessAt, when set, is the preprocessing at the size of images that the file's learned positions are for.
	preprocessAt func(size int) (vision.Preprocess, error)
	// calibration is that of the values; it is lost if the head is replaced.
	calibration Calibration
	// bits becomes Model.Bits.
	bits int
	// name becomes Model.Weights.
	name string
	// open opens the file, which may be downloaded first; nil means random values.
	open func(ctx context.Context) (*weights.StateDict, error)
	// adapt converts the file's state dict to the model's; nil if no conversion is needed.
	adapt func(m *Model, sd *weights.StateDict) (*weights.StateDict, error)
	// layouts, when set, are the layouts that the file may have: the file is of another origin, and adopt reads it.
	layouts []layout
	// notes are for Model.Notes.
	notes []string
	// described: the classes come from the file's own description, not from a guess.
	described bool
	// flipped: the first kernel is for blue, green and red in this order.
	flipped bool
	// whole: a description beside the file names the network, so that a part that does not fit is an error.
	whole bool
}

// resolve finds the source that a name means; see [Load] for the kinds of names. graph is for .onnx files.
func resolve(ctx context.Context, name string, graph read.Options) (source, error) {
	switch {
	case strings.HasPrefix(name, hubScheme):
		return openHub(ctx, name)
	case isFolder(name):
		return openFolder(ctx, name)
	case isONNX(name):
		return openONNX(name, graph)
	case isStateDict(name):
		return openExported(name, graph)
	case isFile(name):
		return openOther(name, graph)
	case strings.ContainsAny(name, `/\`):
		return nil, fmt.Errorf("zoo: there is no file or folder %s; a repository of the Hugging Face hub is named hf://owner/name, such as hf://timm/resnet18.a1_in1k", name)
	case namedAsFile(name):
		return nil, fmt.Errorf("zoo: there is no file %s in the working folder; give its path", name)
	}
	s, err := openRegistered(name)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, inWorkingFolder(name))
	}
	return s, nil
}

// openOther judges a file by its content, since its name does not say what it is: an ONNX model is one under any name,
// weights need the name of their network.
func openOther(path string, graph read.Options) (source, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	unnamed := fmt.Errorf("zoo: %s is a file, and does not say which network it is for: load it under the network's name, such as Load(\"resnet50\", LoadOptions{Weights: %q})", path, path)
	if weights.IsIndex(path) {
		return nil, unnamed
	}
	sd, err := weights.Open(path)
	var foreign *weights.ForeignError
	switch {
	case err == nil:
		sd.Close()
		return nil, unnamed
	case errors.As(err, &foreign) && foreign.ONNX:
		return openONNX(path, graph)
	}
	return nil, err
}

// load builds the network of a source and fills it.
func load(ctx context.Context, s source, o LoadOptions) (*Model, error) {
	v, err := s.choose(o)
	if err != nil {
		return nil, err
	}
	if v.open == nil {
		return New(v.spec, v.classes, o.Seed)
	}
	m, err := newModel(v.spec, v.classes)
	if err != nil {
		return nil, err
	}
	m.Preprocess, m.Weights = v.preprocess, v.name
	sd, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	if v.layouts != nil {
		if m, err = v.sized(m, sd, o); err != nil {
			return nil, err
		}
	}
	if err := v.fill(m, sd, o); err != nil {
		return nil, err
	}
	if o.Head != HeadNew {
		m.Calibration, m.Bits = v.calibration, v.bits
	}
	return m, nil
}

// fill gives the network its values.
func (v *values) fill(m *Model, sd *weights.StateDict, o LoadOptions) (err error) {
	if err := sd.Verify(); err != nil {
		return fmt.Errorf("zoo: %w", err)
	}
	if v.layouts != nil {
		return v.adopt(m, sd, o)
	}
	if v.adapt != nil {
		if sd, err = v.adapt(m, sd); err != nil {
			return err
		}
	}
	m.report(v.notes)
	if err := m.LoadStateDict(sd); err != nil || o.Head != HeadNew {
		return err
	}
	if o.Classes == nil {
		o.Classes = numbered(len(m.Classes))
	}
	return m.ReplaceHead(o.Classes, o.Seed)
}

// noFile is the part of a source that keeps nothing open.
type noFile struct{}

func (noFile) close() {}

// isStateDict reports whether a name is that of a file of weights.
func isStateDict(name string) bool {
	return slices.Contains([]string{".pth", ".pt", ".safetensors"}, strings.ToLower(filepath.Ext(name)))
}

// isFile reports whether a name with an extension or a folder in it is that of a file.
func isFile(name string) bool {
	if path, err := fetch.ExpandHome(name); err == nil && isPath(name) {
		info, err := os.Stat(path)
		return err == nil && info.Mode().IsRegular()
	}
	return false
}

// namedAsFile reports whether a name ends as those of files with networks do.
func namedAsFile(name string) bool {
	return slices.Contains([]string{".ckpt", ".bin", ".pkl", ".pickle", ".tar", ".th", ".model", ".weights", ".npz", ".npy", ".h5", ".hdf5", ".keras", ".tflite",
		".pb", ".gguf", ".msgpack", ".mar", ".engine", ".plan", ".mlmodel", ".mlpackage", ".onnx_data", ".pt2", ".ort", ".pte", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// isPath reports whether s is a path and not the name of a weight set.
func isPath(s string) bool {
	return strings.ContainsAny(s, `/\`) || (filepath.Ext(s) != "" && !strings.HasPrefix(filepath.Ext(s), "._"))
}

// numbered returns names for n classes without names: "class 0" and so on.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "class " + strconv.Itoa(i)
	}
	return names
}
