package datasets

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// splitWords are the words that mean a split, in lower case.
var splitWords = map[string]string{
	"train": trainSplit, "training": trainSplit, "trn": trainSplit,
	"val": valSplit, "valid": valSplit, "validation": valSplit, "validate": valSplit, "dev": valSplit, "development": valSplit,
	"eval": valSplit, "evaluation": valSplit,
	"test": testSplit, "testing": testSplit, "tst": testSplit,
}

const (
	trainSplit = "train"
	valSplit   = "val"
	testSplit  = "test"
)

// fillers are words that may accompany a split's word in a folder's name and carry no meaning.
var fillers = map[string]bool{"set": true, "data": true, "dataset": true, "images": true, "image": true, "imgs": true, "img": true,
	"split": true, "folder": true, "photos": true, "pictures": true, "samples": true}

// roles are words for folders that hold no class, but the images of all classes or something that belongs to images.
var roles = map[string]bool{"jpegimages": true, "jpegs": true, "pics": true, "mask": true, "masks": true, "label": true, "labels": true,
	"annotation": true, "annotations": true, "groundtruth": true, "gt": true, "segmentation": true, "segmentationclass": true,
	"segmentationobject": true, "depth": true}

// isRole reports whether a folder's name is such a word, or one that carries no meaning.
func isRole(name string) bool {
	name = strings.ToLower(name)
	return roles[name] || fillers[name]
}

// wordsOf returns the words of a folder's name in lower case: "TrainImages_v2" has train, images and v.
func wordsOf(name string) []string {
	letters := []rune(name)
	var b strings.Builder
	for i, r := range letters {
		capital := unicode.IsUpper(r) && i > 0
		if capital && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r < 'a' || r > 'z' })
}

// splitWord returns the split that a word means, alone or joined with a filler ("trainset", "testdata"), "" if none.
func splitWord(w string) string {
	if split := splitWords[w]; split != "" {
		return split
	}
	for filler := range fillers {
		for _, rest := range []string{strings.TrimSuffix(w, filler), strings.TrimPrefix(w, filler)} {
			if split := splitWords[rest]; split != "" {
				return split
			}
		}
	}
	return ""
}

// looseSplit returns the split that a folder's name means together with other words, and these words: "seg_train" means
// train of "seg". It is "" if no single word means a split.
func looseSplit(name string) (split, rest string) {
	for _, w := range wordsOf(name) {
		if other := splitWord(w); other != "" {
			if split != "" {
				return "", ""
			}
			split = other
		} else {
			rest += " " + w
		}
	}
	return split, rest
}

// splitOf returns the split that a folder's name means, "" if none: "Train", "training_set", "TestImages", "val2017".
func splitOf(name string) string {
	split, rest := looseSplit(name)
	if slices.ContainsFunc(strings.Fields(rest), func(w string) bool { return !fillers[w] }) {
		return ""
	}
	return split
}

// joinedOnly reports whether a folder's name means a split only if a word is taken apart: "testdata", "TestImages".
// Such a name alone is rather that of the data.
func joinedOnly(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' })
	return !slices.ContainsFunc(words, func(w string) bool { return splitWords[strings.TrimSuffix(w, "set")] != "" })
}

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
		return explicitLayout(source, root, o)
	}
	prefix, n := root.unwrap()
	l := layout{root: prefix}
	if why := n.ambiguous(prefix); why != "" {
		return l, fmt.Errorf("datasets: %s: %s; say which with Options{Train: ..., Val: ..., Test: ...}, folders from the root of the data "+
			"(\"*/train\": in each class's folder; \".\": the outermost folders are classes). Found:\n%v", source, why, root)
	}
	splits := n.splits()
	switch {
	case len(splits) == 0 && n.splitsBelow() > 0:
		l.place = classAbove
		for _, class := range n.below {
			if err := twoFolders(path.Join(source, prefix, class.name), class.below); err != nil {
				return l, err
			}
		}
		return l, nil
	case len(splits) == 0, n.namedLikeSplits(splits):
		l.place = classesOnly
		if split := splitOf(path.Base(prefix)); split == valSplit || split == testSplit {
			l.note = fmt.Sprintf("%s/ is read as a folder around the classes, for training; if it is the split %s, give Options{%s: %q}",
				prefix, split, map[string]string{valSplit: "Val", testSplit: "Test"}[split], prefix)
		}
		if len(splits) > 0 {
			l.note = fmt.Sprintf("%s is read as a class, like %s beside it; if its images have no labels, move it away", list(nodeNames(splits)), list(nodeNames(n.others())))
		}
		return l, nil
	}
	l.place = splitsAbove(splits)
	if only := splits[0]; len(splits) == 1 && splitOf(only.name) != trainSplit {
		l.note = fmt.Sprintf("%s/ is read as the split %s; if its images are for training, give Options{Train: %q}",
			path.Join(prefix, only.name), splitOf(only.name), path.Join(prefix, only.name, only.wrapper()))
	}
	return l, twoFolders(source, splits)
}

