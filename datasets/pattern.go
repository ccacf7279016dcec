package datasets

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
)

// FromPattern loads a folder or a zip file whose file names contain the class: "{class}.*.jpg" for cat.0.jpg,
// "{class}_*.jpg" for great_pyrenees_173.jpg (the class is as long as possible). In a pattern "*" stands for any
// characters and "?" for one, but no slash; "**/" for any number of folders; "{split}" for train, val or test, or the
// words that Options.Train, Val and Test name. A pattern without a slash is matched against the file's name in any
// folder, one with a slash against the path from the root: "{split}/{class}-*.png". The extension at the end fits in
// capitals, too. A pattern with a parenthesis and without {class} is a regular expression (package regexp), matched
// against the path. Its group "class", or else its first unnamed group, is the class; its group "split" is the split.
//
// Without {split}, folders named like splits (see ImageFolder) are splits if all images lie in such folders;
// Options.Train, Val and Test name the folders otherwise. Files that do not match the pattern are left out and
// reported; the others are checked as in ImageFolder.
func FromPattern(dir, pattern string, opts ...Options) (*Dataset, error) {
	o, err := one("FromPattern", opts)
	if err != nil {
		return nil, err
	}
	d, err := fromPattern(dir, pattern, o)
	return d.from("FromPattern", o, dir, pattern), err
}

func fromPattern(dir, pattern string, o Options) (*Dataset, error) {
	p, err := compilePattern(pattern)
	if err != nil {
		return nil, err
	}
	if dir, err = fetch.ExpandHome(dir); err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	t, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	t.dropPrograms(pattern)
	l := newListing(dir, t.abs+" "+pattern)
	l.left, l.tree.stamp, l.tree.note = t.left, t.stamp, t.note
	for _, f := range t.files {
		class, split, ok := p.match(f.path)
		if !ok {
			l.leaveOut(f.path, fmt.Sprintf("its name does not fit %q", pattern))
			continue
		}
		l.add(entry{file: f, class: class, split: split, from: "its name"})
	}
	if len(l.entries) == 0 {
		return nil, fmt.Errorf("datasets: %s: none of the %d files fits the pattern %q; %s", dir, len(t.files), pattern, firstNames(t))
	}
	if p.splits {
		if err := l.nameSplits("", o); err != nil {
			return nil, fmt.Errorf("datasets: %s: %w", dir, err)
		}
	} else if err := l.splitByFolder(o); err != nil {
		return nil, err
	}
	d, err := l.dataset(strings.TrimSuffix(filepath.Base(dir), ".zip"), o)
	if err == nil && len(d.Classes) == len(l.entries) {
		d.warn(fmt.Sprintf("every image has a class of its own, such as %q: {class} takes in too much of the names; see the pattern %q", d.Classes[0], pattern))
	}
	return d, err
}

func firstNames(t *tree) string {
	var names []string
	for _, f := range t.files {
		names = append(names, f.path)
	}
	if len(names) == 0 {
		return "there are none"
	}
	return "they are " + list(names)
}

// pattern reads class and split from a path.
type pattern struct {
	*regexp.Regexp
	class, split int  // groups
	whole        bool // matched against the path, not the name
	splits       bool
}

// patternSigns translates a pattern's signs to a regular expression.
var patternSigns = strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`,
	`\{class\}`, `(?P<class>[^/]+)`, `\{split\}`, `(?P<split>[^/]+?)`)

func compilePattern(text string) (pattern, error) {
	expression := strings.Contains(text, "(") && !strings.Contains(text, "{class}") // names may have parentheses: "cat (1).jpg"
	p := pattern{whole: expression || strings.Contains(text, "/")}
	expr := text
	if !expression {
		ext := path.Ext(text)
		if !imagefiles.NamedAsRead(text) {
			ext = ""
		}
		expr = "^" + patternSigns.Replace(regexp.QuoteMeta(strings.TrimSuffix(text, ext))) + "(?i:" + regexp.QuoteMeta(ext) + ")$"
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return p, fmt.Errorf("datasets: the pattern %q: %w", text, err)
	}
	p.Regexp, p.class, p.split = re, re.SubexpIndex("class"), re.SubexpIndex("split")
	p.splits = p.split >= 0
	for i, name := range re.SubexpNames() {
		if name == "class" && i != p.class || name == "split" && i != p.split {
			return p, fmt.Errorf("datasets: the pattern %q has {%s} twice; expected it once, and * for other parts of the names", text, name)
		}
	}
	if p.class < 0 {
		for i, name := range re.SubexpNames() {
			if i > 0 && name == "" {
				p.class = i
				break
			}
		}
	}
	if p.class < 0 {
		return p, fmt.Errorf("datasets: the pattern %q says no class; expected {class} in it, such as \"{class}.*.jpg\", or a group in parentheses", text)
	}
	return p, nil
}

func (p pattern) match(file string) (class, split string, ok bool) {
	if !p.whole {
		file = path.Base(file)
	}
	m := p.FindStringSubmatch(file)
	if m == nil {
		return "", "", false
	}
	if p.splits {
		split = m[p.split]
	}
	return m[p.class], split, m[p.class] != ""
}

// splitByFolder sets the splits by the folders that images lie in.
func (l *listing) splitByFolder(o Options) error {
	var paths []string
	for _, e := range l.entries {
		paths = append(paths, e.path)
	}
	root := imageTree(paths)
	if o.named() {
		return l.splitByOptions(root, o)
	}
	prefix, n := "", root
	for len(n.below) == 1 && n.images == 0 && splitOf(n.below[0].name) == "" {
		n = n.below[0]
		prefix = path.Join(prefix, n.name) + "/"
	}
	splits := n.splits()
	if len(splits) == 0 {
		return nil
	}
	if len(splits) < len(n.below) || n.images > 0 {
		return fmt.Errorf("datasets: %s: some images lie in %s and others elsewhere; say which with Options{Train: ..., Val: ..., Test: ...} or {split}. Found:\n%v",
			l.tree.source, list(nodeNames(splits)), root)
	}
	if err := twoFolders(l.tree.source, splits); err != nil {
		return err
	}
	for i, e := range l.entries {
		folder, _, _ := strings.Cut(strings.TrimPrefix(e.path, prefix), "/")
		l.entries[i].split = splitOf(folder)
	}
	return nil
}

// splitByOptions sets the splits by the folders that the options name.
func (l *listing) splitByOptions(root *node, o Options) error {
	rules, err := explicitRules(l.tree.source, root, o)
	if err != nil {
		return err
	}
	for i, e := range l.entries {
		split := ""
		for _, r := range rules {
			if r.folder == "." || strings.HasPrefix(e.path, r.folder+"/") {
				split = r.split
				break
			}
		}
		if split == "" {
			l.bad[e.path] = "outside of the folders that the options name"
		}
		l.entries[i].split = split
	}
	return nil
}
