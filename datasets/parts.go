package datasets

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// partWords are words for a part of a data set, in lower case. A numbered part may also have a filler: "images_1".
var partWords = map[string]bool{"part": true, "parts": true, "fold": true, "kfold": true, "folds": true, "batch": true, "batches": true,
	"shard": true, "chunk": true, "subset": true, "archive": true, "pics": true, "jpegs": true}

// Names of numbered parts: "images_part_1", "part (2)", "part_II", "PartA", "1_images", "data-00001-of-00005".
var (
	numberBehind = regexp.MustCompile(`^(.*?)[-_. (]*` +
		`(?:[0-9]+|[-_. (](?i:[a-z]|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten))\)?` +
		`(?i:[-_. ]*of[-_. ]*[0-9]+)?$`)
	capitalLast  = regexp.MustCompile(`^(.*[a-z])[A-Z]$`)
	numberBefore = regexp.MustCompile(`^[0-9]+[-_. ]+(.*)$`)
)

// partOf returns a folder's name without its number, in lower case, if the folder is named like a numbered part of a
// data set, else "".
func partOf(name string) string {
	for _, form := range []*regexp.Regexp{numberBehind, capitalLast, numberBefore} {
		m := form.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if words := wordsOf(m[1]); len(words) > 0 {
			if last := words[len(words)-1]; partWords[last] || fillers[last] {
				return strings.ToLower(m[1])
			}
		}
	}
	return ""
}

// numberedParts reports whether folders look like no classes but like the parts that large data sets come in, with all
// classes in each: two or more names that differ in a number alone. Folders of other roles, such as masks, may be
// beside them.
func numberedParts(names []string) bool {
	i := slices.IndexFunc(names, func(name string) bool { return partOf(name) != "" })
	if i < 0 {
		return false
	}
	whole, parts := partOf(names[i]), 0
	for _, name := range names {
		switch {
		case partOf(name) == whole, strings.EqualFold(name, whole): // "images" and "images2"
			parts++
		case !isRole(name):
			return false
		}
	}
	return parts > 1
}

// letterLast fits a name with a single letter at its end: "Part_A", "SetB".
var letterLast = regexp.MustCompile(`[-_. (][A-Za-z]\)?$|[a-z][A-Z]$`)

// lettered reports whether the parts among the names have letters and no numbers. Such folders may be classes, too: of
// workpieces that are called "Part A" and "Part B".
func lettered(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return partOf(name) != "" && !letterLast.MatchString(name) })
}

// letteredParts is a warning about classes that are named like parts of a data set with letters, "" if they are not.
func letteredParts(classes []string) string {
	if !numberedParts(classes) || !lettered(classes) {
		return ""
	}
	return fmt.Sprintf("%s are read as classes; if they are parts of the data with images of several classes, "+
		"see FromCSV for labels in a file, FromPattern for labels in file names", list(classes))
}

// within are the folders in which a split's classes would be, over all splits.
func within(splits []*node) (folders []*node) {
	for _, s := range splits {
		folders = append(folders, s.inside().below...)
	}
	return folders
}
