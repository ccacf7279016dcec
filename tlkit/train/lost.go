package train

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
)

// Images that can no longer be read when their turn comes have stand-ins, in the comparison's data set and in those in
// the fields of strategies (an old task, another domain). run.json lists them, so that a later session, which opens the
// data sets without them, goes on with the same batches.

// losses are the images that earlier sessions of a run lost.
type losses struct {
	by       map[string][]datasets.Lost              // the fingerprint of their data set
	restored map[*datasets.Dataset]*datasets.Dataset // by restore
}

// earlierLosses reads the losses of a run; there are none if there is no run.
func earlierLosses(name, path string) losses {
	all := losses{map[string][]datasets.Lost{}, map[*datasets.Dataset]*datasets.Dataset{}}
	run, err := openFolder(name, path)
	if err != nil {
		return all
	}
	for _, l := range run.Config.Lost {
		print := l.Data
		if print == "" { // of the comparison's data set
			print = run.Config.Data.Fingerprint
		}
		all.by[print] = append(all.by[print], l)
	}
	return all
}

// restore puts lost images back into their places in a data set (see Dataset.Restore), if it is one of the run's with
// them; else it returns ds.
func (all losses) restore(ds *datasets.Dataset) *datasets.Dataset {
	if all.restored[ds] == nil {
		all.restored[ds] = ds
		for print, lost := range all.by {
			with := ds.Restore(lost)
			if same, _ := with.Matches(print); same {
				all.restored[ds] = with
			}
		}
	}
	return all.restored[ds]
}

// of returns the losses that stay in run.json: those of a comparison on ds and of all strategies, but not those of
// other images that the run was made with before.
func (all losses) of(ds *datasets.Dataset) []datasets.Lost {
	var kept []datasets.Lost
	for print, lost := range all.by {
		same, _ := ds.Matches(print)
		for _, l := range lost {
			if same || l.Data != "" {
				kept = append(kept, l)
			}
		}
	}
	slices.SortFunc(kept, func(a, b datasets.Lost) int {
		return slices.Compare([]string{a.Data, a.Split, a.Name}, []string{b.Data, b.Split, b.Name})
	})
	return kept
}

// tolerate returns a data set of a strategy with stand-ins for images that can no longer be read, the same one for all
// strategies.
func (c *comparison) tolerate(ds *datasets.Dataset) *datasets.Dataset {
	if c.tolerant[ds] == nil {
		print := ds.Fingerprint()
		c.tolerant[ds] = ds.Tolerant(func(l datasets.Lost) {
			l.Data = print
			c.lost(l)
		})
	}
	return c.tolerant[ds]
}

// lost records an image that can no longer be read and was replaced by a stand-in.
func (c *comparison) lost(l datasets.Lost) {
	c.losing.Lock()
	defer c.losing.Unlock()
	c.run.warn("%s", l)
	fmt.Fprintln(os.Stderr, c.run.Warnings[len(c.run.Warnings)-1])
	if slices.ContainsFunc(c.run.Config.Lost, func(o datasets.Lost) bool { return o.Data == l.Data && o.Split == l.Split && o.Name == l.Name }) {
		return
	}
	c.run.Config.Lost = append(c.run.Config.Lost, l)
	if c.run.Dir != "" { // FindLR keeps nothing
		if err := writeJSON(filepath.Join(c.run.Dir, "run.json"), c.run.Config); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// DataOf returns the data sets in the fields of a strategy, in the order of the fields.
func DataOf(s Strategy) []*datasets.Dataset {
	var all []*datasets.Dataset
	WithData(s, func(ds *datasets.Dataset) *datasets.Dataset {
		all = append(all, ds)
		return ds
	})
	return all
}

// WithData returns the strategy with the data sets in its fields changed, in the order of the fields. It is a copy if
// one changes.
func WithData(s Strategy, change func(*datasets.Dataset) *datasets.Dataset) Strategy {
	v := reflect.ValueOf(s)
	pointer := v.Kind() == reflect.Pointer
	if pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return s
	}
	changed := reflect.New(v.Type())
	changed.Elem().Set(v)
	differ := false
	for i := range v.NumField() {
		f := changed.Elem().Field(i)
		if !f.CanInterface() {
			continue
		}
		if ds, ok := f.Interface().(*datasets.Dataset); ok && ds != nil {
			if now := change(ds); now != ds {
				f.Set(reflect.ValueOf(now))
				differ = true
			}
		}
	}
	switch {
	case !differ:
		return s
	case pointer:
		return changed.Interface().(Strategy)
	}
	return changed.Elem().Interface().(Strategy)
}
