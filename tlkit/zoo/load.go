package zoo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// LoadOptions say which values a model is loaded with. The zero value takes the default weight set.
type LoadOptions struct {
	// Weights is the name of a weight set ("IMAGENET1K_V2"), the path of a weight file (.pth, .safetensors), or
	// "random". "" is the set that the model's name asks for ("resnet50.IMAGENET1K_V1"), or the default one. Models of
	// the Hugging Face hub have their weights in their name, and take "" only.
	Weights string
	// Classes name the logits of a weight file that was trained for other classes than the model's published weights;
	// nil means those. For a model of the Hugging Face hub nil means what its config.json says, and for an .onnx file what
	// its metadata says, else "class 0" and so on.
	Classes []string
	// Preprocess is the evaluation transform of a file of your own; nil means that of the model's published weights. An
	// .onnx file that does not say it itself (TLKit's own do) needs it: it can't be guessed.
	Preprocess *vision.Preprocess
	// Seed determines random values.
	Seed uint64
	// Context cancels a download; nil means context.Background().
	Context context.Context
}

// Random is the LoadOptions.Weights that loads no weights.
const Random = "random"

// Load returns the named model with its values. The name is one of
//
//   - a model of the zoo, optionally with a weight set: "resnet50", "resnet50.IMAGENET1K_V1". Weight files are looked up
//     in TLKIT_DATA and in the cache before they are downloaded; TLKIT_MIRROR stands in for torchvision's server.
//
//   - a timm repository of the Hugging Face hub, optionally at a revision: "hf://timm/resnet18.a1_in1k",
//     "hf://timm/resnet18.a1_in1k@main". config.json there says architecture, preprocessing, classes and licence. The
//     files are kept where Python keeps them. HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE mean what
//     they mean in Python. [TimmArchitectures] lists what can be loaded; one that is not the same network as its
//     relative in torchvision is refused.
//
//   - an .onnx file: "models/my.onnx". It becomes a model like the others: variables under the file's names, stages
//     named after PyTorch's modules where the exporter kept their names, and a new head for other classes. Images are
//     [batch, height, width, 3] here as everywhere, whatever the file's axes. A Softmax at the end is left out. Batch
//     normalisations that the exporter has folded into convolutions are gone for good; those that are there train as
//     others do. Dropout is left out. LoadOptions.Preprocess says how images are prepared. Needed are float32 weights,
//     square images of three channels and a linear output layer; an error names every operator that is not known.
//
//   - a .pth or .safetensors file that [Model.Export] wrote: "ants.safetensors", as [LoadExported] reads it. Weights of
//     other origin are loaded under the network's name, with LoadOptions.Weights.
//
// Downloads are resumed and verified, by one program at a time; TLKIT_OFFLINE forbids them.
func Load(name string, opts ...LoadOptions) (*Model, error) {
	if len(opts) > 1 {
		return nil, fmt.Errorf("zoo: Load(%q) takes at most one LoadOptions, got %d", name, len(opts))
	}
	var o LoadOptions
	if len(opts) == 1 {
		o = opts[0]
	}
	if o.Context == nil {
		o.Context = context.Background()
	}
	if o.Preprocess != nil {
		if err := o.Preprocess.Validate(); err != nil {
			return nil, fmt.Errorf("zoo: LoadOptions.Preprocess: %w", err)
		}
	}
	if strings.HasPrefix(name, hubScheme) {
		return loadHub(name, o)
	}
	if isONNX(name) {
		return loadONNX(name, o)
	}
	if isStateDict(name) {
		if o.Weights != "" || o.Classes != nil || o.Preprocess != nil {
			return nil, fmt.Errorf("zoo: %s as a name is for files that Export wrote, which say all that LoadOptions could; a network's own name takes the weights of any file: Load(\"resnet18\", LoadOptions{Weights: %q, ...})",
				name, name)
		}
		return LoadExported(name)
	}
	spec, err := Info(name)
	if err != nil {
		return nil, err
	}
	_, tag, _ := strings.Cut(name, ".")
	if o.Weights == "" {
		o.Weights = tag
	}
	if o.Weights == Random {
		return loadRandom(spec, o)
	}
	if isPath(o.Weights) {
		return loadFile(spec, o.Weights, o)
	}
	set, err := spec.WeightSet(o.Weights)
	if err != nil {
		return nil, err
	}
	if o.Preprocess != nil {
		return nil, fmt.Errorf("zoo: LoadOptions.Preprocess is for weight files of your own; the weights %s.%s come with theirs", spec.Name, set.Name)
	}
	if o.Classes != nil {
		return nil, fmt.Errorf("zoo: LoadOptions.Classes is for weight files of your own; the weights %s.%s come with their %d classes (a strategy replaces them for new images)",
			spec.Name, set.Name, len(set.Classes))
	}
	if set.Preprocess.Crop > 0 {
		spec.InputSize = set.Preprocess.Crop // a set's own, where sets differ: position embeddings fit one size only
	}
	m, err := unset(spec, set.Classes)
	if err != nil {
		return nil, err
	}
	m.Preprocess = set.Preprocess
	m.Weights = spec.Name + "." + set.Name
	sd, err := openSet(spec, set, o)
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	if err := m.LoadStateDict(sd); err != nil {
		return nil, err
	}
	return m, nil
}

