package datasets

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// doubts are the reasons for which folders that are read in one way may mean something else, in the order in which they
// are looked for. Each returns its text, "" where it does not hold.
var doubts = map[kind][]func(reading) string{
	onlyClasses: {reading.roles, reading.looseSplits, reading.foreignSplits, reading.nestedCopy, reading.imagesAndOthers, reading.copies,
		reading.numbered},
	classesLikeSplits: {reading.roles, reading.numberedBeside},
	classesOfSplits: {reading.roles, reading.someOfSplits, reading.fillersOfSplits, reading.partsOfSplits,
		reading.numberedOfSplits},
	splitsOfClasses: {reading.roles, reading.flatSplits, reading.rolesWithin, reading.numberedWithin, reading.noTraining, reading.besideSplits},
}

// doubt returns the first reason why the folders can be read in another way, "" if they can't.
func (r reading) doubt() string {
	for _, d := range doubts[r.kind] {
		if why := d(r); why != "" {
			return why
		}
	}
	return ""
}

// roles: none of the folders looks like a class.
func (r reading) roles() string {
	names := nodeNames(r.n.below)
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return !isRole(name) }) {
		return ""
	}
	return fmt.Sprintf("%s look like no classes, but like images of all classes (for labels in a file see FromCSV, in file names FromPattern) or like parts of them%s",
		list(names), r.together())
}

// someOfSplits: not all folders hold folders named like splits and nothing else.
func (r reading) someOfSplits() string {
	if !slices.ContainsFunc(r.n.below, func(b *node) bool { return len(b.splits()) < len(b.below) || b.images > 0 }) {
		return ""
	}
	return "some class folders hold folders named like splits and others don't"
}

func (r reading) fillersOfSplits() string {
	if !slices.ContainsFunc(r.n.below, func(b *node) bool { return fillers[strings.ToLower(b.name)] }) {
		return ""
	}
	return fmt.Sprintf("%s hold splits, and look like no classes", list(nodeNames(r.n.below)))
}