// ambiguous returns the reason why the folders of n, at prefix, can be read in two ways, "" if they can't.
func (n *node) ambiguous(prefix string) string {
	splits := n.splits()
	if names := nodeNames(n.below); len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !isRole(name) }) {
		return fmt.Sprintf("%s look like no classes, but like images of all classes (for labels in a file see FromCSV, in file names FromPattern) or like parts of them", list(names))
	}
	switch {
	case len(splits) == 0 && n.splitsBelow() > 0:
		if !n.onlySplitsBelow() {
			return "some class folders hold folders named like splits and others don't"
		}
		if slices.ContainsFunc(n.below, func(b *node) bool { return fillers[strings.ToLower(b.name)] }) {
			return fmt.Sprintf("%s hold splits, and look like no classes", list(nodeNames(n.below)))
		}
		if n.partsWithSplits() {
			part, split := n.below[0].name, n.below[0].below[0].name
			return fmt.Sprintf("%s hold splits with folders of the same names and may be classes (Options{Train: \"*/%s\", ...}), or parts of the data (Options{Train: \"%s/%s\", ...})",
				list(nodeNames(n.below)), split, part, split)
		}
		return lookLikeParts(n.below, optionsFor(path.Join(prefix, "*"), n.below[0].below))
	case len(splits) == 0:
		if n.looseSplits() {
			return fmt.Sprintf("%s may be classes, or splits by a part of their names", list(nodeNames(n.below)))
		}
		if outer, inner := n.nestedCopy(); outer != "" {
			return fmt.Sprintf("%s holds folders named as those beside it (%s), so it may be a class, a part of the data or a copy of it", outer, list(inner))
		}
		if images, others := n.imagesAndOthers(); images != "" {
			return fmt.Sprintf("%s hold folders that look like no classes (%s, %s): for the images alone give Options{Train: %q}",
				list(nodeNames(n.below)), images, list(others), "*/"+images)
		}
		if n.copies() {
			return fmt.Sprintf("%s hold folders of the same names and may be classes, or parts of the data", list(nodeNames(n.below)))
		}
		return lookLikeParts(n.below, allClasses)
	case n.namedLikeSplits(splits):
		return lookLikeParts(n.others(), allClasses) // fold1, fold2 and test
	case n.flatSplits(splits):
		return fmt.Sprintf("%s may be classes, or splits without class folders (for these see FromPattern and FromCSV)", list(nodeNames(splits)))
	case onlyRoles(splits):
		return fmt.Sprintf("the folders within %s look like no classes, but like images of all classes (for labels in a file see FromCSV, in file names FromPattern) or like parts of them", list(nodeNames(splits)))
	}
	if why := lookLikeParts(within(splits), optionsFor(prefix, splits)); why != "" {
		return why
	}
	if len(splits) < len(n.below) && !shareClasses(splits) {
		return fmt.Sprintf("%s may be splits or classes, as there is %s beside them", list(nodeNames(splits)), list(nodeNames(n.others())))
	}
	return ""
}

// allClasses are the options that read the outermost folders as classes.
const allClasses = `Options{Train: "."}`

// optionsFor returns the options that name the folders of splits below a path.
func optionsFor(above string, splits []*node) string {
	fields := []string{}
	for _, field := range []string{"Train", "Val", "Test"} {
		for _, s := range splits {
			if splitOf(s.name) == strings.ToLower(field) {
				fields = append(fields, fmt.Sprintf("%s: %q", field, path.Join(above, s.name, s.wrapper())))
			}
		}
	}
	return "Options{" + strings.Join(fields, ", ") + "}"
}

// lookLikeParts is the reason why folders may be no classes if they look like numbered parts of the data, else "". The
// options read them as classes. Folders with letters and no folders within them are rather classes: see letteredParts.
func lookLikeParts(folders []*node, options string) string {
	names := slices.Compact(nodeNames(folders))
	flat := !slices.ContainsFunc(folders, func(f *node) bool { return len(f.below) > 0 })
	if !numberedParts(names) || flat && lettered(names) {
		return ""
	}
	return fmt.Sprintf("%s look like no classes, but like numbered parts of the data; if they are the classes, give %s; "+
		"if not, see FromCSV for labels in a file, FromPattern for labels in file names or in folders within them, such as \"*/{class}/*\"",
		list(names), options)
}

