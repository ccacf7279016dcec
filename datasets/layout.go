package datasets

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// place is where an image belongs.
type place struct{ split, class string }

// layout assigns images to splits and classes by their folders. Paths are from the tree's root.
type layout struct {
	root string // the folder that names are relative to: "" or a single folder around everything
	// place returns the place of the file at a path below root; reason is the cause if it has none.
	place func(rel string) (p place, reason string)
	// note is a warning about what was decided, "" for none.
	note string
}

const strayReason = "outside of the class folders"

// node is a folder that holds images, with the numbers that decide the layout.
type node struct {
	name   string
	images int // directly in it
	total  int // in it and below
	below  []*node
}

// imageTree builds the tree of folders from the paths of images; it leaves out folders without an image.
func imageTree(paths []string) *node {
	root := &node{}
	at := map[string]*node{"": root}
	var get func(dir string) *node
	get = func(dir string) *node {
		if n := at[dir]; n != nil {
			return n
		}
		up := get(parent(dir))
		n := &node{name: path.Base(dir)}
		up.below = append(up.below, n)
		at[dir] = n
		return n
	}
	for _, p := range paths {
		get(parent(p)).images++
		for dir := parent(p); ; dir = parent(dir) {
			get(dir).total++
			if dir == "" {
				break
			}
		}
	}
	return root
}

// splits returns the folders of n whose names mean a split.
func (n *node) splits() (out []*node) {
	for _, b := range n.below {
		if splitOf(b.name) != "" {
			out = append(out, b)
		}
	}
	return out
}

// String draws the upper part of the tree for an error message.
func (n *node) String() string {
	var b strings.Builder
	n.draw(&b, "  ", 3)
	return strings.TrimRight(b.String(), "\n")
}

func (n *node) draw(b *strings.Builder, indent string, levels int) {
	const shown = 6
	for i, c := range n.below {
		if i == shown {
			fmt.Fprintf(b, "%s... and %d more folders\n", indent, len(n.below)-shown)
			break
		}
		fmt.Fprintf(b, "%s%s/  %d images\n", indent, c.name, c.total)
		if levels > 1 {
			c.draw(b, indent+"  ", levels-1)
		}
	}
	if n.images > 0 && len(n.below) > 0 {
		fmt.Fprintf(b, "%s(%d images beside the folders)\n", indent, n.images)
	}
}

// findLayout returns the layout of the folders if only one is possible; paths are those of the usable images. Otherwise
// the error shows the folders and the options that decide.
func findLayout(source string, paths []string, o Options) (layout, error) {
	root := imageTree(paths)
	if o.named() {
		return explicitLayout(source, root, paths, o)
	}
	r := root.reading()
	if why := r.doubt(); why != "" {
		return layout{root: r.prefix}, fmt.Errorf("datasets: %s: %s; say which with Options{Train: ..., Val: ..., Test: ...}, folders from the root of the data "+
			"(\"*/train\": in each class's folder; \".\": the outermost folders are classes). Found:\n%v", source, why, root)
	}
	return r.layout(source)
}

// kind says what the outermost folders of a data set are.
type kind int

const (
	onlyClasses       kind = iota // CLASS/FILE
	classesLikeSplits             // the same, and some classes are named like splits
	classesOfSplits               // CLASS/SPLIT/FILE
	splitsOfClasses               // SPLIT/CLASS/FILE
)

// reading is how the folders of a data set are read.
type reading struct {
	kind   kind
	prefix string  // the single folders around everything
	n      *node   // the folder within them
	splits []*node // those of its folders whose names mean a split
}

// reading returns the likeliest one; doubt decides whether there is another.
func (n *node) reading() reading {
	prefix, n := n.unwrap()
	r := reading{prefix: prefix, n: n, splits: n.splits()}
	switch {
	case len(r.splits) == 0 && n.splitsBelow() > 0:
		r.kind = classesOfSplits
	case len(r.splits) == 0:
		r.kind = onlyClasses
	case n.namedLikeSplits(r.splits):
		r.kind = classesLikeSplits
	default:
		r.kind = splitsOfClasses
	}
	return r
}

// layout returns the layout of a reading; the error names two folders of one split.
func (r reading) layout(source string) (layout, error) {
	l := layout{root: r.prefix}
	switch r.kind {
	case onlyClasses:
		l.place = classesOnly
		if split := splitOf(path.Base(r.prefix)); split == valSplit || split == testSplit {
			l.note = fmt.Sprintf("%s/ is read as a folder around the classes, for training; if it is the split %s, give Options{%s: %q}",
				r.prefix, split, map[string]string{valSplit: "Val", testSplit: "Test"}[split], r.prefix)
		}
	case classesLikeSplits:
		l.place = classesOnly
		l.note = fmt.Sprintf("%s is read as a class, like %s beside it; if its images have no labels, move it away",
			list(nodeNames(r.splits)), list(nodeNames(r.n.others())))
	case classesOfSplits:
		l.place = classAbove
		for _, class := range r.n.below {
			if err := twoFolders(path.Join(source, r.prefix, class.name), class.below); err != nil {
				return l, err
			}
		}
	case splitsOfClasses:
		l.place = splitsAbove(r.splits)
		if only := r.splits[0]; len(r.splits) == 1 && splitOf(only.name) != trainSplit {
			l.note = fmt.Sprintf("%s/ is read as the split %s; if its images are for training, give Options{Train: %q}",
				path.Join(r.prefix, only.name), splitOf(only.name), path.Join(r.prefix, only.name, only.wrapper()))
		}
		return l, twoFolders(source, r.splits)
	}
	return l, nil
}

