package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// assemble makes a data set of images whose split and class are known.
func assemble(name string, t *tree, s sorted, o Options) (*Dataset, error) {
	d := &Dataset{Name: name, Source: t.source, left: s.left}
	d.warn(t.note)
	d.mergeTwins(s.images)
	for _, e := range s.empty {
		d.warn(fmt.Sprintf("folder %q has no usable image and is no class", e))
	}
	d.warn(s.left.warning())
	if err := d.findClasses(s.images); err != nil {
		return nil, err
	}
	decoding := vision.DecodeOptions{Orient: o.Orient, Bits: d.depth(t, s.images)}
	read := t.reader(decoding)
	split := func(which string) *Split {
		out := &Split{classes: d.Classes, read: read, sums: t.sums, decoding: decoding}
		for _, m := range s.images {
			if m.split == which {
				label, _ := slices.BinarySearch(d.Classes, m.class)
				out.items = append(out.items, item{name: m.name, label: label, key: m.file})
			}
		}
		sortItems(out.items)
		return out
	}
	d.Train, d.Val = split(trainSplit), split(valSplit)
	if test := split(testSplit); test.Len() > 0 {
		d.Test = test
	}
	d.arrange(o)
	if !o.SkipCheck {
		d.warnDuplicates(t)
	}
	for _, note := range []string{d.unlabelledClasses(), d.setAsideClasses(), pairs(s.images), companionClasses(d.Classes), d.otherEncoding()} {
		d.warn(note)
	}
	return d, nil
}

// findClasses sets the classes, in order of their names.
func (d *Dataset) findClasses(images []labelled) error {
	all, trained := map[string]bool{}, map[string]bool{}
	for _, m := range images {
		all[m.class] = true
		if m.split == trainSplit {
			trained[m.class] = true
		}
	}
	d.Classes = slices.Sorted(maps.Keys(all))
	found := ""
	if len(d.Warnings) > 0 {
		found = " (" + strings.Join(d.Warnings, "; ") + ")"
	}
	var missing []string
	for _, c := range d.Classes {
		if len(trained) > 0 && !trained[c] {
			missing = append(missing, c)
		}
	}
	switch {
	case len(missing) > 0:
		have, give := "classes %s have", "give these classes images for training, or move their folders"
		if len(missing) == 1 {
			have, give = "class %s has", "give this class images for training, or move its folder"
		}
		return fmt.Errorf("datasets: %s: "+have+" images for validation or test and none for training; class names must agree between the splits%s; "+give+" out of the data%s",
			d.Source, strings.Join(missing, ", "), alike(missing, slices.Sorted(maps.Keys(trained))), found)
	case len(d.Classes) == 0:
		return fmt.Errorf("datasets: %s: no usable image with a class%s", d.Source, found)
	case len(d.Classes) == 1 && (isRole(d.Classes[0]) || partOf(d.Classes[0]) != ""):
		return fmt.Errorf("datasets: %s: only one class, %q, and that looks like no class but like the images of all: for labels in a file see FromCSV, in file names FromPattern%s", d.Source, d.Classes[0], found)
	case len(d.Classes) == 1:
		return fmt.Errorf("datasets: %s: only one class, %q; expected at least two with images%s", d.Source, d.Classes[0], found)
	}
	return d.checkEncoding()
}

// checkEncoding returns an error for two classes that become one in the files of a model, as their names differ only in
// what is no UTF-8.
func (d *Dataset) checkEncoding() error {
	if a, b, ok := classnames.OneInUTF8(d.Classes); ok {
		return fmt.Errorf("datasets: %s: the class names %q and %q are in another encoding than UTF-8, and both become %q in a model's files; rename them in UTF-8",
			d.Source, a, b, classnames.InUTF8(b))
	}
	return nil
}

// otherEncoding is a warning about classes whose names are not in UTF-8, as those of folders from other systems.
func (d *Dataset) otherEncoding() string {
	var names []string
	for _, c := range d.Classes {
		if !utf8.ValidString(c) {
			names = append(names, fmt.Sprintf("%q as %q", c, classnames.InUTF8(c)))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("the names of %d classes are in another encoding than UTF-8, and a model's files and services have them with other characters (%s); rename them in UTF-8 (convmv does it for folders)",
		len(names), list(names))
}

// reader returns the function that decodes an item of the tree.
func (t *tree) reader(opts vision.DecodeOptions) func(item) (*vision.Image, error) {
	return func(it item) (*vision.Image, error) {
		data, err := t.files[it.key].read()
		if err != nil {
			return nil, err
		}
		return vision.DecodeBytes(data, opts)
	}
}

// depth returns the number of bits that the 16-bit images of the set use: one number for all, so that no image is
// brightened more than another. It is 0 if the number is unknown or there are no such images.
func (d *Dataset) depth(t *tree, images []labelled) int {
	bits, deep := 0, 0
	example := ""
	for _, m := range images {
		v := t.all[m.file]
		if !v.Decoded {
			return 0
		}
		bits = max(bits, v.Bits)
		if v.Bits > 8 && v.Bits < 16 {
			deep++
			example = m.name
		}
	}
	if bits <= 8 {
		return 0
	}
	if bits < 16 {
		d.warn(fmt.Sprintf("%d images, such as %s, hold 16-bit values of which none in the data set needs more than %d bits: they are read as %d-bit images",
			deep, example, bits, bits))
	}
	return bits
}
