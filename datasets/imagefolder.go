package datasets

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// ImageFolder loads a folder or a zip file (read in place) that has one folder of images per class, as in torchvision:
// classes alone, or classes below a folder per split (train/, val/, test/ under any of their usual names, such as
// training_set or Validation), or splits below each class (cats/train). A single folder around all of that is entered.
// The classes are the folders' names, sorted, and the images are sorted by name. Without a validation folder,
// Options.ValFraction of each class's training images are taken, chosen by Options.Seed and the file names.
//
// Where the folders can be read in two ways, such as a folder "train" beside others that look like classes, an error
// shows them, and Options.Train, Val and Test decide.
//
// Images have a format of vision.Formats (JPEG, PNG, GIF, BMP, WebP, TIFF, PNM), recognised by content. Other and
// broken files are left out: one of the Warnings counts them and names the first, Report lists all. To find them, every
// image is read and decoded once, in parallel, and the result is stored in the cache folder; it is valid while the
// file's size and time of change stay the same. For more than 100,000 files or 512 MB only the headers are decoded, and
// with Options.SkipCheck only the headers are read; a broken image then shows when Split.Image is called.
//
// Folders that are named like no class's, but like masks, thumbnails or copies beside the images, like images without a
// label, or like groups of classes, are read as they stand, and one of the Warnings names them.
//
// The folders of programs (node_modules, an environment of Python, the logs of a training) are no classes; Report names
// them.
//
// Errors: no images, only one class, a class without training images, folders with two readings, numbered parts of the
// data (images_001, images_002) in place of classes.
func ImageFolder(dir string, opts ...Options) (*Dataset, error) {
	o, err := one("ImageFolder", opts)
	if err != nil {
		return nil, err
	}
	d, err := imageFolder(dir, o)
	return d.from("ImageFolder", o, dir), err
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
	t.dropPrograms(o.Train, o.Val, o.Test)
	t.check(o.SkipCheck)
	var usable []string
	for i, f := range t.files {
		if t.all[i].Reason == "" {
			usable = append(usable, f.path)
		}
	}
	if err := t.nothing(usable); err != nil {
		return nil, err
	}
	l, err := findLayout(t.source, usable, o)
	if err != nil {
		return nil, t.withHint(err)
	}
	s := t.sort(l)
	unlabelled, err := s.dropUnlabelled(t.source, o)
	if err != nil {
		return nil, t.withHint(err)
	}
	d, err := assemble(strings.TrimSuffix(filepath.Base(dir), ".zip"), t, s, o)
	if err != nil {
		return nil, t.withHint(err)
	}
	notes := append(unlabelled, s.joined(), s.companionsWithin(), l.note)
	if !o.named() {
		notes = append(notes, letteredParts(d.Classes))
		if len(unlabelled) == 0 {
			notes = append(notes, t.emptySplits(l.root, s, o)...)
		}
	}
	for _, text := range notes {
		d.warn(text)
	}
	return d, nil
}

// emptySplits are warnings about folders that are named like a split of which there is no image. Folders that are read
// as classes are none of them.
func (t *tree) emptySplits(root string, s sorted, o Options) (notes []string) {
	found := map[string]bool{}
	for _, m := range s.images {
		found[m.split], found[m.class] = true, true
	}
	for _, dir := range slices.Sorted(maps.Keys(t.dirs)) {
		name := path.Base(dir)
		split := splitOf(name)
		if parent(dir) != root || split == "" || found[split] || found[name] {
			continue
		}
		note := fmt.Sprintf("folder %q has no usable image in a folder of a class, so there is no such split", name)
		if split == valSplit {
			note += "; " + s.validation(o)
		}
		notes = append(notes, note)
	}
	return notes
}

// validation says where the images for validation come from if no folder has them.
func (s sorted) validation(o Options) string {
	switch {
	case o.ValFraction >= 0:
		return "some training images are kept back for validation (Options.ValFraction)"
	case slices.ContainsFunc(s.images, func(m labelled) bool { return m.split == testSplit }):
		return "the test images are used for validation, too"
	}
	return "there are no images for validation, as Options.ValFraction is below 0"
}

