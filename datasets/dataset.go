package datasets

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Dataset is a set of labelled images, split for training, validation and possibly a final test.
type Dataset struct {
	Name    string   // as in List, or the folder's name
	Classes []string // sorted by name; a label is an index into it
	Train   *Split   // never nil
	Val     *Split   // never nil; evaluated during training
	Test    *Split   // nil when there is none
	Source  string   // the folder, zip file or generator that the images come from
	// Warnings describe what is unusual in the data and how it was handled, one sentence each: files left out (Report
	// lists them), a class that is missing in a split, images that are in two splits. Show them to the user.
	Warnings []string

	left   Report
	origin *Origin
}

// NumClasses returns len(d.Classes).
func (d *Dataset) NumClasses() int { return len(d.Classes) }

// String is one line, such as: hymenoptera: 2 classes (ants, bees), 244 train, 153 val.
func (d *Dataset) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d classes (", d.Name, len(d.Classes))
	if len(d.Classes) <= 6 {
		b.WriteString(strings.Join(d.Classes, ", "))
	} else {
		fmt.Fprintf(&b, "%s, ..., %s", strings.Join(d.Classes[:4], ", "), d.Classes[len(d.Classes)-1])
	}
	fmt.Fprintf(&b, "), %d train, %d val", d.Train.Len(), d.Val.Len())
	if d.Test != nil && d.Test != d.Val {
		fmt.Fprintf(&b, ", %d test", d.Test.Len())
	}
	return b.String()
}

// Split is an ordered list of labelled images. Its methods may be called by several goroutines at once.
type Split struct {
	classes []string
	items   []item
	read    func(item) (*vision.Image, error)
	// sums returns the contents of the items with these keys, in order; nil where the names identify the images.
	sums func(keys []int) []content
	// decoding says how files become pixels.
	decoding vision.DecodeOptions
}

// item is one image: its stable name, its label, and its place in the source.
type item struct {
	name  string
	label int
	key   int
}

// Classes returns the names of the classes, in the order of the labels.
func (s *Split) Classes() []string { return s.classes }

// Decoding returns the options that image files are decoded with: whether they are turned upright (Options.Orient), and
// the one number of bits that all 16-bit images are read with.
func (s *Split) Decoding() vision.DecodeOptions { return s.decoding }

// Len returns the number of images: 0 for a nil split, as Dataset.Test is of data without one.
func (s *Split) Len() int {
	if s == nil {
		return 0
	}
	return len(s.items)
}

// Label returns the class of image i, an index into Dataset.Classes.
func (s *Split) Label(i int) int { return s.items[i].label }

// Labels returns all labels in order.
func (s *Split) Labels() []int {
	out := make([]int, len(s.items))
	for i, it := range s.items {
		out[i] = it.label
	}
	return out
}

// Name returns the name of image i, unique in its data set and the same on every machine: for files the path from the
// root of the data, with slashes.
func (s *Split) Name(i int) string { return s.items[i].name }

// Image decodes image i. For a broken file it returns a *BrokenImageError.
func (s *Split) Image(i int) (*vision.Image, error) {
	m, err := s.read(s.items[i])
	if err != nil {
		return nil, &BrokenImageError{Name: s.items[i].name, Err: err}
	}
	return m, nil
}

// BrokenImageError names an image that could not be read. Training may leave it out and go on.
type BrokenImageError struct {
	Name string // of the image, as Split.Name gives it
	Err  error  // why
}

func (e *BrokenImageError) Error() string {
	return fmt.Sprintf("datasets: image %s can't be used: %v", e.Name, e.Err)
}

func (e *BrokenImageError) Unwrap() error { return e.Err }

// Counts returns the number of images per class; nil for a nil split.
func (s *Split) Counts() []int {
	if s == nil {
		return nil
	}
	counts := make([]int, len(s.classes))
	for _, it := range s.items {
		counts[it.label]++
	}
	return counts
}

// Subset returns the images at the given indices, in that order. It panics when an index is out of range.
func (s *Split) Subset(idx []int) *Split {
	items := make([]item, len(idx))
	for k, i := range idx {
		items[k] = s.items[i]
	}
	return &Split{classes: s.classes, items: items, read: s.read, sums: s.sums, decoding: s.decoding}
}

// FirstPerClass returns the first n images of each class, in their order; all for n <= 0.
func (s *Split) FirstPerClass(n int) *Split {
	if n <= 0 {
		return s
	}
	seen := make([]int, len(s.classes))
	var idx []int
	for i, it := range s.items {
		if seen[it.label] < n {
			seen[it.label]++
			idx = append(idx, i)
		}
	}
	return s.Subset(idx)
}

