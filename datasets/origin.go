package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Origin is the call by which a data set was loaded. It can be written as JSON, so that another process loads the same
// data set: see [Dataset.Origin].
type Origin struct {
	// Func is "Load", "ImageFolder", "FromCSV", "FromPattern" or "FromSamples", and Args are its arguments before the
	// options; relative paths are relative to the working folder of the call.
	Func string
	Args []string
	// Samples are those of FromSamples.
	Samples []Sample `json:",omitempty"`
	// Options are the call's; Progress is not kept.
	Options Options
	// Edits are what was changed afterwards, in order.
	Edits []Edit `json:",omitempty"`
}

// Edit is one call of [Dataset.Without] or [Dataset.Relabel], with its argument.
type Edit struct {
	Without []string          `json:",omitempty"`
	Relabel map[string]string `json:",omitempty"`
}

// Origin returns the call by which the data set was loaded. ok is false where another process can't repeat it: the data
// set was made from splits or by a loader of your own (see [Register]). The splits may have been changed since; compare
// fingerprints.
func (d *Dataset) Origin() (o Origin, ok bool) {
	if d.origin == nil {
		return Origin{}, false
	}
	return *d.origin, true
}

// Open repeats the call and the edits.
func (o Origin) Open() (*Dataset, error) {
	d, err := o.load()
	for _, e := range o.Edits {
		if err != nil {
			return nil, err
		}
		if e.Relabel != nil {
			d, err = d.Relabel(e.Relabel)
		} else {
			d, err = d.Without(e.Without...)
		}
	}
	return d, err
}

// In returns the origin with its relative paths taken from a folder, such as the working folder of the call, where
// there is something at that place.
func (o Origin) In(folder string) Origin {
	within := func(path string) string {
		if path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, "~") {
			return path
		}
		if joined := filepath.Join(folder, path); exists(joined) {
			return joined
		}
		return path
	}
	if o.takesPath() {
		o.Args = slices.Clone(o.Args)
		o.Args[0] = within(o.Args[0])
	}
	o.Options.Dir = within(o.Options.Dir)
	return o
}

// At returns the origin for data that are at another place now: path is the folder, the zip file or the table
// in place of the call's.
func (o Origin) At(path string) Origin {
	if !o.takesPath() {
		o.Options.Dir = path
		return o
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() && o.Func == "FromCSV" {
		path = filepath.Join(path, filepath.Base(o.Args[0]))
	}
	o.Args = slices.Clone(o.Args)
	o.Args[0] = path
	return o
}

// takesPath reports whether the first argument of the call is a path, and not a name.
func (o Origin) takesPath() bool {
	return len(o.Args) > 0 && slices.Contains([]string{"ImageFolder", "FromCSV", "FromPattern"}, o.Func)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (o Origin) load() (*Dataset, error) {
	arguments := map[string]int{"Load": 1, "ImageFolder": 1, "FromCSV": 3, "FromPattern": 2, "FromSamples": 1}
	if n, ok := arguments[o.Func]; !ok || len(o.Args) != n {
		return nil, fmt.Errorf("datasets: an origin with the function %q and %d arguments; expected Load, ImageFolder, FromCSV, FromPattern or FromSamples with theirs", o.Func, len(o.Args))
	}
	switch o.Func {
	case "Load":
		return Load(o.Args[0], o.Options)
	case "ImageFolder":
		return ImageFolder(o.Args[0], o.Options)
	case "FromCSV":
		return FromCSV(o.Args[0], o.Args[1], o.Args[2], o.Options)
	case "FromPattern":
		return FromPattern(o.Args[0], o.Args[1], o.Options)
	}
	return FromSamples(o.Args[0], o.Samples, o.Options)
}

// from records the call that made the data set.
func (d *Dataset) from(fn string, o Options, args ...string) *Dataset {
	if d != nil {
		o.Progress = nil
		d.origin = &Origin{Func: fn, Args: slices.Clone(args), Options: o}
	}
	return d
}

// edit records a change of the data set.
func (d *Dataset) edit(e Edit) *Dataset {
	if d.origin != nil {
		o := *d.origin
		o.Edits = append(slices.Clip(o.Edits), e)
		d.origin = &o
	}
	return d
}
