package zoo

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// registered is the source of a model of the registry, with the weight set in its name, "" for the default one.
type registered struct {
	noFile
	spec Spec
	set  string
}

// openRegistered finds "resnet50" or "resnet50.IMAGENET1K_V1" in the registry.
func openRegistered(name string) (source, error) {
	if spec, ok := lookup(name); ok { // also one with a dot in its name: "vit_b_16_eps1.5e-06"
		return registered{spec: spec}, nil
	}
	base, set, _ := strings.Cut(name, ".")
	spec, err := find(base)
	if err != nil {
		return nil, err
	}
	return registered{spec: spec, set: set}, nil
}

func (r registered) network() Spec { return r.spec }

func (r registered) choose(o LoadOptions) (*values, error) {
	o.Weights = cmp.Or(o.Weights, r.set)
	switch {
	case o.Weights == Random:
		return randomValues(r.spec, o), nil
	case isPath(o.Weights):
		return fileValues(r.spec, o)
	}
	return publishedValues(r.spec, o)
}

// randomValues returns values that fill a network at random.
func randomValues(spec Spec, o LoadOptions) *values {
	return &values{spec: spec, classes: o.classes(spec)}
}

// publishedValues returns the values of a weight set.
func publishedValues(spec Spec, o LoadOptions) (*values, error) {
	set, err := spec.WeightSet(o.Weights)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, inWorkingFolder(o.Weights))
	}
	if o.Preprocess != nil {
		return nil, fmt.Errorf("zoo: LoadOptions.Preprocess is for weight files of your own; the weights %s.%s come with theirs", spec.Name, set.Name)
	}
	if o.Classes != nil && o.Head != HeadNew {
		return nil, fmt.Errorf("zoo: LoadOptions.Classes is for weight files of your own; the weights %s.%s come with their %d classes (a strategy replaces them for new images)",
			spec.Name, set.Name, len(set.Classes))
	}
	if set.Preprocess.Crop > 0 {
		spec.InputSize = set.Preprocess.Crop // the set's own size, since sets differ: position embeddings fit one size only
	}
	return &values{
		spec: spec, classes: set.Classes, preprocess: set.Preprocess, name: spec.Name + "." + set.Name,
		open: func(ctx context.Context) (*weights.StateDict, error) { return openSet(ctx, spec.Name, set) },
	}, nil
}

// fileValues returns the values of the caller's weight file.
func fileValues(spec Spec, o LoadOptions) (*values, error) {
	path, err := fetch.ExpandHome(o.Weights)
	if err != nil {
		return nil, err
	}
	v := &values{spec: spec, classes: LoadOptions{}.classes(spec), preprocess: spec.preprocess(), name: filepath.Base(path), layouts: layoutsOf(spec)}
	if o.Preprocess != nil {
		v.preprocess = *o.Preprocess
		if spec.sizeBound() && o.Preprocess.Crop > 0 { // the file's positions are for images of that size
			v.spec.InputSize = o.Preprocess.Crop
		}
	}
	v.open = func(context.Context) (*weights.StateDict, error) {
		if weights.IsIndex(path) {
			return weights.OpenIndex(path)
		}
		sd, err := weights.OpenWith(path, weights.Options{Key: o.Key})
		return sd, ofLoad(err)
	}
	return v, nil
}

// ofLoad names the option of this package in an error about the place of the weights in a file.
func ofLoad(err error) error {
	var key *weights.KeyError
	if errors.As(err, &key) {
		key.Option = "LoadOptions.Key"
	}
	return err
}

//go:embed embedded
var embedded embed.FS

// openSet opens the file of a weight set: embedded, in TLKIT_DATA, in the cache, or downloaded.
func openSet(ctx context.Context, model string, set WeightSet) (*weights.StateDict, error) {
	if data, err := embedded.ReadFile("embedded/" + set.File); set.File != "" && err == nil {
		return weights.OpenBytes(set.File, data)
	}
	name := set.File
	if set.URL != "" {
		name = set.URL[strings.LastIndexByte(set.URL, '/')+1:]
	}
	places := weightFolders()
	for _, dir := range places {
		path := filepath.Join(dir, name)
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
			set.Name, model, name, strings.Join(places, ", "), set.Source)
	}
	path, err := weights.Fetch(ctx, set.URL, weights.FetchOptions{Progress: fetch.Printer(os.Stderr, name)})
	if err != nil {
		return nil, err
	}
	return weights.Open(path)
}

// weightFolders returns the folders in which weight files are looked up: TLKIT_DATA, the cache, and the folder that
// install.sh fills.
func weightFolders() []string {
	var dirs []string
	if dir, err := envpath.Get("TLKIT_DATA"); err == nil && dir != "" {
		dirs = append(dirs, dir)
	}
	if dir, err := fetch.CacheDir("weights"); err == nil {
		dirs = append(dirs, dir)
	}
	if dir, err := installdir.Dir(os.Getenv, "weights"); err == nil {
		dirs = append(dirs, dir)
	}
	return dirs
}
