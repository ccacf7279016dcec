package datasets

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// companions are words for a picture that belongs to another one and shows the same: its mask, its thumbnail. The value
// is false for words that a class may have in its name, too: "bottle" and "bottle_label".
var companions = map[string]bool{"mask": false, "masks": false, "label": false, "labels": false, "depth": false, "gt": false, "seg": false,
	"thumb": false, "thumbs": false, "overlay": false, "overlays": false, "heatmap": false, "heatmaps": false,
	"groundtruth": true, "segmentation": true, "segmentations": true, "annotation": true, "annotations": true, "annotated": true, "anno": true,
	"thumbnail": true, "thumbnails": true, "superpixels": true, "trimap": true, "trimaps": true,
	"aug": true, "augmented": true, "augmentation": true, "augmentations": true}

// companionFolders are further names of folders beside images, for what programs made of these: Augmentor's output.
var companionFolders = map[string]bool{"output": true, "resized": true, "cropped": true, "preprocessed": true, "truth": true}

// imageWords say that a picture is the image itself: "12_rgb" beside "12_mask".
var imageWords = map[string]bool{"image": true, "img": true, "rgb": true, "photo": true, "original": true, "orig": true}

// joints separate the words of a file's or a folder's name.
const joints = "-_. ("

// lastWord cuts the word at the end off a name: "12" and "mask" of "12_mask", "12 (mask)" and "12_mask_1".
func lastWord(name string) (before, word string) {
	name = strings.TrimRight(name, joints+"0123456789)")
	i := strings.LastIndexAny(name, joints)
	if i < 0 {
		return "", name
	}
	return strings.TrimRight(name[:i], joints), name[i+1:]
}

// companionOf returns the name of the picture to which one of this name, in lower case, belongs, and the word before or
// behind it that says so; "" if there is no such word.
func companionOf(name string) (of, word string) {
	of, word = lastWord(name)
	if _, ok := companions[word]; ok && of != "" {
		return of, word
	}
	if i := strings.IndexAny(name, joints); i > 0 {
		if _, ok := companions[name[:i]]; ok {
			return strings.TrimLeft(name[i:], joints), name[:i]
		}
	}
	return "", ""
}

// pairs is a warning about images of a class that seem to belong to others of it, "" if there are fewer than two. Where
// the word may be part of a class's name, those of a single image say nothing: "bottle_label_1" beside "bottle".
func pairs(images []labelled) string {
	type named struct{ class, stem string }
	stem := func(m labelled) named {
		base := strings.ToLower(path.Base(m.name))
		return named{m.class, strings.TrimSuffix(base, path.Ext(base))}
	}
	belongs := map[named][]string{} // the images that belong to another by their names
	certain := map[named]bool{}     // whether one of them does by a word that no class has in its name
	for _, m := range images {
		name := stem(m)
		if of, word := companionOf(name.stem); of != "" {
			name.stem = of
			certain[name] = certain[name] || companions[word]
			belongs[name] = append(belongs[name], m.name)
		}
	}
	if len(belongs) == 0 {
		return ""
	}
	found, stems, sure, example := 0, 0, false, ""
	for _, m := range images {
		name := stem(m)
		if before, word := lastWord(name.stem); imageWords[word] && belongs[name] == nil {
			name.stem = before
		}
		if others := belongs[name]; others != nil {
			if found += len(others); example == "" {
				example = fmt.Sprintf("%s beside %s", short(others[0]), short(m.name))
			}
			stems++
			sure = sure || certain[name]
			delete(belongs, name)
		}
	}
	if found < 2 || stems < 2 && !sure {
		return ""
	}
	return fmt.Sprintf("%d images are named like masks, labels, thumbnails or other versions of others and are read as images of the same class, such as %s: "+
		"move such files out of its folder, or leave them out (Dataset.Without)", found, example)
}

