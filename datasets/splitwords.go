package datasets

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
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

// foreignWords are words for a split in other languages, without accents. A name of these alone is a reason to ask, as
// classes may have such names, too.
var foreignWords = map[string]string{
	"entrenamiento": trainSplit, "validacion": valSplit, "prueba": testSplit, "pruebas": testSplit, // Spanish
	"apprentissage": trainSplit, "entrainement": trainSplit, "essai": testSplit, // French
	"trainings": trainSplit, "trainingsdaten": trainSplit, "trainingsbilder": trainSplit, "validierung": valSplit, "validierungs": valSplit,
	"validierungsdaten": valSplit, "validierungsbilder": valSplit, "testdaten": testSplit, "testbilder": testSplit, // German
	"addestramento": trainSplit, "validazione": valSplit, "convalida": valSplit, "prova": testSplit, // Italian
	"treino": trainSplit, "treinamento": trainSplit, "validacao": valSplit, "teste": testSplit, // Portuguese
	"validatie": valSplit, "trening": trainSplit, "uczenie": trainSplit, "walidacja": valSplit, // Dutch, Polish
	"egitim": trainSplit, "dogrulama": valSplit, // Turkish
}

// foreignParts are the same in scripts whose words are written together.
var foreignParts = []struct{ part, split string }{
	{"\u8a13\u7df4", trainSplit}, {"\u5b66\u7fd2", trainSplit}, {"\u691c\u8a3c", valSplit}, {"\u8a55\u4fa1", testSplit}, {"\u30c6\u30b9\u30c8", testSplit}, // Japanese
	{"\u8bad\u7ec3", trainSplit}, {"\u9a8c\u8bc1", valSplit}, {"\u6d4b\u8bd5", testSplit}, {"\u9a57\u8b49", valSplit}, {"\u6e2c\u8a66", testSplit}, // Chinese
	{"\ud6c8\ub828", trainSplit}, {"\ud559\uc2b5", trainSplit}, {"\uac80\uc99d", valSplit}, {"\ud14c\uc2a4\ud2b8", testSplit}, {"\uc2dc\ud5d8", testSplit}, // Korean
	{"\u043e\u0431\u0443\u0447", trainSplit}, {"\u0442\u0440\u0435\u043d\u0438\u0440", trainSplit}, {"\u0432\u0430\u043b\u0438\u0434\u0430\u0446", valSplit},
	{"\u043f\u0440\u043e\u0432\u0435\u0440", valSplit}, {"\u0442\u0435\u0441\u0442", testSplit}, // Russian
}

// foreignSplit returns the split that a folder's name means in another language or in English, "" if none.
func foreignSplit(name string) string {
	if split := splitOf(name); split != "" {
		return split
	}
	name = strings.ToLower(norm.NFC.String(name))
	for _, f := range foreignParts {
		if strings.Contains(name, f.part) {
			return f.split
		}
	}
	plain := strings.Map(func(r rune) rune { // letters without their accents
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(name))
	for _, w := range strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if split := foreignWords[w]; split != "" {
			return split
		}
	}
	return ""
}

// fillers are words that may accompany a split's word in a folder's name and carry no meaning.
var fillers = map[string]bool{"set": true, "data": true, "dataset": true, "images": true, "image": true, "imgs": true, "img": true,
	"split": true, "folder": true, "photos": true, "pictures": true, "samples": true}

// roles are words for folders that hold no class, but the images of all classes or something that belongs to images.
var roles = map[string]bool{"jpegimages": true, "jpegs": true, "pics": true, "mask": true, "masks": true, "label": true, "labels": true,
	"annotation": true, "annotations": true, "groundtruth": true, "gt": true, "segmentation": true, "segmentationclass": true,
	"segmentationobject": true, "depth": true}

// isRole reports whether a folder's name is such a word, or one that carries no meaning, perhaps with nnU-Net's Tr or
// Ts behind it.
func isRole(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(name, "Tr"), "Ts"))
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
