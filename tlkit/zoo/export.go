package zoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/read"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Exported describes an exported model. It is the content of the file FILE.json beside an exported FILE, and, as the
// value of the key "tlkit", of the metadata in .safetensors and .onnx files. Its JSON keys are given below.
type Exported struct {
	// Format is "tlkit-model-1".
	Format string `json:"format"`
	// Model is the architecture, by its name in the zoo (torchvision's), and Weights where the values come from.
	Model   string `json:"model"`
	Weights string `json:"weights"`
	// Classes are the names of the logits, in order.
	Classes []string `json:"classes"`
	// Preprocess is the preparation of an image: resize (the shorter side, in pixels, or with squash both), crop (of
	// the middle, a square), interpolation ("bilinear", "bicubic"), then values in [0, 1], less mean, over std, per
	// channel.
	Preprocess vision.Preprocess `json:"preprocess"`
	// Calibration, if the model has one: the logits are to be divided by temperature, and a probability below threshold
	// is too uncertain for the wanted precision. The output of an .onnx file is not divided.
	Calibration *Calibration `json:"calibration,omitempty"`
	// Bits is the number of bits, 8 to 16, that 16-bit image files are read with; absent: what each image needs.
	Bits int `json:"bits,omitempty"`
	// InputSize is the height and width that the network was built for.
	InputSize int `json:"input_size"`
	// Imported marks a network that only an exported .onnx file holds: it came from one, is stored in int8, or was
	// exported with ExportOptions.Graph.
	Imported bool `json:"imported,omitempty"`
	// Input and Output name those of an ONNX model: images [batch, 3, height, width] and logits [batch, classes],
	// float32.
	Input  string `json:"input,omitempty"`
	Output string `json:"output,omitempty"`
}

const (
	exportFormat = "tlkit-model-1"
	exportKey    = "tlkit"
)

// Export writes the model to a file that other programs read, in the format that the name ends in:
//
//   - .pth: a PyTorch state dict with torchvision's keys, or timm's for the families beit, clip, convnextv2, deit,
//     eva02, mobilevit and siglip; load_state_dict(torch.load(path)) accepts it in its strict mode.
//   - .safetensors: the same tensors for safetensors.torch.load_file and others.
//   - .onnx: the whole network, for ONNX Runtime and others. Its input "images" is [batch, 3, height, width] float32,
//     normalised as torchvision does; its output "logits" is [batch, classes].
//
// Class names and preprocessing are written beside it, to path + ".json", and into the metadata of .safetensors and
// .onnx files; see [Exported] and docs/export.md. [LoadExported] reads all three. A file appears whole or not at all,
// and an older one is replaced.
func (m *Model) Export(path string) error {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return err
	}
	return m.export(path, func(metadata map[string]string) error { return m.write(path, metadata) }, false)
}

// write writes a file of the format that its name ends in.
func (m *Model) write(path string, metadata map[string]string) error {
	if isONNX(path) {
		return m.writeONNX(path, metadata)
	}
	entries, err := m.fileEntries()
	if err != nil {
		return err
	}
	return m.writeEntries(path, entries, metadata)
}

// fileEntries are those of StateDict as PyTorch's own network has them.
func (m *Model) fileEntries() ([]weights.Entry, error) {
	entries, err := m.StateDict()
	if err != nil || m.Spec.written == nil {
		return entries, err
	}
	return m.Spec.written(entries)
}

// writeEntries writes a state dict as a .safetensors or .pth file.
func (m *Model) writeEntries(path string, entries []weights.Entry, metadata map[string]string) error {
	if strings.EqualFold(filepath.Ext(path), ".safetensors") {
		metadata["format"] = "pt" // Hugging Face's libraries look for it
		return weights.WriteSafetensors(path, entries, metadata)
	}
	return weights.WriteVersionedPTH(path, entries, m.Spec.Version)
}

