package datasets

import (
	"fmt"
	"hash/fnv"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// splitNames are the folder names that mean a split, in lower case.
var splitNames = map[string]string{
	"train": "train", "training": "train",
	"val": "val", "valid": "val", "validation": "val",
	"test": "test", "testing": "test",
}

// ImageFolder loads a folder or a zip file (read in place) that has one folder of images per class, either directly or
// below train/ and val/ (or valid/, validation/) and test/; a single folder around all of that is passed through. The
// classes are the folders' names, sorted, and the images are sorted by name, as in torchvision. Without a validation
// folder, Options.ValFraction of each class's training images are taken, chosen by Options.Seed and the file names.
//
// Images are JPEG, PNG, GIF, BMP and WebP, told by content. Other and broken files are left out, counted and named in one
// of the Warnings. To know them, every image is decoded once, in parallel, and the result is remembered in the cache
// folder until a file changes; with Options.SkipCheck, and for more than 20,000 files or 512 MB, only the headers are
// read, and a broken image shows when Split.Image is called.
//
// Errors: nothing there, no or only one class, a class without training images.
func ImageFolder(dir string, opts ...Options) (*Dataset, error) {
	o, err := one("ImageFolder", opts)
	if err != nil {
		return nil, err
	}
	return imageFolder(dir, o)
}

func imageFolder(dir string, o Options) (*Dataset, error) {
	dir, err := fetch.ExpandHome(dir)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	t, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	root, err := t.findRoot()
	if err != nil {
		return nil, err
	}
	b := builder{tree: t, root: root, name: strings.TrimSuffix(filepath.Base(dir), ".zip"), o: o}
	return b.build()
}

// findRoot descends through single folders to the one that holds the splits or the classes.
func (t *tree) findRoot() (string, error) {
	root := ""
	for {
		dirs, files := t.children(root)
		if len(dirs) == 0 {
			if len(t.files) == 0 {
				return "", fmt.Errorf("datasets: %s is empty; expected one folder of images per class, or train/ and val/ with such folders", t.source)
			}
			return "", fmt.Errorf("datasets: %s has files but no folders; expected one folder of images per class, or train/ and val/ with such folders", path.Join(t.source, root))
		}
		if len(dirs) > 1 || files || splitNames[strings.ToLower(dirs[0])] != "" {
			return root, nil
		}
		below := path.Join(root, dirs[0])
		if inner, files := t.children(below); len(inner) == 0 || files {
			return root, nil // a single class, which build will refuse with its name
		}
		root = below
	}
}

// builder turns a listed tree into a Dataset.
type builder struct {
	tree *tree
	root string
	name string
	o    Options
	// skipped are the files left out, with the reason.
	skipped []string
}

// place says which split and class a file belongs to; ok is false for files beside the class folders.
func (b *builder) place(p string, splits map[string]string) (split, class string, ok bool) {
	rel := p
	if b.root != "" {
		if rel, ok = strings.CutPrefix(p, b.root+"/"); !ok {
			return "", "", false
		}
	}
	split = "train"
	if len(splits) > 0 {
		first, rest, _ := strings.Cut(rel, "/")
		if split = splits[first]; split == "" {
			return "", "", false
		}
		rel = rest
	}
	class, rest, found := strings.Cut(rel, "/")
	return split, class, found && rest != ""
}

func (b *builder) build() (*Dataset, error) {
	dirs, _ := b.tree.children(b.root)
	splits := map[string]string{} // folder name to split
	var classDirs []string
	for _, d := range dirs {
		if s := splitNames[strings.ToLower(d)]; s != "" {
			for other, os := range splits {
				if os == s {
					return nil, fmt.Errorf("datasets: %s has both %s/ and %s/; expected one folder per split", b.tree.source, other, d)
				}
			}
			splits[d] = s
		}
	}
	var warnings []string
	if len(splits) > 0 {
		seen := map[string]bool{}
		for _, d := range dirs {
			if splits[d] == "" {
				continue
			}
			inner, _ := b.tree.children(path.Join(b.root, d))
			for _, c := range inner {
				if !seen[c] {
					seen[c] = true
					classDirs = append(classDirs, c)
				}
			}
		}
		slices.Sort(classDirs)
	} else {
		classDirs = dirs
	}

	verdict := b.tree.check(b.o.SkipCheck)
	type group map[string][]item
	bySplit := map[string]group{"train": {}, "val": {}, "test": {}}
	for i := range b.tree.files {
		f := &b.tree.files[i]
		split, class, ok := b.place(f.path, splits)
		name := f.path
		if b.root != "" {
			name = strings.TrimPrefix(f.path, b.root+"/")
		}
		if reason := verdict[f.path]; reason != "" {
			b.skipped = append(b.skipped, fmt.Sprintf("%s (%s)", name, reason))
			continue
		}
		if !ok {
			b.skipped = append(b.skipped, name+" (outside of the class folders)")
			continue
		}
		bySplit[split][class] = append(bySplit[split][class], item{name: name, key: i})
	}

	var classes []string
	var missing []string
	for _, c := range classDirs {
		switch {
		case len(bySplit["train"][c]) > 0:
			classes = append(classes, c)
		case len(bySplit["val"][c]) == 0 && len(bySplit["test"][c]) == 0:
			warnings = append(warnings, fmt.Sprintf("folder %q has no usable image and is no class", c))
		case len(bySplit["train"]) == 0:
			classes = append(classes, c) // data for evaluation only
		default:
			missing = append(missing, c)
		}
	}
	if w := b.skippedWarning(); w != "" {
		warnings = append([]string{w}, warnings...)
	}
	found := ""
	if len(warnings) > 0 {
		found = " (" + strings.Join(warnings, "; ") + ")"
	}
	switch {
	case len(missing) > 0:
		return nil, fmt.Errorf("datasets: %s: classes %s have images for validation or test and none for training; folder names must agree between the splits%s",
			b.tree.source, strings.Join(missing, ", "), found)
	case len(classes) == 0:
		return nil, fmt.Errorf("datasets: %s: no usable image; expected one folder of images per class, or train/ and val/ with such folders%s", b.tree.source, found)
	case len(classes) == 1:
		return nil, fmt.Errorf("datasets: %s: only one class, %q; expected at least two folders with images%s", b.tree.source, classes[0], found)
	}

	files := b.tree.files
	make1 := func(g group) *Split {
		s := &Split{classes: len(classes), read: func(it item) (*vision.Image, error) {
			data, err := files[it.key].read()
			if err != nil {
				return nil, err
			}
			return vision.DecodeBytes(data)
		}}
		for label, c := range classes {
			for _, it := range g[c] {
				it.label = label
				s.items = append(s.items, it)
			}
		}
		sortItems(s.items)
		return s
	}
	d := &Dataset{Name: b.name, Classes: classes, Source: b.tree.source, Train: make1(bySplit["train"]), Val: make1(bySplit["val"]), Warnings: warnings}
	for _, s := range splits {
		if s == "test" {
			d.Test = make1(bySplit["test"])
		}
	}
	d.arrange(b.o)
	return d, nil
}

// skippedWarning counts the files left out and names the first of them.
func (b *builder) skippedWarning() string {
	const shown = 5
	switch n := len(b.skipped); {
	case n == 0:
		return ""
	case n == 1:
		return "1 file was left out: " + b.skipped[0]
	case n <= shown:
		return fmt.Sprintf("%d files were left out: %s", n, strings.Join(b.skipped, ", "))
	default:
		return fmt.Sprintf("%d files were left out: %s and %d more", n, strings.Join(b.skipped[:shown], ", "), n-shown)
	}
}

// arrange makes a validation split where there is none and limits the training images, as o wants it.
func (d *Dataset) arrange(o Options) {
	hasVal := d.Val.Len() > 0
	switch {
	case hasVal:
	case d.Train.Len() == 0, o.ValFraction < 0:
		if d.Test != nil {
			d.Val = d.Test
		}
	default:
		d.Train, d.Val = splitOff(d.Train, o)
		if d.Val.Len() == 0 {
			d.Warnings = append(d.Warnings, "there are too few images to split some off for validation")
		}
	}
	if d.Train.Len() == 0 {
		d.Warnings = append(d.Warnings, "there are no training images: the data serves for evaluation only")
	}
	if hasVal || d.Val == d.Test {
		for label, n := range d.Val.Counts() {
			if n == 0 {
				d.Warnings = append(d.Warnings, fmt.Sprintf("class %q has no images for validation", d.Classes[label]))
			}
		}
	}
	d.Train = d.Train.FirstPerClass(o.PerClass)
}

// splitOff moves a share of each class to a validation split. Which ones depends on the seed and on each file's own
// name, so that adding a file leaves nearly all others where they are.
func splitOff(all *Split, o Options) (train, val *Split) {
	fraction := o.ValFraction
	if fraction == 0 {
		fraction = 0.2
	}
	byClass := make([][]int, all.classes)
	for i, it := range all.items {
		byClass[it.label] = append(byClass[it.label], i)
	}
	rank := make([]uint64, all.Len())
	for i, it := range all.items {
		h := fnv.New64a()
		h.Write([]byte(it.name))
		rank[i] = vision.NewRand(o.Seed, h.Sum64()).Uint64()
	}
	var trainIdx, valIdx []int
	for _, idx := range byClass {
		n := int(math.Round(float64(len(idx)) * fraction))
		n = min(max(n, 1), len(idx)-1) // at least one on either side, where there are two
		chosen := slices.Clone(idx)
		slices.SortFunc(chosen, func(a, b int) int {
			if rank[a] != rank[b] {
				if rank[a] < rank[b] {
					return -1
				}
				return 1
			}
			return a - b
		})
		trainIdx = append(trainIdx, chosen[n:]...)
		valIdx = append(valIdx, chosen[:n]...)
	}
	slices.Sort(trainIdx)
	slices.Sort(valIdx)
	return all.Subset(trainIdx), all.Subset(valIdx)
}
