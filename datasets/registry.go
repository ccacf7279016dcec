package datasets

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// Info describes a data set without loading it.
type Info struct {
	Name        string   // the argument of Load
	Description string   // one sentence
	Classes     []string // sorted; a label is an index into it
	Train, Val  int      // images; Val is 0 where it is split from Train
	Test        int      // images, 0: none
	ImageSize   string   // such as "32 x 32", or "about 500 x 375"
	Licence     string   // of the images, as their publisher states it
	Source      string   // who made it and where it comes from
	Bytes       int64    // of the download; 0: built in, or no download is known
}

// Spec is an entry of the registry.
type Spec struct {
	Info
	// Load returns the data set; opts are valid.
	Load func(opts Options) (*Dataset, error)
}

// registry is filled by this package's variable declarations and by Register.
var registry = func() map[string]Spec {
	m := map[string]Spec{}
	for _, s := range []Spec{hymenoptera, cifar10, shapes, sketches} {
		m[s.Name] = s
	}
	return m
}()

// builtIn are the names that every process knows.
var builtIn = func() map[string]bool {
	m := map[string]bool{}
	for name := range registry {
		m[name] = true
	}
	return m
}()

// Register adds a data set, which Load then finds by its name. It panics when the name is empty or taken, or Load is
// nil; call it from init or before the first Load.
func Register(s Spec) {
	if s.Name == "" || s.Load == nil {
		panic("datasets: Register needs a name and a Load function")
	}
	if _, ok := registry[s.Name]; ok {
		panic(fmt.Sprintf("datasets: %q is registered twice", s.Name))
	}
	registry[s.Name] = s
}

// List describes all registered data sets, sorted by name.
func List() []Info {
	var out []Info
	for _, name := range slices.Sorted(maps.Keys(registry)) {
		out = append(out, registry[name].Info)
	}
	return out
}

// Load returns the data set of that name; see List. A path of a folder or zip file is loaded as ImageFolder does.
// At most one Options may be given.
func Load(name string, opts ...Options) (*Dataset, error) {
	o, err := one(name, opts)
	if err != nil {
		return nil, err
	}
	if s, ok := registry[name]; ok {
		d, err := s.Load(o)
		if err != nil {
			return nil, err
		}
		d.Name = name
		if !builtIn[name] {
			d.origin = nil // another process does not know the loader
			return d, nil
		}
		return d.from("Load", o, name), nil
	}
	if path, err := fetch.ExpandHome(name); err == nil && name != "" {
		if _, err := os.Stat(path); err == nil {
			return ImageFolder(path, o)
		}
	}
	hint := ""
	if near := nearest.Name(name, slices.Sorted(maps.Keys(registry))); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return nil, fmt.Errorf("datasets: unknown data set %q, and no folder or zip file of that name; %sknown are %s",
		name, hint, strings.Join(slices.Sorted(maps.Keys(registry)), ", "))
}

// The Must forms, for notebook cells: each function of this package that loads a data set has one, which panics instead
// of returning an error.

// MustLoad is [Load] that panics on an error.
func MustLoad(name string, opts ...Options) *Dataset { return must(Load(name, opts...)) }

// MustImageFolder is [ImageFolder] that panics on an error.
func MustImageFolder(dir string, opts ...Options) *Dataset { return must(ImageFolder(dir, opts...)) }

// MustFromCSV is [FromCSV] that panics on an error.
func MustFromCSV(path, imageColumn, labelColumn string, opts ...Options) *Dataset {
	return must(FromCSV(path, imageColumn, labelColumn, opts...))
}

// MustFromPattern is [FromPattern] that panics on an error.
func MustFromPattern(dir, pattern string, opts ...Options) *Dataset {
	return must(FromPattern(dir, pattern, opts...))
}

// MustFromSamples is [FromSamples] that panics on an error.
func MustFromSamples(name string, samples []Sample, opts ...Options) *Dataset {
	return must(FromSamples(name, samples, opts...))
}

func must(d *Dataset, err error) *Dataset {
	if err != nil {
		panic(err)
	}
	return d
}
