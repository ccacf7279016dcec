package datasets

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// Sample is an image file with its label.
type Sample struct {
	Path  string // of the file; relative to Options.Dir, or else to the working folder
	Class string // its label
	Split string // "train", "val", "test", another usual name of these, or one that Options name; "" means train
}

// FromSamples makes a data set of image files with your own labels. The classes are the names in the samples, sorted.
// Files are checked as in ImageFolder. A file that is listed twice counts once, and a file with two labels is left out.
// Without images for validation, the share Options.ValFraction of the training images is used for it.
func FromSamples(name string, samples []Sample, opts ...Options) (*Dataset, error) {
	o, err := one("FromSamples", opts)
	if err != nil {
		return nil, err
	}
	dir, err := fetch.ExpandHome(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("datasets: FromSamples: Options.Dir: %w", err)
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("datasets: %s: no samples; expected one per image", name)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	l := newListing(abs, filepath.Join(abs, "samples "+name))
	for i, s := range samples {
		if reason := unread(s.Path); reason != "" {
			l.leaveOut(cmp.Or(s.Path, fmt.Sprintf("sample %d", i)), reason)
			continue
		}
		p, err := fetch.ExpandHome(s.Path)
		if err != nil {
			return nil, fmt.Errorf("datasets: %s: sample %d: %w", name, i, err)
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		l.add(entry{file: openFile(nameFrom(abs, s.Path), p), class: s.Class, split: s.Split, from: fmt.Sprintf("sample %d", i)})
	}
	if err := l.nameSplits("", o); err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	d, err := l.dataset(name, o)
	if d = d.from("FromSamples", o, name); d != nil {
		d.origin.Samples = slices.Clone(samples)
	}
	return d, err
}

// unread returns the reason why what a sample gives as its path is none, "" for a path.
func unread(p string) string {
	switch {
	case p == "":
		return "no path is given"
	case isImageText(p):
		return inTheList
	case addressPath(p) != "":
		return anAddress
	}
	return ""
}

// nameFrom returns a file's path with slashes, relative to dir if it lies there.
func nameFrom(dir, p string) string {
	if rel, err := filepath.Rel(dir, p); err == nil && filepath.IsAbs(p) && filepath.IsLocal(rel) {
		p = rel
	}
	return filepath.ToSlash(filepath.Clean(p))
}

// openFile describes the file at p; a missing file fails when it is opened.
func openFile(name, p string) file {
	f := file{path: name, open: opener(p)}
	if info, err := os.Stat(p); err == nil {
		f.size, f.changed = info.Size(), changed(info)
	}
	return f
}

// entry is a file with its class, the word for its split, and where they come from ("line 7").
type entry struct {
	file
	class, split, from string
}

// listing collects files with labels from a list.
type listing struct {
	tree    *tree
	entries []entry // parallel to the tree's files
	first   map[string]int
	bad     map[string]string // reasons, by path
	left    Report
	notes   []string // warnings about what was read
}

// newListing starts a list; key distinguishes its verdicts in the cache from those of other lists.
func newListing(source, key string) *listing {
	return &listing{tree: &tree{source: source, abs: key}, first: map[string]int{}, bad: map[string]string{}}
}

func (l *listing) leaveOut(path, reason string) { l.left = append(l.left, LeftOut{path, reason}) }

// add appends an entry, unless its file is in the list already; a different label or split then marks the file as bad.
// Of two entries of a file, one without a label says nothing.
func (l *listing) add(e entry) {
	if at, ok := l.first[e.path]; ok {
		switch old := l.entries[at]; {
		case e.class == "" && old.class != "":
		case old.class == "" && e.class != "":
			l.entries[at] = e
		case old.class != e.class || old.split != e.split:
			l.bad[e.path] = fmt.Sprintf("it is listed as %s (%s) and as %s (%s)", old.place(), old.from, e.place(), e.from)
		}
		return
	}
	l.first[e.path] = len(l.entries)
	l.entries = append(l.entries, e)
	l.tree.files = append(l.tree.files, e.file)
}

func (e entry) place() string {
	if e.split == "" {
		return fmt.Sprintf("%q", e.class)
	}
	return fmt.Sprintf("%q for %s", e.class, e.split)
}

// dataset checks the files and makes the data set. The entries' splits have their names (see nameSplits).
func (l *listing) dataset(name string, o Options) (*Dataset, error) {
	l.tree.check(o.SkipCheck)
	s := sorted{left: l.left}
	for i, e := range l.entries {
		split := cmp.Or(e.split, trainSplit)
		reason := l.tree.all[i].Reason
		switch {
		case l.bad[e.path] != "":
			reason = l.bad[e.path]
		case reason != "":
		case e.class == "":
			reason = "no label (" + e.from + ")"
		}
		if reason != "" {
			s.left = append(s.left, LeftOut{e.path, reason})
			continue
		}
		s.images = append(s.images, labelled{place{split, e.class}, e.path, i})
	}
	d, err := assemble(name, l.tree, s, o)
	if err != nil {
		return nil, err
	}
	for _, note := range append(l.notes, d.doubtfulLabels()...) {
		d.warn(note)
	}
	return d, nil
}

// joinMarks are the marks that may join several names in one label.
var joinMarks = []string{"|", ",", ";", "+", "/", "&", " "}

// joinedLabel returns a function that reports whether a class may be several names joined by a mark: by a bar, or by
// another one if the classes are lists of tags (see sharedTags) and one of its parts is in another class, too.
func (d *Dataset) joinedLabel() func(class string) bool {
	shared := map[string]map[string]bool{} // by the mark
	for _, mark := range joinMarks {
		shared[mark] = sharedTags(d.Classes, mark)
	}
	return func(c string) bool {
		return slices.ContainsFunc(joinMarks, func(mark string) bool {
			parts := partsOf(c, mark)
			return len(parts) > 1 && (mark == "|" || slices.ContainsFunc(parts, func(p string) bool { return shared[mark][p] }))
		})
	}
}

// maxParts is the number of names up to which a label may join several: more are data (a mask's runs of pixels).
const maxParts = 32

// partsOf returns the names that a mark joins in a label, nil for more than maxParts.
func partsOf(class, mark string) (parts []string) {
	if strings.Count(class, mark) >= maxParts {
		return nil
	}
	for p := range strings.SplitSeq(class, mark) {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

// sharedTags returns the parts that several classes have, nil if the classes are not lists of tags. Ordinary names may
// share the first or the last part ("golden retriever", "Tomato, blight") or some word ("tree frog", "pine tree"). In
// lists of tags one part is the first here and a later one there, one is the last here and an earlier one there, and
// most are shared: three of five, as ImageNet's names share half.
func sharedTags(classes []string, mark string) map[string]bool {
	has := map[string]int{}
	first, later, last, earlier := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	var joined []string // the parts of classes with the mark
	for _, c := range classes {
		parts := partsOf(c, mark)
		if len(slices.Compact(slices.Sorted(slices.Values(parts)))) < len(parts) { // "bison bison" is no list of tags
			continue
		}
		for i, p := range parts {
			has[p]++
			if len(parts) > 1 {
				joined = append(joined, p)
				first[p], later[p] = first[p] || i == 0, later[p] || i > 0
				last[p], earlier[p] = last[p] || i == len(parts)-1, earlier[p] || i < len(parts)-1
			}
		}
	}
	shared, front, back := map[string]bool{}, false, false
	for p, n := range has {
		shared[p] = n > 1
		front, back = front || first[p] && later[p], back || last[p] && earlier[p]
	}
	most := 0
	for _, p := range joined {
		if shared[p] {
			most++
		}
	}
	if !front || !back || 5*most < 3*len(joined) {
		return nil
	}
	return shared
}

// doubtfulLabels are warnings about labels that may be none: several classes in one, and a class for each image.
func (d *Dataset) doubtfulLabels() (notes []string) {
	known, images := map[string]bool{}, 0
	for _, c := range d.Classes {
		known[c] = true
	}
	for _, s := range d.splits() {
		images += s.split.Len()
	}
	for _, c := range d.Classes {
		parts := strings.FieldsFunc(c, func(r rune) bool { return strings.ContainsRune("|;, ", r) })
		if len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return !known[p] }) {
			notes = append(notes, fmt.Sprintf("%q is read as a class of its own, and its parts are classes, too: an image has one label here, so keep one of them, or leave such images out", c))
			break
		}
	}
	for _, kind := range []struct {
		note string
		is   func(class string) bool
	}{
		{"goes over several lines: perhaps a quote in the list is not closed, and lines are missing", func(c string) bool { return strings.ContainsAny(c, "\r\n") }},
		{"is read as a class of its own, and is a JSON object: write the field that is the label alone", func(c string) bool {
			return strings.HasPrefix(c, "{") && json.Valid([]byte(c))
		}},
		{"is read as a class of its own: if it names several classes, keep one for each image, or leave such images out", d.joinedLabel()},
	} {
		if i := slices.IndexFunc(d.Classes, kind.is); i >= 0 {
			notes = append(notes, fmt.Sprintf("%q %s", short(d.Classes[i]), kind.note))
		}
	}
	if len(d.Classes) == images && images > 2 {
		notes = append(notes, fmt.Sprintf("each of the %d images has a class of its own: are these the labels?", images))
	}
	return notes
}
