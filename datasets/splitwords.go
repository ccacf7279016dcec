package datasets

import (
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