// export writes a file with write, and the description of the model beside it. graph says that only the file's graph
// holds the network.
func (m *Model) export(path string, write func(metadata map[string]string) error, graph bool) error {
	if kind := strings.ToLower(filepath.Ext(path)); !slices.Contains([]string{".pth", ".pt", ".safetensors", ".onnx"}, kind) {
		return fmt.Errorf("zoo: exporting %q to %s: the name must end in .pth, .safetensors or .onnx", m.Spec.Name, path)
	}
	if a, b, ok := classnames.OneInUTF8(m.Classes); ok {
		return fmt.Errorf("zoo: exporting %q: the class names %q and %q are no UTF-8, and both become %q in the file; give them names in UTF-8 (Model.Classes)",
			m.Spec.Name, a, b, classnames.InUTF8(b))
	}
	e := Exported{Format: exportFormat, Model: m.Spec.Name, Weights: m.Weights, Classes: m.Classes, Preprocess: m.Preprocess,
		InputSize: m.Spec.InputSize, Bits: m.Bits, Imported: graph || m.Spec.Graph != nil}
	if m.Calibration != (Calibration{}) {
		e.Calibration = &m.Calibration
	}
	if isONNX(path) {
		e.Input, e.Output = ONNXInput, ONNXOutput
	}
	about, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("zoo: exporting %q: %w", m.Spec.Name, err)
	}
	// Classes and preprocessing are written again under keys of their own, since Load reads them there.
	classes, err := json.Marshal(e.Classes)
	if err != nil {
		return fmt.Errorf("zoo: exporting %q: %w", m.Spec.Name, err)
	}
	preprocess, err := json.Marshal(e.Preprocess)
	if err != nil {
		return fmt.Errorf("zoo: exporting %q: %w", m.Spec.Name, err)
	}
	if err := write(map[string]string{exportKey: string(about), MetadataClasses: string(classes), MetadataPreprocess: string(preprocess)}); err != nil {
		return err
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = weights.WriteFile(path+".json", append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("zoo: exporting %q: the description of the model: %w", m.Spec.Name, err)
	}
	return nil
}

// exported is the source of a file that [Model.Export] wrote.
type exported struct {
	path  string
	sd    *weights.StateDict
	spec  Spec
	about Exported
}

// openExported opens an exported file and reads its description of the model; graph is as for [resolve].
func openExported(path string, graph read.Options) (source, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	open := weights.Open
	if isONNX(path) {
		open = weights.OpenONNX
	}
	sd, err := open(path)
	var foreign *weights.ForeignError
	if errors.As(err, &foreign) && foreign.ONNX {
		return openONNX(path, graph)
	}
	if err != nil {
		return nil, ofLoad(err)
	}
	about, err := describe(path, sd)
	if err != nil {
		sd.Close()
		return nil, err
	}
	return describedBy(path, sd, about, func() (source, error) { return openONNX(path, graph) })
}

// exportedIn is openExported for a file in memory.
func exportedIn(name string, data []byte) (source, error) {
	open := weights.OpenBytes
	if isONNX(name) {
		open = weights.OpenONNXBytes
	}
	sd, err := open(name, data)
	if err != nil {
		return nil, err
	}
	if sd.Metadata[exportKey] == "" {
		return nil, fmt.Errorf("zoo: nothing in %s says what model it is: there is no key %q in its metadata; export it with Model.Export to .safetensors or .onnx", name, exportKey)
	}
	about, err := describe(name, sd)
	if err != nil {
		return nil, err
	}
	return describedBy(name, sd, about, func() (source, error) { return parseONNX(name, data) })
}

// describedBy finds the network of an exported file, and closes sd if there is none. graph reads the network of an
// .onnx file: only such a file holds a network that came from one.
func describedBy(path string, sd *weights.StateDict, about Exported, graph func() (source, error)) (source, error) {
	switch {
	case about.Imported && isONNX(path):
		sd.Close()
		s, err := graph()
		if f, ok := s.(*onnxFile); ok {
			f.calibration, f.bits, f.spec.Name, f.weights = about.calibration(), about.Bits, about.Model, about.Weights
		}
		return s, err
	case about.Imported:
		sd.Close()
		return nil, fmt.Errorf("zoo: %s has the weights of a network that was imported from an .onnx file, which is not in it; export the model to .onnx", path)
	}
	spec, err := find(about.Model)
	if err != nil {
		sd.Close()
		return nil, fmt.Errorf("zoo: %s is of a model that this program does not know: %w", path, err)
	}
	spec.InputSize = about.InputSize
	return &exported{path: path, sd: sd, spec: spec, about: about}, nil
}

