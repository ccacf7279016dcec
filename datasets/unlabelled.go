package datasets

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// missingMarks are words of programs and people for a label that is missing, which may be the name of a class, too: of
// pandas and Excel, FiftyOne's _unlabeled and CVAT's no_label. isMissingMark looks for a name here in
// lower case, with one blank between words; a name without words is "".
var missingMarks = map[string]bool{"": true, "n/a": true, "#n/a": true, "na": true, "nan": true, "null": true, "nil": true, "none": true,
	"undefined": true, "unlabeled": true, "unlabelled": true, "no label": true, "nolabel": true, "no labels": true,
	"not labeled": true, "not labelled": true, "without label": true, "unannotated": true, "not annotated": true, "untagged": true,
	"unsorted": true, "to label": true, "to sort": true, "to be labeled": true, "to be labelled": true, "todo": true, "to do": true, "tbd": true,
	"unassigned": true, "unclassified": true, "uncategorized": true, "uncategorised": true, "no class": true, "noclass": true}

// setAside are words for images that someone has taken out of the data. Of two classes they may be one: "accepted" and
// "rejected".
var setAside = map[string]bool{"rejected": true, "rejects": true, "discarded": true, "discard": true, "excluded": true,
	"duplicate": true, "duplicates": true, "dupes": true}

// unnamedFolder fits the names that Windows, macOS and Linux give to a new folder: "New Folder (2)",
// "untitled folder 3".
var unnamedFolder = regexp.MustCompile(`(?i)^(?:new folder|untitled folder|neuer ordner|nouveau dossier|nueva carpeta|` +
	`\x{65b0}\x{3057}\x{3044}\x{30d5}\x{30a9}\x{30eb}\x{30c0}\x{30fc}?|\x{540d}\x{79f0}\x{672a}\x{8a2d}\x{5b9a}\x{30d5}\x{30a9}\x{30eb}\x{30c0}|\x{65b0}\x{5efa}\x{6587}\x{4ef6}\x{5939})` +
	` ?(?:\(?[0-9]+\)?)?$`)

// isMissingMark reports whether a name of a class is such a word: "None", "_unlabeled", "<NA>", "?", "no_label_images".
func isMissingMark(class string) bool {
	if unnamedFolder.MatchString(class) {
		return true
	}
	words := strings.FieldsFunc(strings.ToLower(class), func(r rune) bool { return strings.ContainsRune("_-.?<>()[]{} ", r) })
	for len(words) > 1 && fillers[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return missingMarks[strings.Join(words, " ")]
}

// unlabelledClasses is a warning about classes whose names may mean that there is no label, "" if there are none.
func (d *Dataset) unlabelledClasses() string {
	return d.doubtfulClasses("mean", "that there is no label", func(i int, c string) bool {
		return isMissingMark(c) || isMinusOne(c) && countsFromZero(slices.Delete(slices.Clone(d.Classes), i, i+1))
	})
}

// setAsideClasses is a warning about classes of images that someone may have taken out of the data, "" if there are
// none.
func (d *Dataset) setAsideClasses() string {
	return d.doubtfulClasses("hold", "images that were set aside", func(_ int, c string) bool {
		return len(d.Classes) > 2 && setAside[strings.Trim(strings.ToLower(c), "_-. ")]
	})
}

// doubtfulClasses is a warning about classes that may be none, if they do what verb and object say.
func (d *Dataset) doubtfulClasses(verb, object string, is func(i int, class string) bool) string {
	var marks []string
	for i, c := range d.Classes {
		if is(i, c) {
			marks = append(marks, fmt.Sprintf("%q", c))
		}
	}
	switch len(marks) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%s is read as a class: if it %ss %s, leave its images out (Dataset.Without)", marks[0], verb, object)
	}
	return fmt.Sprintf("%s are read as classes: if they %s %s, leave their images out (Dataset.Without)", list(marks), verb, object)
}

// isMinusOne reports whether a class is -1, which stands for no label beside classes that are counted.
func isMinusOne(class string) bool {
	v, err := strconv.ParseFloat(class, 64)
	return err == nil && v == -1
}

// countsFromZero reports whether classes are numbers from 0 on, of which one is above 1. 0 and 1 are none: with -1 they
// mean negative, neutral and positive, and 1 alone means yes.
func countsFromZero(classes []string) bool {
	most := 0.0
	for _, c := range classes {
		v, err := strconv.ParseFloat(c, 64)
		if err != nil || !(v >= 0) {
			return false
		}
		most = max(most, v)
	}
	return len(classes) > 1 && most > 1
}