// dropUnlabelled leaves out the images of a split that are in a single folder which is no class of the training images:
// for test as in a competition (test/unknown, test/test), for validation where the name is no class's (val/images of
// Tiny ImageNet). They have no labels here. The notes say so. For a folder that the options name, it is an error.
func (s *sorted) dropUnlabelled(source string, o Options) (notes []string, err error) {
	classes := map[string]map[string]bool{trainSplit: {}, valSplit: {}, testSplit: {}}
	for _, m := range s.images {
		classes[m.split][m.class] = true
	}
	for _, split := range []string{testSplit, valSplit} { // validation may need the test images
		if len(classes[split]) != 1 || len(classes[trainSplit]) < 2 {
			continue
		}
		folder := slices.Collect(maps.Keys(classes[split]))[0]
		if classes[trainSplit][folder] || split == valSplit && !isRole(folder) && !isMissingMark(folder) && splitOf(folder) == "" {
			continue
		}
		if named := map[string]string{valSplit: o.Val, testSplit: o.Test}[split]; named != "" {
			return nil, fmt.Errorf("datasets: %s: the options name %q for %s, but its images are in one folder, %q, which is no class of the training images; "+
				"for labels in a file see FromCSV; for images without labels, leave the option out", source, named, split, folder)
		}
		n := len(s.images)
		s.images = slices.DeleteFunc(s.images, func(m labelled) bool {
			if m.split != split {
				return false
			}
			s.left = append(s.left, LeftOut{m.name, unlabelledReason})
			return true
		})
		note := fmt.Sprintf("the %d %s images are in one folder, %q, which is no class of the training images: they are taken for images without labels and left out; for labels in a file see FromCSV",
			n-len(s.images), split, folder)
		if split == valSplit {
			note += "; " + s.validation(o)
		}
		notes = append(notes, note)
	}
	return notes, nil
}

// joined is a warning that names classes with several folders within them, which may be classes of their own; "" if
// there are none. Where not all classes have several, only folders whose names are no numbers count, and that are in no
// other class, or if other classes have the same ones.
func (s sorted) joined() string {
	all := s.groups()
	loose, same, every := map[string]int{}, map[string]int{}, true
	for _, g := range all {
		if isCompanionFolder(g.class) { // masks/cat beside photos/cat
			continue
		}
		for _, folder := range g.folders {
			loose[folder]++
		}
		every = every && g.direct == 0 && len(g.folders) > 1
		if g.direct == 0 && len(g.folders) > 1 {
			same[strings.Join(g.folders, "/")]++
		}
	}
	var several []string
	var example labelled
	for _, g := range all {
		alike := same[strings.Join(g.folders, "/")] > 1
		own := slices.DeleteFunc(slices.Clone(g.folders), func(f string) bool {
			return g.direct > 0 && isCompanionFolder(f) ||
				!every && (loose[f] > 1 && !alike || partOf(f) != "" || !strings.ContainsFunc(f, unicode.IsLetter))
		})
		if len(own) > 1 && g.within > g.direct {
			several, example = append(several, fmt.Sprintf("%s (%s)", g.class, list(own))), g.example
		}
	}
	if len(several) == 0 {
		return ""
	}
	return fmt.Sprintf("the classes take in the folders within them: %s; if those are the classes, see FromPattern (%s)",
		list(several), s.patterns(example))
}

// innermost is the pattern for FromPattern that takes the class of images from the folder that they lie in.
const innermost = "([^/]+)/[^/]+$"

// patterns writes the pattern for FromPattern that reads images in folders like m's and, if it leaves out others, the
// pattern that reads all.
func (s sorted) patterns(m labelled) string {
	text := s.pattern(m)
	p, err := compilePattern(text)
	if err != nil || !slices.ContainsFunc(s.images, func(m labelled) bool {
		_, _, ok := p.match(path.Join(s.root, m.name))
		return !ok
	}) {
		return strconv.Quote(text)
	}
	return fmt.Sprintf("%q for them alone, %q for the other folders, too", text, innermost)
}

// group is a class with the folders within it that may be classes, in order, and its numbers of images in such folders
// and directly in it.
type group struct {
	class          string
	folders        []string
	within, direct int
	example        labelled // an image of a folder
}

// groups are the classes in order. Single folders around everything in a class are entered.
func (s sorted) groups() []group {
	by := map[string][]labelled{}
	for _, m := range s.images {
		by[m.class] = append(by[m.class], m)
	}
	var all []group
	for _, class := range slices.Sorted(maps.Keys(by)) {
		g, around, seen := group{class: class}, wrappers(by[class]), map[string]bool{}
		for _, m := range by[class] {
			dirs, _, inside := m.folders()
			inside += around
			if len(dirs) <= inside || isRole(dirs[inside]) && !isCompanionFolder(dirs[inside]) {
				g.direct++ // CLASS/FILE, or CLASS/images/FILE
				continue
			}
			g.within++
			seen[dirs[inside]] = true
			if len(dirs) == inside+1 || g.example.name == "" {
				g.example = m
				g.example.class = dirs[inside]
			}
		}
		g.folders = slices.Sorted(maps.Keys(seen))
		all = append(all, g)
	}
	return all
}

