package datasets

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

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

// explicitRules are the folders that the options name. A single folder around the classes of one is entered, as where
// no options are given: Train: "seg_train" means seg_train/seg_train.
func explicitRules(source string, root *node, o Options) ([]rule, error) {
	var rules []rule
	var folders []string // of the options, in their order; "" for one that is not there
	var all []*node      // those that hold the classes
	for _, r := range o.rules() {
		folder := root.find(source, r.folder)
		folders = append(folders, folder)
		if n := root.at(folder); n != nil {
			all = append(all, n.inside())
		}
	}
	for i, r := range o.rules() {
		folder := folders[i]
		if folder == "" {
			return nil, fmt.Errorf("datasets: %s has no folder %s with images, which the options name for %s%s. Found:\n%v",
				source, r.folder, r.split, several(source, root, r.folder), root)
		}
		wrapper := root.at(folder).wrapper()
		isClass := slices.ContainsFunc(all, func(n *node) bool { return slices.Contains(nodeNames(n.below), wrapper) })
		if !isClass { // a folder of one class of a split is no wrapper
			folder = path.Join(folder, wrapper)
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

// several is what to do where an option names several folders for one split, "fold1,fold2", "" where it does not.
func several(source string, root *node, folders string) string {
	names := strings.Split(folders, ",")
	if len(names) < 2 || slices.ContainsFunc(names, func(name string) bool { return root.find(source, strings.TrimSpace(name)) == "" }) {
		return ""
	}
	return `; an option names one folder here, and FromPattern with "{split}/{class}/*" and the same options takes several for a split`
}

// explicitLayout reads the folders that the options name.
func explicitLayout(source string, root *node, paths []string, o Options) (layout, error) {
	rules, err := explicitRules(source, root, o)
	if err != nil {
		return layout{}, err
	}
	for _, r := range rules {
		if !slices.ContainsFunc(paths, func(rel string) bool { _, ok := r.place(rel); return ok }) {
			return layout{}, fmt.Errorf("datasets: %s: no image lies in a folder of a class within %s, which the options name for %s; %s. Found:\n%v",
				source, r.folder, r.split, r.advice(root), root)
		}
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

// advice is what to name in place of a folder that holds no folder of a class.
func (r rule) advice(root *node) string {
	field := map[string]string{trainSplit: "Train", valSplit: "Val", testSplit: "Test"}[r.split]
	above, around := path.Dir(r.folder), root
	if above != "." {
		around = root.at(above)
	}
	switch {
	case path.Base(r.folder) == "*":
		text := fmt.Sprintf("%q stands for the folder of each class, so that a folder within these has to follow it (\"*/train\")", "*")
		if len(root.below) > 1 || above != "." {
			text += fmt.Sprintf("; if all folders are classes, give Options{%s: %q}", field, above)
		}
		return text
	case around != nil && len(around.splits()) == 0:
		return fmt.Sprintf("name the folder above those of the classes: Options{%s: %q}", field, above)
	}
	return "expected a folder that holds one for each class; for labels in a file see FromCSV, in file names FromPattern"
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

// at returns the folder at a path from the root, nil for one with "*".
func (n *node) at(folder string) *node {
	for name := range strings.SplitSeq(folder, "/") {
		if name == "." {
			return nil
		}
		i := slices.IndexFunc(n.below, func(b *node) bool { return b.name == name })
		if i < 0 {
			return nil
		}
		n = n.below[i]
	}
	return n
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