// isStateDict says whether a name is that of a file of weights.
func isStateDict(name string) bool {
	return slices.Contains([]string{".pth", ".pt", ".safetensors"}, strings.ToLower(filepath.Ext(name)))
}

func isPath(s string) bool {
	return strings.ContainsAny(s, `/\`) || (filepath.Ext(s) != "" && !strings.HasPrefix(filepath.Ext(s), "._"))
}

func loadRandom(spec Spec, o LoadOptions) (*Model, error) { return New(spec, o.classes(spec), o.Seed) }

// classes are the caller's, or those of the model's published weights.
func (o LoadOptions) classes(spec Spec) []string {
	if o.Classes != nil {
		return o.Classes
	}
	if set, err := spec.WeightSet(""); err == nil {
		return set.Classes
	}
	return ImageNetClasses()
}

// loadFile loads a weight file of the caller's. Without class names of his, the file must be for the classes of the
// model's published weights.
func loadFile(spec Spec, path string, o LoadOptions) (*Model, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	sd, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	m, err := unset(spec, o.classes(spec))
	if err != nil {
		return nil, err
	}
	if n := headClasses(m, sd); n > 0 && n != len(m.Classes) {
		if o.Classes != nil {
			return nil, fmt.Errorf("zoo: %s has %d classes, but LoadOptions.Classes names %d", path, n, len(o.Classes))
		}
		return nil, fmt.Errorf("zoo: %s has %d classes, the published weights of %q have %d; name the file's classes in LoadOptions.Classes",
			path, n, spec.Name, len(m.Classes))
	}
	m.Weights = filepath.Base(path)
	if o.Preprocess != nil {
		m.Preprocess = *o.Preprocess
	}
	if err := m.LoadStateDict(sd); err != nil {
		return nil, err
	}
	return m, nil
}

// headClasses returns the number of outputs of the head in a state dict, or 0 if it does not show.
func headClasses(m *Model, sd *weights.StateDict) int {
	if t, ok := sd.Get(m.HeadKey() + ".weight"); ok && len(t.Shape) > 0 {
		return t.Shape[0]
	}
	return 0
}

//go:embed embedded
var embedded embed.FS

// openSet finds the file of a weight set: embedded, in TLKIT_DATA, in the cache, or by download.
func openSet(spec Spec, set WeightSet, o LoadOptions) (*weights.StateDict, error) {
	if data, err := embedded.ReadFile("embedded/" + set.File); set.File != "" && err == nil {
		return weights.OpenBytes(set.File, data)
	}
	name := set.File
	if set.URL != "" {
		name = set.URL[strings.LastIndexByte(set.URL, '/')+1:]
	}
	places := []string{}
	if dir := os.Getenv("TLKIT_DATA"); dir != "" {
		places = append(places, filepath.Join(dir, name))
	}
	if dir, err := fetch.CacheDir("weights"); err == nil {
		places = append(places, filepath.Join(dir, name))
	}
	for _, path := range places {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if weights.HashPrefixFromName(name) != "" {
			if err := weights.VerifyName(path); err != nil {
				return nil, err
			}
		}
		return weights.Open(path)
	}
	if set.URL == "" {
		return nil, fmt.Errorf("zoo: the weights %s of %q have no public address known to us; put the file %s into one of: %s (source: %s)",
			set.Name, spec.Name, name, strings.Join(places, ", "), set.Source)
	}
	path, err := weights.Fetch(o.Context, set.URL, weights.FetchOptions{Progress: fetch.Printer(os.Stderr, name)})
	if err != nil {
		return nil, err
	}
	return weights.Open(path)
}