// imagesAndOthers returns the names of the folders within the folders of n if these are one of images and others of
// masks or the like, the same in all; else "".
func (n *node) imagesAndOthers() (images string, others []string) {
	if !n.sameLeaves() {
		return "", nil
	}
	for _, name := range nodeNames(n.below[0].below) {
		switch {
		case isCompanionFolder(name):
			others = append(others, name)
		case images == "" && isRole(name):
			images = name
		default:
			return "", nil
		}
	}
	if len(others) == 0 {
		return "", nil
	}
	return images, others
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
	if len(n.below) == 1 && n.images == 0 && n.below[0].images == 0 && len(n.below[0].below) > 1 {
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

// onlySplitsBelow reports whether all folders hold folders named like splits and nothing else.
func (n *node) onlySplitsBelow() bool {
	return !slices.ContainsFunc(n.below, func(b *node) bool { return len(b.splits()) < len(b.below) || b.images > 0 })
}

// partsWithSplits reports whether two of the folders hold splits, of only folders, that share names: fold1/train/cats
// and fold2/train/cats. The images of a class lie in its splits or in folders of their own.
func (n *node) partsWithSplits() bool {
	seen := map[string]bool{}
	shared := false
	for _, part := range n.below {
		names := map[string]bool{}
		for _, s := range part.below {
			if s.images > 0 || len(s.inside().below) < 2 {
				return false
			}
			for _, c := range s.inside().below {
				names[c.name] = true
			}
		}
		for name := range names {
			shared = shared || seen[name]
			seen[name] = true
		}
	}
	return shared
}

// onlyRoles reports whether the splits hold two or more folders, of which none looks like a class: train/images and
// train/masks.
func onlyRoles(splits []*node) bool {
	names := map[string]bool{}
	for _, s := range splits {
		for _, c := range s.inside().below {
			if !isRole(c.name) {
				return false
			}
			names[c.name] = true
		}
	}
	return len(names) > 1
}

// looseSplits reports whether two folders mean different splits if the words that both have are left out: seg_train and
// seg_test.
func (n *node) looseSplits() bool {
	by := map[string]string{} // split by the other words
	for _, b := range n.below {
		split, rest := looseSplit(b.name)
		if split == "" {
			continue
		}
		if other := by[rest]; other != "" && other != split {
			return true
		}
		by[rest] = split
	}
	return false
}

// nestedCopy returns a folder that holds two or more folders named as those beside it, and these names: archives of Kaggle often
// hold the data twice. It returns "" if there is none.
func (n *node) nestedCopy() (outer string, inner []string) {
	at := map[string]int{} // place by name; names in one folder differ
	for i, b := range n.below {
		at[b.name] = i
	}
	for _, b := range n.below {
		leaves := map[string]bool{}
		b.leaves(leaves)
		var places []int
		for leaf := range leaves {
			if i, ok := at[leaf]; ok && leaf != b.name {
				places = append(places, i)
			}
		}
		slices.Sort(places)
		inner = nil
		for _, i := range places {
			inner = append(inner, n.below[i].name)
		}
		if len(inner) > 1 {
			return b.name, inner
		}
	}
	return "", nil
}

// leaves enters the names of the folders below n that hold images and no folders.
func (n *node) leaves(into map[string]bool) {
	for _, b := range n.below {
		if len(b.below) == 0 {
			into[b.name] = true
		}
		b.leaves(into)
	}
}

// sameLeaves reports whether all folders hold, at any depth, two or more folders with images, the same in each.
func (n *node) sameLeaves() bool {
	var first map[string]bool
	for _, b := range n.below {
		leaves := map[string]bool{}
		b.leaves(leaves)
		if b.images > 0 || len(leaves) < 2 || first != nil && !maps.Equal(first, leaves) {
			return false
		}
		first = leaves
	}
	return len(n.below) > 1
}

// copies reports whether several folders hold the same two or more folders and nothing else.
func (n *node) copies() bool {
	if n.sameLeaves() {
		return true
	}
	if len(n.below) < 2 || len(n.below[0].below) < 2 {
		return false
	}
	first := nodeNames(n.below[0].below)
	return !slices.ContainsFunc(n.below, func(b *node) bool { return b.images > 0 || !slices.Equal(nodeNames(b.below), first) })
}

// namedLikeSplits reports whether the folders are classes, some of which are only named like splits: those hold images
// and no folders, as classes do, and there are others beside them.
func (n *node) namedLikeSplits(splits []*node) bool {
	return len(splits) < len(n.below) && !slices.ContainsFunc(splits, func(s *node) bool { return len(s.below) > 0 })
}

// flatSplits reports whether none of the folders named like splits holds a folder that a class would be: train/1.jpg,
// or train/train/1.jpg.
func (n *node) flatSplits(splits []*node) bool {
	return !slices.ContainsFunc(splits, func(s *node) bool { return len(s.below) > 0 && !s.doubled() })
}

// doubled reports whether all images of a split lie in one folder of the same meaning within it.
func (n *node) doubled() bool {
	return len(n.below) == 1 && n.images == 0 && len(n.below[0].below) == 0 && splitOf(n.below[0].name) == splitOf(n.name)
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

// shareClasses reports whether two of the folders hold folders of the same name, as splits do and classes don't.
func shareClasses(splits []*node) bool {
	seen := map[string]bool{}
	for _, s := range splits {
		for _, c := range s.inside().below {
			if seen[c.name] {
				return true
			}
			seen[c.name] = true
		}
	}
	return false
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
	const shown = 5
	out := make([]string, 0, shown)
	for _, name := range names[:min(len(names), shown)] {
		out = append(out, short(name))
	}
	text := strings.Join(out, ", ")
	if len(names) > shown {
		text += fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return text
}

// short returns a name for a sentence: a field of a broken table may have megabytes.
func short(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "..."
}

// rule assigns a folder, or a word of a list, to a split.
type rule struct{ split, folder string }

// rules are what the options name for the splits.
func (o Options) rules() (rules []rule) {
	for _, r := range []rule{{trainSplit, o.Train}, {valSplit, o.Val}, {testSplit, o.Test}} {
		if r.folder != "" {
			rules = append(rules, r)
		}
	}
	return rules
}

// named reports whether the options name anything for a split.
func (o Options) named() bool { return len(o.rules()) > 0 }

// explicitRules are the folders that the options name.
func explicitRules(source string, root *node, o Options) ([]rule, error) {
	var rules []rule
	for _, r := range o.rules() {
		folder := root.find(source, r.folder)
		if folder == "" {
			return nil, fmt.Errorf("datasets: %s has no folder %s with images, which the options name for %s. Found:\n%v", source, r.folder, r.split, root)
		}
		if i := slices.IndexFunc(rules, func(other rule) bool { return other.folder == folder }); i >= 0 {
			return nil, fmt.Errorf("datasets: %s: the options name the folder %s for both %s and %s; expected different ones",
				source, r.folder, rules[i].split, r.split)
		}
		rules = append(rules, rule{r.split, folder})
	}
	// A folder within another comes first, and "." last.
	slices.SortStableFunc(rules, func(a, b rule) int { return len(b.folder) - len(a.folder) })
	return rules, nil
}

// explicitLayout reads the folders that the options name.
func explicitLayout(source string, root *node, o Options) (layout, error) {
	rules, err := explicitRules(source, root, o)
	if err != nil {
		return layout{}, err
	}
	return layout{place: func(rel string) (place, string) {
		for _, r := range rules {
			if p, ok := r.place(rel); ok {
				return p, ""
			}
		}
		return place{}, "outside of the folders that the options name"
	}}, nil
}

// place returns the place of a file below the rule's folder.
func (r rule) place(rel string) (place, bool) {
	if r.folder == "." {
		p, reason := inClass(r.split, rel)
		return p, reason == ""
	}
	before, inner, above := strings.Cut("/"+r.folder, "/*/")
	rest, ok := strings.CutPrefix("/"+rel, before+"/")
	if !ok {
		return place{}, false
	}
	if !above {
		p, reason := inClass(r.split, rest)
		return p, reason == ""
	}
	class, rest, _ := strings.Cut(rest, "/")
	return place{r.split, class}, strings.HasPrefix(rest, inner+"/")
}

// find returns the path from the root of the folder that the user named: as a path from the root, as a path from the
// folder inside single folders, or with the path of the data set itself before it. It returns "" if there is no such
// folder with images.
func (n *node) find(source, words string) string {
	prefix, _ := n.unwrap()
	candidates := []string{words, path.Join(prefix, words)}
	if path.Clean(words) == "." { // one folder around everything is no class
		slices.Reverse(candidates)
	}
	if rel, err := filepath.Rel(source, words); err == nil {
		candidates = append(candidates, rel)
	}
	for _, c := range candidates {
		c = path.Clean(filepath.ToSlash(strings.ReplaceAll(c, `\`, "/")))
		if n.holds(c) {
			return c
		}
	}
	return ""
}

// holds reports whether the folder exists and holds images; "*" stands for any folder.
func (n *node) holds(folder string) bool {
	if folder == "." {
		return n.total > 0
	}
	first, rest, more := strings.Cut(folder, "/")
	return slices.ContainsFunc(n.below, func(b *node) bool {
		return (first == "*" || b.name == first) && (!more || b.holds(rest))
	})
}