// splitsAbove returns the function that reads SPLIT/CLASS/.../FILE, where each split may have a single folder around
// its classes.
func splitsAbove(splits []*node) func(rel string) (place, string) {
	byFolder, wrapped := map[string]string{}, map[string]string{}
	for _, s := range splits {
		byFolder[s.name] = splitOf(s.name)
		wrapped[s.name] = s.wrapper()
	}
	return func(rel string) (place, string) {
		first, rest, _ := strings.Cut(rel, "/")
		split := byFolder[first]
		if split == "" {
			return place{}, strayReason
		}
		if w := wrapped[first]; w != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, w+"/"); !ok {
				return place{}, strayReason
			}
		}
		return inClass(split, rest)
	}
}

// inClass reads CLASS/.../FILE.
func inClass(split, rel string) (place, string) {
	class, rest, found := strings.Cut(rel, "/")
	if !found || rest == "" {
		return place{}, strayReason
	}
	return place{split, class}, ""
}

// classesOnly reads CLASS/.../FILE, all for training.
func classesOnly(rel string) (place, string) { return inClass(trainSplit, rel) }

// classAbove reads CLASS/SPLIT/.../FILE.
func classAbove(rel string) (place, string) {
	class, rest, _ := strings.Cut(rel, "/")
	split, file, found := strings.Cut(rest, "/")
	if !found || file == "" {
		return place{}, strayReason
	}
	return place{splitOf(split), class}, ""
}

// unwrap descends through single folders around everything: "data/", and "train/" around train/ and val/.
func (n *node) unwrap() (prefix string, inner *node) {
	for len(n.below) == 1 && n.images == 0 {
		only := n.below[0]
		if len(only.below) == 0 || only.images > 0 {
			break // a single class
		}
		single := splitOf(only.name) != "" && !joinedOnly(only.name)
		if single && (len(only.splits()) == 0 || len(only.splits()) < len(only.below)) {
			break // a single split, with its classes
		}
		if len(only.below) == 1 && single && splitOf(only.below[0].name) != splitOf(only.name) {
			break
		}
		prefix, n = path.Join(prefix, only.name), only
	}
	return prefix, n
}

// wrapper returns the single folder around a split's classes, "" if there is none: training_set/training_set/cats.
func (n *node) wrapper() string {
	if n != nil && len(n.below) == 1 && n.images == 0 && n.below[0].images == 0 && len(n.below[0].below) > 1 {
		return n.below[0].name
	}
	return ""
}

// inside is the folder that holds a split's classes.
func (n *node) inside() *node {
	if n.wrapper() != "" {
		return n.below[0]
	}
	return n
}

// splitsBelow counts the folders that hold folders named like splits.
func (n *node) splitsBelow() (count int) {
	for _, b := range n.below {
		if len(b.splits()) > 0 {
			count++
		}
	}
	return count
}

// namedLikeSplits reports whether the folders are classes, some of which are only named like splits: those hold images
// and no folders, as classes do, and there are others beside them.
func (n *node) namedLikeSplits(splits []*node) bool {
	return len(splits) < len(n.below) && !slices.ContainsFunc(splits, func(s *node) bool { return len(s.below) > 0 })
}

// others are the folders that are not named like splits.
func (n *node) others() (out []*node) {
	for _, b := range n.below {
		if splitOf(b.name) == "" {
			out = append(out, b)
		}
	}
	return out
}

// twoFolders returns an error if two folders mean the same split.
func twoFolders(source string, splits []*node) error {
	by := map[string]string{}
	for _, s := range splits {
		split := splitOf(s.name)
		if other := by[split]; other != "" {
			return fmt.Errorf("datasets: %s has both %s/ and %s/, which both mean %s; expected one folder per split: say which with Options{Train: ..., Val: ..., Test: ...}",
				source, other, s.name, split)
		}
		by[split] = s.name
	}
	return nil
}

func nodeNames(nodes []*node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.name
	}
	slices.Sort(out)
	return out
}

// list writes names for a sentence, at most five.
func list(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = short(name)
	}
	return sentence.List(out, 5)
}

// short returns a name for a sentence: a field of a broken table may have megabytes.
func short(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "..."
}
