package datasets

import (
	"fmt"
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
	"unassigned": true, "unclassified": true, "uncategorized": true, "uncategorised": true, "no class": true, "noclass": true}

// isMissingMark reports whether a name of a class is such a word: "None", "_unlabeled", "<NA>", "?", "no_label_images".
func isMissingMark(class string) bool {
	words := strings.FieldsFunc(strings.ToLower(class), func(r rune) bool { return strings.ContainsRune("_-.?<>()[]{} ", r) })
	for len(words) > 1 && fillers[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return missingMarks[strings.Join(words, " ")]
}

// unlabelledClasses is a warning about classes whose names may mean that there is no label, "" if there are none.
func (d *Dataset) unlabelledClasses() string {
	var marks []string
	for i, c := range d.Classes {
		if isMissingMark(c) || isMinusOne(c) && countsFromZero(slices.Delete(slices.Clone(d.Classes), i, i+1)) {
			marks = append(marks, fmt.Sprintf("%q", c))
		}
	}
	switch len(marks) {
	case 0:
		return ""
	case 1:
		return marks[0] + " is read as a class: if it means that there is no label, leave its images out (Dataset.Without)"
	}
	return list(marks) + " are read as classes: if they mean that there is no label, leave their images out (Dataset.Without)"
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
