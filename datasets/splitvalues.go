package datasets

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Lists mark splits in their own words: fastai's is_valid has True and False, a table of folds has 0 to 4, Vertex AI's
// has UNASSIGNED.

// nameSplits replaces the words of the list by the names of splits. Options.Train, Val and Test name words for theirs,
// several joined by commas; other words keep their usual meaning. Words without one are for training if Options.Train
// is empty, else their images are left out. column is the name of the words' column, "" if they have none.
func (l *listing) nameSplits(column string, o Options) error {
	found := map[string]bool{}
	for _, e := range l.entries {
		found[e.split] = true
	}
	delete(found, "")
	meaning, err := optionWords(found, o)
	if err != nil {
		return err
	}
	yesNo := len(meaning) == 0 && markOf(column, found) == valSplit
	if column != "" {
		l.noteBlankSplits(column)
	}
	for i, e := range l.entries {
		split, named := meaning[e.split]
		switch usual := splitOf(e.split); {
		case e.split == "", e.class == "":
		case named:
			l.entries[i].split = split
		case usual != "":
			l.entries[i].split = usual
		case yesNo:
			l.entries[i].split = trainSplit
			if isYes(e.split) {
				l.entries[i].split = valSplit
			}
		case o.Train != "":
			l.bad[e.path] = fmt.Sprintf("its split is %q, which the options do not name", e.split)
		case len(meaning) > 0:
			l.entries[i].split = trainSplit
		default:
			return fmt.Errorf("%s: the split of %s is %q; expected train, val or test; %s", e.from, e.path, short(e.split), sayWords(column, found))
		}
	}
	return nil
}

// noteBlankSplits warns of images for which a list's column says no split: they are for training, as those of a list
// without the column.
func (l *listing) noteBlankSplits(column string) {
	blank, first := 0, ""
	for _, e := range l.entries {
		if e.split == "" && e.class != "" {
			blank, first = blank+1, cmp.Or(first, e.path)
		}
	}
	if blank > 0 {
		l.notes = append(l.notes, fmt.Sprintf("column %q says nothing for %d images, such as %s: they are for training", column, blank, first))
	}
}

// optionWords returns the splits by the words that the options name. found are the words of the list.
func optionWords(found map[string]bool, o Options) (map[string]string, error) {
	meaning := map[string]string{}
	usual := slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(w string) bool { return splitOf(w) != "" })
	for _, r := range o.rules() {
		words := strings.Split(r.folder, ",")
		if found[r.folder] {
			words = []string{r.folder}
		}
		for _, w := range words {
			w = strings.TrimSpace(w)
			switch other := meaning[w]; {
			case len(found) == 0:
				return nil, fmt.Errorf("the options name %q for %s, but the list says no splits; give their column as Options.SplitColumn, or Sample.Split", w, r.split)
			case !found[w] && splitOf(w) == r.split && usual: // as "train" for "Train", or "test" where no image is for it
			case !found[w]:
				return nil, fmt.Errorf("the options name %q for %s, which is no split of an image; expected one of %s", w, r.split, list(slices.Sorted(maps.Keys(found))))
			case other != "":
				return nil, fmt.Errorf("the options name %q for both %s and %s; expected different ones", w, other, r.split)
			default:
				meaning[w] = r.split
			}
		}
	}
	return meaning, nil
}

// isYes and isNo report whether a word is one for true or false in a column that marks images.
func isYes(v string) bool {
	return slices.Contains(set, v) || slices.Contains([]string{"yes", "y", "t"}, strings.ToLower(v))
}
func isNo(v string) bool {
	return slices.Contains(unset, v) || slices.Contains([]string{"no", "n", "f"}, strings.ToLower(v))
}

// markOf returns the split that a column marks with true and false: is_valid marks validation. It is "" for others.
func markOf(column string, found map[string]bool) string {
	words := wordsOf(column)
	if len(words) > 1 && words[0] == "is" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return fillers[w] }) // CUB's is_training_image
	}
	for v := range found {
		if !isYes(v) && !isNo(v) {
			return ""
		}
	}
	if len(words) != 1 {
		return ""
	}
	return splitWords[words[0]]
}

// sayWords names the words of a list that have splits in their own words, with an example of the option that says what
// one means. column is the name of their column.
func sayWords(column string, found map[string]bool) string {
	words := slices.Sorted(maps.Keys(found))
	own := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return splitOf(w) != "" })
	mark := markOf(column, found)
	option, is := "Val", isYes // of True and False
	switch mark {
	case trainSplit: // the images that are not for training are for validation
		is = isNo
	case testSplit:
		option = "Test"
	}
	example := own[0]
	if i := slices.IndexFunc(own, is); i >= 0 && (len(own) == 2 || mark != "") {
		example = own[i]
	}
	return fmt.Sprintf("there are %s: say what they mean, such as Options{%s: %q} (the others are then for training), or Train, Val and Test with words joined by commas",
		list(words), option, short(example))
}