// copyNames fit the names that programs give to the copy of a folder, in several languages: "cat copy 2", "cat -
// Kopie", "cat (1)", "Copy of cat". The groups are the name of the folder. A bare number says nothing: "Pear" and "Pear
// 2" are classes of Fruits-360.
var copyNames = regexp.MustCompile(`^(?:copy of|kopie von|copie de|copia de|copia di) (.+)$|` +
	`^(.+?)(?:[-_. ]+\(?(?:another )?(?:copy|kopie|copie|copia|kopia)\)?|[-_. ]*\x{306e}?(?:\x{30b3}\x{30d4}\x{30fc}|\x{526f}\x{672c}|\x{bcf5}\x{c0ac}\x{bcf8}))` +
	`(?:[-_. ]*\(?[0-9]+\)?)?$|` +
	`^(.+?) ?\([0-9]+\)$`)

// copyOf returns the name of the folder that one of this name, in lower case, is a copy of, "" if it is
// named like none.
func copyOf(name string) string {
	m := copyNames.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return strings.Join(m[1:], "")
}

// companionClasses is a warning about classes that seem to hold pictures made of another one's, as
// cat_augmented beside cat, or a copy of it; "" if there are none. Where the word may be part of a class's
// name, one such class says nothing.
func companionClasses(classes []string) string {
	known, images := map[string]string{}, map[string]bool{}
	for _, c := range classes {
		if before, word := lastWord(strings.ToLower(c)); fillers[word] && before != "" { // "cell_images" beside "cell_masks"
			known[before], images[before] = c, true
		}
	}
	for _, c := range classes {
		known[strings.ToLower(c)] = c
	}
	var sure, doubtful []string
	for _, c := range classes {
		if other, ok := known[copyOf(strings.ToLower(c))]; ok {
			sure = append(sure, fmt.Sprintf("%q beside %q", c, other))
			continue
		}
		of, word := companionOf(strings.ToLower(c))
		other, ok := known[of]
		switch text := fmt.Sprintf("%q beside %q", c, other); {
		case !ok || of == "":
		case companions[word], images[of]:
			sure = append(sure, text)
		default:
			doubtful = append(doubtful, text)
		}
	}
	if len(doubtful) > 1 {
		sure = append(sure, doubtful...)
	}
	if len(sure) == 0 {
		return ""
	}
	return fmt.Sprintf("classes of their own are %s: if their images belong to the other class, or are no pictures of one, move them", list(sure))
}

// isCompanionFolder reports whether a folder within a class is named like one of masks, thumbnails or the like:
// "masks", "lung_masks", "ground_truth", "thumbnail images".
func isCompanionFolder(name string) bool {
	words := slices.DeleteFunc(wordsOf(name), func(w string) bool { return fillers[w] })
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	_, word := companions[last]
	return word || companionFolders[last]
}

// companionsWithin is a warning about folders of masks, thumbnails or the like that the classes take in beside their
// images, "" if there are none. A folder that is alone in its class may have the images themselves.
func (s sorted) companionsWithin() string {
	direct := map[string]labelled{} // an image by the folder that it, or a folder "images" with it, is in
	within := map[string]int{}      // numbers of images by the folder
	for _, m := range s.images {
		dirs, _, inside := m.folders()
		if i := slices.IndexFunc(dirs[inside:], isCompanionFolder); i >= 0 {
			within[path.Join(dirs[:inside+i+1]...)]++
			continue
		}
		direct[path.Join(dirs...)] = m
		if last := len(dirs) - 1; last >= inside && fillers[strings.ToLower(dirs[last])] {
			direct[path.Join(dirs[:last]...)] = m
		}
	}
	n, example, plain := 0, "", labelled{}
	for _, dir := range slices.Sorted(maps.Keys(within)) {
		if m, ok := direct[path.Dir(dir)]; ok {
			if n += within[dir]; example == "" {
				example, plain = dir, m
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d images lie in folders that look like masks, thumbnails or the like within a class, such as %s/, and are read as images of the class: "+
		"if they are none, move them away, or see FromPattern (%q)", n, short(example), s.pattern(plain))
}