func (e *exported) network() Spec { return e.spec }

func (e *exported) close() { e.sd.Close() }

func (e *exported) choose(o LoadOptions) (*values, error) {
	if o.Weights != "" || o.Classes != nil || o.Preprocess != nil {
		return nil, fmt.Errorf("zoo: %s as a name is for files that Export wrote, which say all that LoadOptions could; a network's own name takes the weights of any file: Load(\"resnet18\", LoadOptions{Weights: %q, ...})",
			e.path, e.path)
	}
	return &values{
		spec: e.spec, classes: e.about.Classes, preprocess: e.about.Preprocess, name: e.about.Weights,
		calibration: e.about.calibration(), bits: e.about.Bits,
		open:  func(context.Context) (*weights.StateDict, error) { return e.sd, nil },
		adapt: e.adapt,
	}, nil
}

// adapt completes the weights of an .onnx file, which has no auxiliary heads, and leaves out the constants that the
// exporter made from the graph's own numbers.
func (e *exported) adapt(m *Model, sd *weights.StateDict) (*weights.StateDict, error) {
	if !isONNX(e.path) {
		return sd, nil
	}
	own, err := sd.With(slices.DeleteFunc(sd.Entries(), func(e weights.Entry) bool {
		_, known := m.Param(e.Key)
		return !known && strings.HasPrefix(e.Key, "constant")
	}))
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	return m.completed(own, 0, m.inAux)
}

// calibration returns the model's calibration; the zero value if it has none.
func (e Exported) calibration() Calibration {
	if e.Calibration == nil {
		return Calibration{}
	}
	return *e.Calibration
}

// describe reads the description of a model that Export wrote.
func describe(path string, sd *weights.StateDict) (e Exported, err error) {
	about, from := []byte(sd.Metadata[exportKey]), path
	if len(about) == 0 {
		from = path + ".json"
		if about, err = os.ReadFile(from); errors.Is(err, fs.ErrNotExist) {
			return e, fmt.Errorf("zoo: nothing says what model %s is: there is no key %q in its metadata, and no %s beside it; export it with Model.Export, or load it with tlkit.LoadOptions{Weights: %q} under its model's name",
				path, exportKey, filepath.Base(from), path)
		} else if err != nil {
			return e, fmt.Errorf("zoo: the description of %s: %w", path, err)
		}
	}
	if err := json.Unmarshal(about, &e); err != nil {
		return e, fmt.Errorf("zoo: the description of the model in %s: %w", from, err)
	}
	switch {
	case e.Format != exportFormat:
		return e, fmt.Errorf("zoo: the description of the model in %s has format %q, this program reads %q", from, e.Format, exportFormat)
	case len(e.Classes) == 0 || e.Model == "":
		return e, fmt.Errorf("zoo: the description of the model in %s names model %q with %d classes; expected a name and one class at least", from, e.Model, len(e.Classes))
	case e.InputSize < 1 || e.InputSize > 1<<14:
		return e, fmt.Errorf("zoo: the description of the model in %s has input_size %d; expected a number of pixels", from, e.InputSize)
	}
	if err := errors.Join(e.Preprocess.Validate(), e.calibration().Validate()); err != nil {
		return e, fmt.Errorf("zoo: the description of the model in %s: %w", from, err)
	}
	return e, nil
}

// inAux reports whether p belongs to an auxiliary head.
func (m *Model) inAux(p nn.Param) bool {
	return slices.ContainsFunc(m.arch.Aux, func(a AuxHead) bool { return strings.HasPrefix(p.Key, a.Key+".") })
}
