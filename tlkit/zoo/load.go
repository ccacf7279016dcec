package zoo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// LoadOptions say which values a model is loaded with. The zero value takes the default weight set.
type LoadOptions struct {
	// Weights is the name of a weight set ("IMAGENET1K_V2"), the path of a weight file (.pth, .safetensors), or
	// "random". "" is the set that the model's name asks for ("resnet50.IMAGENET1K_V1"), or the default one.
	Weights string
	// Classes name the logits of a weight file that was trained for other classes than the model's published weights;
	// nil means those.
	Classes []string
	// Seed determines random values.
	Seed uint64
	// Context cancels a download; nil means context.Background().
	Context context.Context
}

// Random is the LoadOptions.Weights that loads no weights.
const Random = "random"

// Load returns the named model with its values. Weight files are looked up in TLKIT_DATA and in the cache before they
// are downloaded, and downloads are verified.
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
	if o.Classes != nil {
		return nil, fmt.Errorf("zoo: LoadOptions.Classes is for weight files of your own; the weights %s.%s come with their %d classes (a strategy replaces them for new images)",
			spec.Name, set.Name, len(set.Classes))
	}
	if set.Preprocess.Crop > 0 {
		spec.InputSize = set.Preprocess.Crop // a set's own, where sets differ: position embeddings fit one size only
	}
	m, err := New(spec, set.Classes, o.Seed)
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

func isPath(s string) bool {
	return strings.ContainsAny(s, `/\`) || (filepath.Ext(s) != "" && !strings.HasPrefix(filepath.Ext(s), "._"))
}

func loadRandom(spec Spec, o LoadOptions) (*Model, error) {
	classes := o.Classes
	if classes == nil {
		if set, err := spec.WeightSet(""); err == nil {
			classes = set.Classes
		} else {
			classes = ImageNetClasses()
		}
	}
	return New(spec, classes, o.Seed)
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
	m, err := loadRandom(spec, o)
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