// partsOfSplits: two of the folders hold splits, of only folders, that share names: fold1/train/cats and
// fold2/train/cats. The images of a class lie in its splits or in folders of their own.
func (r reading) partsOfSplits() string {
	seen := map[string]bool{}
	shared := false
	for _, part := range r.n.below {
		names := map[string]bool{}
		for _, s := range part.below {
			if s.images > 0 || len(s.inside().below) < 2 {
				return ""
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
	if !shared {
		return ""
	}
	part, split := r.n.below[0].name, r.n.below[0].below[0].name
	return fmt.Sprintf("%s hold splits with folders of the same names and may be classes (Options{Train: \"*/%s\", ...}), or parts of the data (Options{Train: \"%s/%s\", ...})%s",
		list(nodeNames(r.n.below)), split, part, split, r.together())
}

// looseSplits: two folders mean different splits if the words that both have are left out: seg_train and seg_test.
func (r reading) looseSplits() string {
	by := map[string]string{} // split by the other words
	for _, b := range r.n.below {
		split, rest := looseSplit(b.name)
		if split == "" {
			continue
		}
		if other := by[rest]; other != "" && other != split {
			return fmt.Sprintf("%s may be classes, or splits by a part of their names", list(nodeNames(r.n.below)))
		}
		by[rest] = split
	}
	return ""
}

// foreignSplits: the folders are named like splits in another language: entrenamiento and prueba.
func (r reading) foreignSplits() string {
	by := map[string]bool{}
	var named []*node
	for _, b := range r.n.below {
		if split := foreignSplit(b.name); split != "" && len(b.below) > 0 {
			by[split], named = true, append(named, b)
		}
	}
	if len(by) < 2 || !by[trainSplit] {
		return ""
	}
	return fmt.Sprintf("%s look like splits in another language (%s)", list(nodeNames(named)), optionsBy(r.prefix, named, foreignSplit))
}

// nestedCopy: a folder holds two or more folders named as those beside it.
func (r reading) nestedCopy() string {
	outer, inner := r.n.nestedCopy()
	if outer == "" {
		return ""
	}
	return fmt.Sprintf("%s holds folders named as those beside it (%s), so it may be a class, a part of the data or a copy of it", outer, list(inner))
}

// imagesAndOthers: the folders within the folders are one of images and others of masks or the like, the same in all.
func (r reading) imagesAndOthers() string {
	if !r.n.sameLeaves() {
		return ""
	}
	images, others := "", []string{}
	for _, name := range nodeNames(r.n.below[0].below) {
		switch {
		case isCompanionFolder(name):
			others = append(others, name)
		case images == "" && isRole(name):
			images = name
		default:
			return ""
		}
	}
	if images == "" || len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("%s hold folders that look like no classes (%s, %s): for the images alone give Options{Train: %q}",
		list(nodeNames(r.n.below)), images, list(others), "*/"+images)
}

// copies: several folders hold the same two or more folders and nothing else.
func (r reading) copies() string {
	if !r.n.sameLeaves() && !r.n.sameBelow() {
		return ""
	}
	return fmt.Sprintf("%s hold folders of the same names and may be classes, or parts of the data%s", list(nodeNames(r.n.below)), r.together())
}

// flatSplits: none of the folders named like splits holds a folder that a class would be: train/1.jpg, or
// train/train/1.jpg.
func (r reading) flatSplits() string {
	if slices.ContainsFunc(r.splits, func(s *node) bool { return len(s.below) > 0 && !s.doubled() }) {
		return ""
	}
	return fmt.Sprintf("%s may be classes, or splits without class folders (for these see FromPattern and FromCSV)", list(nodeNames(r.splits)))
}

// rolesWithin: the splits hold two or more folders, of which none looks like a class: train/images and train/masks.
func (r reading) rolesWithin() string {
	names := map[string]bool{}
	for _, s := range r.splits {
		for _, c := range s.inside().below {
			if !isRole(c.name) {
				return ""
			}
			names[c.name] = true
		}
	}
	if len(names) < 2 {
		return ""
	}
	return fmt.Sprintf("the folders within %s look like no classes, but like images of all classes (for labels in a file see FromCSV, in file names FromPattern) or like parts of them%s",
		list(nodeNames(r.splits)), r.together())
}

// besideSplits: there are other folders, and no two of the splits hold a folder of the same name, as splits do and
// classes don't.
func (r reading) besideSplits() string {
	if len(r.splits) == len(r.n.below) || shareClasses(r.splits) {
		return ""
	}
	may, them := "may be splits or classes", "them"
	if len(r.splits) == 1 {
		may, them = "may be a split or a class", "it"
	}
	return fmt.Sprintf("%s %s, as there is %s beside %s", list(nodeNames(r.splits)), may, list(nodeNames(r.n.others())), them)
}

// noTraining: no folder is named like one for training, and others beside the splits hold folders of the same names.
func (r reading) noTraining() string {
	if slices.ContainsFunc(r.splits, func(s *node) bool { return splitOf(s.name) == trainSplit }) {
		return ""
	}
	var like []*node
	for _, other := range r.n.others() {
		if slices.ContainsFunc(r.splits, func(s *node) bool { return shareClasses([]*node{s, other}) }) {
			like = append(like, other)
		}
	}
	if len(like) == 0 {
		return ""
	}
	options := optionsBy(r.prefix, append(slices.Clone(r.splits), like[0]), func(name string) string { return cmp.Or(splitOf(name), trainSplit) })
	which := list(nodeNames(like))
	if len(like) > 1 {
		which, options = "one of "+which, "for the first of them "+options
	}
	are := "are splits"
	if len(r.splits) == 1 {
		are = "is a split"
	}
	return fmt.Sprintf("%s %s, and none of the folders is named like the one for training, which may be %s (%s)", list(nodeNames(r.splits)), are, which, options)
}

// numbered, numberedBeside, numberedOfSplits, numberedWithin: what would be the classes looks like numbered parts of
// the data.
func (r reading) numbered() string       { return r.lookLikeParts(r.n.below, allClasses) }
func (r reading) numberedBeside() string { return r.lookLikeParts(r.n.others(), allClasses) } // fold1, fold2 and test
func (r reading) numberedOfSplits() string {
	return r.lookLikeParts(r.n.below, optionsFor(path.Join(r.prefix, "*"), r.n.below[0].below))
}
func (r reading) numberedWithin() string {
	return r.lookLikeParts(within(r.splits), optionsFor(r.prefix, r.splits))
}

// allClasses are the options that read the outermost folders as classes.
const allClasses = `Options{Train: "."}`

// optionsFor returns the options that name the folders of splits below a path.
func optionsFor(above string, splits []*node) string { return optionsBy(above, splits, splitOf) }

// optionsBy is optionsFor with the function that tells a folder's split by its name.
func optionsBy(above string, splits []*node, splitOf func(name string) string) string {
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
func (r reading) lookLikeParts(folders []*node, options string) string {
	names := slices.Compact(nodeNames(folders))
	flat := !slices.ContainsFunc(folders, func(f *node) bool { return len(f.below) > 0 })
	if !numberedParts(names) || flat && lettered(names) {
		return ""
	}
	return fmt.Sprintf("%s look like no classes, but like numbered parts of the data; if they are the classes, give %s; "+
		"if not, see FromCSV for labels in a file, FromPattern for labels in file names%s",
		list(names), options, r.together())
}

// together names the pattern for FromPattern that reads all folders as one data set, with the folders that images lie
// in as classes: " (FromPattern with ... reads these together)". It is "" if those folders don't look like classes
// within parts of the data.
func (r reading) together() string {
	depths, names := map[int]bool{}, map[string]bool{}
	if !r.n.classesWithin(1, depths, names) || depths[1] || len(names) < 2 {
		return ""
	}
	pattern := innermost
	if len(depths) == 1 {
		above := slices.Collect(maps.Keys(depths))[0] - 1
		if r.prefix != "" {
			above += 1 + strings.Count(r.prefix, "/")
		}
		pattern = strings.Repeat("*/", above) + "{class}/*"
	}
	return fmt.Sprintf(" (FromPattern with %q reads these together)", pattern)
}

// classesWithin enters the depths and names of the folders below n that images lie in; depth is that of the folders in
// n. It reports whether these may be classes: none is named like a split, a part or images of all classes, and none of
// masks.
func (n *node) classesWithin(depth int, depths map[int]bool, names map[string]bool) bool {
	for _, b := range n.below {
		if b.images > 0 {
			if isRole(b.name) || splitOf(b.name) != "" || partOf(b.name) != "" {
				return false
			}
			depths[depth], names[b.name] = true, true
		}
		if isCompanionFolder(b.name) || !b.classesWithin(depth+1, depths, names) {
			return false
		}
	}
	return true
}

// nestedCopy returns a folder that holds two or more folders named as those beside it, and these names: archives of
// Kaggle often hold the data twice. It returns "" if there is none.
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

// sameBelow reports whether several folders hold the same two or more folders and nothing else.
func (n *node) sameBelow() bool {
	if len(n.below) < 2 || len(n.below[0].below) < 2 {
		return false
	}
	first := nodeNames(n.below[0].below)
	return !slices.ContainsFunc(n.below, func(b *node) bool { return b.images > 0 || !slices.Equal(nodeNames(b.below), first) })
}

// doubled reports whether all images of a split lie in one folder of the same meaning within it.
func (n *node) doubled() bool {
	return len(n.below) == 1 && n.images == 0 && len(n.below[0].below) == 0 && splitOf(n.below[0].name) == splitOf(n.name)
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