// NewSplit makes a split of images from outside this package: parallel names and labels (0 to classes-1), and a
// function, safe for concurrent use, that returns image i. Its classes are called "0", "1" and so on until WithClasses
// names them. A panic of the function is an error of its image. A stored run identifies such images by their names
// alone. For files with your own labels see FromSamples.
func NewSplit(classes int, names []string, labels []int, image func(i int) (*vision.Image, error)) (*Split, error) {
	if len(names) != len(labels) || image == nil {
		return nil, fmt.Errorf("datasets: NewSplit got %d names and %d labels; expected as many, and a function", len(names), len(labels))
	}
	s := &Split{items: make([]item, len(names)), read: func(it item) (*vision.Image, error) { return drawn(image, it) }}
	for c := range classes {
		s.classes = append(s.classes, strconv.Itoa(c))
	}
	for i := range names {
		if labels[i] < 0 || labels[i] >= classes {
			return nil, fmt.Errorf("datasets: image %s has label %d; expected 0 to %d", names[i], labels[i], classes-1)
		}
		s.items[i] = item{name: names[i], label: labels[i], key: i}
	}
	return s, nil
}

// drawn calls the function of NewSplit. A training calls it from goroutines of its own, whose panic would end the
// program: in a notebook, all variables would be lost.
func drawn(image func(i int) (*vision.Image, error), it item) (m *vision.Image, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("datasets: the function of NewSplit panicked for image %d (%s): %v", it.key, it.name, v)
		}
	}()
	m, err = image(it.key)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, errors.New("the function of NewSplit returned no image and no error")
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("the function of NewSplit returned a wrong image: %w", err)
	}
	return m, nil
}

// WithClasses returns the split with names for its classes, in the order of the labels. It panics unless there is one
// name per class.
func (s *Split) WithClasses(names []string) *Split {
	if len(names) != len(s.classes) {
		panic(fmt.Sprintf("datasets: %d names for a split of %d classes", len(names), len(s.classes)))
	}
	named := *s
	named.classes = names
	return &named
}

// Options set where data is read from and how it is split. The zero value is the default.
type Options struct {
	// Dir is a folder or a zip file to read in place of the usual ones. "~/" is expanded.
	Dir string
	// URL is a zip file to download in place of the usual one, SHA256 its digest (or the first 8 or more digits; empty:
	// not verified).
	URL    string
	SHA256 string
	// ValFraction is the share of the training images that becomes the validation split when the data has none; 0 means
	// 0.2, a negative number means no split: the test split, if any, serves as validation.
	ValFraction float64
	// Seed decides that split; for the built-in sets it also decides the images.
	Seed uint64
	// PerClass limits the training images of each class, first by name; 0 means all. It leaves the validation split as
	// it is.
	PerClass int
	// Train, Val and Test name the folder of each split where ImageFolder can't tell, as a path from the root of the
	// data: "fold1"; "*/fold1" where each class's folder has one; "." where all folders are classes. If it holds only
	// one folder, which holds the classes, that folder is read. Folders that none of the three names are left out. For
	// FromPattern "." means all images. Of a list with splits (SplitColumn, Sample.Split, {split} in a pattern) they
	// name the words for the split, several joined by commas: Val: "0" of folds 0 to 4. Other words than train, val and
	// test are then for training, or left out if Train is given.
	Train, Val, Test string
	// SplitColumn is the column of FromCSV's file that holds train, val or test, or, as is_valid, true for validation
	// and false for training; "": all images are for training.
	SplitColumn string
	// Orient rotates and flips images upright according to their orientation in EXIF or else XMP. torchvision's
	// ImageFolder doesn't, so the zero value gives the same pixels as torchvision.
	Orient bool
	// SkipCheck leaves out the reading and decoding of every image at the first load (see ImageFolder).
	SkipCheck bool
	// Progress is where the progress of a download is written, a line every few seconds; nil means standard error.
	Progress io.Writer `json:"-"`
}

func (o Options) validate(name string) error {
	if !(o.ValFraction < 1) { // NaN too
		return fmt.Errorf("datasets: %s: Options.ValFraction is %g; expected less than 1", name, o.ValFraction)
	}
	if o.PerClass < 0 {
		return fmt.Errorf("datasets: %s: Options.PerClass is %d; expected 0 (all) or a number of images", name, o.PerClass)
	}
	return nil
}

// ImageFolderOptions are the Options of ImageFolder.
type ImageFolderOptions = Options

// one returns the Options given, validated, or the zero value if there are none.
func one(name string, opts []Options) (Options, error) {
	switch len(opts) {
	case 0:
		return Options{}, nil
	case 1:
		return opts[0], opts[0].validate(name)
	}
	return Options{}, fmt.Errorf("datasets: %s: %d Options given; expected at most one", name, len(opts))
}

// sortItems orders by label and then by name, as torchvision's ImageFolder does.
func sortItems(items []item) {
	slices.SortFunc(items, func(a, b item) int {
		if a.label != b.label {
			return a.label - b.label
		}
		return strings.Compare(a.name, b.name)
	})
}
