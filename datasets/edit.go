package datasets

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Without returns the data set without the images of the given names (see Split.Name), in whichever split they are, and
// without the classes that have no image left. d stays as it is. It fails if a name is not in the data set.
func (d *Dataset) Without(names ...string) (*Dataset, error) {
	drop := map[string]bool{}
	for _, n := range names {
		drop[n] = true
	}
	if err := d.known(drop); err != nil {
		return nil, err
	}
	return d.edited(func(s *Split) *Split {
		var keep []int
		for i, it := range s.items {
			if !drop[it.name] {
				keep = append(keep, i)
			}
		}
		return s.Subset(keep)
	}).edit(Edit{Without: slices.Clone(names)}), nil
}

// Relabel returns the data set with other classes for some images: classes has the class by the name of the image (see
// Split.Name). A class that has no image left goes. d and the files stay as they are. It fails if an image or a class
// is not in the data set.
func (d *Dataset) Relabel(classes map[string]string) (*Dataset, error) {
	to, named := map[string]int{}, map[string]bool{}
	for name, class := range classes {
		labels := classnames.Find(d.Classes, class)
		if len(labels) > 1 {
			return nil, fmt.Errorf("datasets: image %s can't get the class %q, which is the name of %d classes of %s; give %q or another of them by its index",
				name, class, len(labels), d.Name, classnames.Distinct(d.Classes)[labels[0]])
		}
		if len(labels) == 0 {
			return nil, fmt.Errorf("datasets: image %s can't get the class %q; %s has %s", name, class, d.Name, list(d.Classes))
		}
		to[name], named[name] = labels[0], true
	}
	if err := d.known(named); err != nil {
		return nil, err
	}
	return d.edited(func(s *Split) *Split {
		out := *s
		out.items = slices.Clone(s.items)
		before := map[string]int{}
		for i, it := range out.items {
			if label, ok := to[it.name]; ok {
				before[it.name] = it.label
				out.items[i].label = label
			}
		}
		out.read = func(it item) (*vision.Image, error) {
			if label, ok := before[it.name]; ok {
				it.label = label // a built-in image is drawn by its label
			}
			return s.read(it)
		}
		return &out
	}).edit(Edit{Relabel: maps.Clone(classes)}), nil
}

// known returns an error that names an image which is in no split.
func (d *Dataset) known(names map[string]bool) error {
	left := maps.Clone(names)
	for _, s := range d.splits() {
		for _, it := range s.split.items {
			delete(left, it.name)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("datasets: %s has no image %s; names are those of Split.Name", d.Name, list(slices.Sorted(maps.Keys(left))))
	}
	return nil
}

// edited returns the data set with each split replaced, without the classes whose images are all gone: no image would
// teach them.
func (d *Dataset) edited(change func(*Split) *Split) *Dataset {
	out := d.changed(change)
	had, has := d.counts(), out.counts()
	labels := make([]int, len(d.Classes)) // the new ones, -1 for a class that is gone
	var classes []string
	for i, c := range d.Classes {
		if labels[i] = -1; had[i] == 0 || has[i] > 0 {
			labels[i] = len(classes)
			classes = append(classes, c)
		}
	}
	if len(classes) == len(d.Classes) || len(classes) == 0 {
		return out
	}
	out = out.changed(func(s *Split) *Split { return s.renumbered(classes, labels) })
	out.Classes = classes
	return out
}

// counts returns the number of images of each class in all splits.
func (d *Dataset) counts() []int {
	sum := make([]int, len(d.Classes))
	for _, s := range d.splits() {
		for _, it := range s.split.items {
			sum[it.label]++
		}
	}
	return sum
}

// renumbered returns the split with other classes; labels are the new labels by the old ones.
func (s *Split) renumbered(classes []string, labels []int) *Split {
	out := *s
	out.classes, out.items = classes, slices.Clone(s.items)
	for i, it := range out.items {
		out.items[i].label = labels[it.label]
	}
	out.read = func(it item) (*vision.Image, error) {
		it.label = slices.Index(labels, it.label) // a built-in image is drawn by its label
		return s.read(it)
	}
	return &out
}

// changed returns the data set with each split replaced.
func (d *Dataset) changed(change func(*Split) *Split) *Dataset {
	out := *d
	out.Train, out.Val = change(d.Train), change(d.Val)
	if d.Test == d.Val {
		out.Test = out.Val
	} else if d.Test != nil {
		out.Test = change(d.Test)
	}
	return &out
}