// wrappers returns the number of folders, one within the other, that all images of a class lie in and that have several
// folders within: CLASS/images/cat and CLASS/images/dog.
func wrappers(images []labelled) int {
	var below []string
	for _, m := range images {
		dirs, _, inside := m.folders()
		below = append(below, path.Join(append(slices.Clone(dirs[inside:]), "x")...))
	}
	n, levels := imageTree(below), 0
	for ; len(n.below) == 1 && n.images == 0; levels++ {
		n = n.below[0]
	}
	if len(n.below) < 2 {
		return 0
	}
	return levels
}

// folders returns the folders of an image's name, the index of its class's, and the index at which the folders within
// the class begin: CLASS/... or CLASS/SPLIT/...
func (m labelled) folders() (dirs []string, class, inside int) {
	if dir := parent(m.name); dir != "" {
		dirs = strings.Split(dir, "/")
	}
	class = slices.Index(dirs, m.class)
	if class == 0 && len(dirs) > 1 && dirs[1] == m.class && splitOf(m.class) == m.split { // a class named train
		class = 1
	}
	if class < 0 { // written in other code points
		return dirs, class, len(dirs)
	}
	inside = class + 1
	if inside < len(dirs) && splitOf(dirs[inside]) != "" {
		inside++
	}
	return dirs, class, inside
}

// pattern returns the pattern for FromPattern that takes the class of images from the folder that has it in m's path.
func (s sorted) pattern(m labelled) string {
	var signs []string
	if s.root != "" {
		signs = slices.Repeat([]string{"*"}, strings.Count(s.root, "/")+1)
	}
	dirs, class, _ := m.folders()
	split := slices.IndexFunc(dirs, func(dir string) bool { return splitOf(dir) == m.split })
	for i, dir := range dirs {
		switch {
		case i == class:
			signs = append(signs, "{class}")
		case i == split:
			signs = append(signs, "{split}")
		case i > class && fillers[strings.ToLower(dir)]: // CLASS/images beside CLASS/masks
			signs = append(signs, dir)
		default:
			signs = append(signs, "*")
		}
	}
	return path.Join(append(signs, "*")...)
}

// nothing returns an error if there is no image in a folder.
func (t *tree) nothing(usable []string) error {
	const expected = "expected one folder of images per class, or train/ and val/ with such folders"
	switch left := Report(t.left).warning(); {
	case len(t.files) == 0 && left != "":
		return fmt.Errorf("datasets: %s has nothing that is read; %s (%s)", t.source, expected, left)
	case len(t.files) == 0 && len(t.dirs) == 0:
		return fmt.Errorf("datasets: %s is empty; %s", t.source, expected)
	case len(usable) == 0:
		var left Report
		for i, f := range t.files {
			left = append(left, LeftOut{f.path, t.all[i].Reason})
		}
		found := ""
		if w := left.warning(); w != "" {
			found = " (" + w + ")"
		}
		return fmt.Errorf("datasets: %s: no usable image; %s%s%s", t.source, expected, found, t.hint(false))
	case !slices.ContainsFunc(usable, func(p string) bool { return parent(p) != "" }):
		return fmt.Errorf("datasets: %s has files but no folders; %s; for images without class folders see FromPattern and FromCSV%s", t.source, expected, t.hint(true))
	}
	return nil
}

// sorted holds the files of a tree: the images with their places, and the files left out.
type sorted struct {
	root   string // the folder that names are relative to
	images []labelled
	left   Report
	// empty are folders that should be classes and hold no usable image.
	empty []string
}

// labelled is one image with its place; file is an index into the tree's files.
type labelled struct {
	place
	name string
	file int
}

// sort applies a layout to all files.
func (t *tree) sort(l layout) sorted {
	s := sorted{root: l.root, left: slices.Clone(t.left)}
	below := func(p string) string {
		if l.root == "" {
			return p
		}
		return strings.TrimPrefix(p, l.root+"/")
	}
	has := map[string]bool{}
	for i, f := range t.files {
		name := below(f.path)
		p, reason := place{}, strayReason
		if l.root == "" || name != f.path {
			p, reason = l.place(name)
		}
		if bad := t.all[i].Reason; bad != "" {
			reason = bad
		}
		if reason != "" {
			s.left = append(s.left, LeftOut{name, reason})
			continue
		}
		has[p.class] = true
		s.images = append(s.images, labelled{p, name, i})
	}
	for dir := range t.dirs {
		if name := below(dir); l.root == "" || name != dir {
			if p, reason := l.place(name + "/x"); reason == "" && !has[p.class] {
				has[p.class] = true
				s.empty = append(s.empty, p.class)
			}
		}
	}
	slices.Sort(s.empty)
	return s
}
