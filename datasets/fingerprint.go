package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// namedSplit is one of a data set's splits.
type namedSplit struct {
	name  string
	split *Split
}

// splits returns the splits that exist, in order.
func (d *Dataset) splits() (out []namedSplit) {
	for _, s := range []namedSplit{{trainSplit, d.Train}, {valSplit, d.Val}, {testSplit, d.Test}} {
		if s.split != nil {
			out = append(out, s)
		}
	}
	return out
}

// Fingerprint identifies the data by the names, labels and contents of all images in all splits, as 32 hexadecimal
// digits: equal for equal data wherever it lies. A stored run compares it to make sure that it continues on the data it
// began with. The check of ImageFolder records the contents; where that was skipped, Fingerprint reads them. A file is
// read again only if its size or time of change differs. Images that are drawn or come from a function are identified
// by name. Files whose pixels are others than in earlier versions ([vision.Redecoded]) give another fingerprint.
//
// Where all names are absolute paths ([FromSamples]) and the contents are covered, the folder that the names share is
// left out, so that data whose splits are given may move. Where [Options].ValFraction makes the split, another folder
// gives another split, which is other data.
func (d *Dataset) Fingerprint() string {
	if !d.CoversContents() { // the names alone tell the images apart
		return d.fingerprint(true, 0)
	}
	return d.fingerprint(true, len(sharedFolder(d.Train, d.Val, d.Test)))
}

// sharedFolder returns the folder that the names of all images begin with, with its last slash, if all are absolute;
// else "". Splits may be nil.
func sharedFolder(splits ...*Split) string {
	shared, first := "", true
	for _, s := range splits {
		if s == nil {
			continue
		}
		for _, it := range s.items {
			name := filepath.ToSlash(it.name)
			if !filepath.IsAbs(it.name) {
				return ""
			}
			if first {
				shared, first = name[:strings.LastIndexByte(name, '/')+1], false
			}
			for !strings.HasPrefix(name, shared) {
				shared = shared[:strings.LastIndexByte(shared[:len(shared)-1], '/')+1]
				if shared == "" {
					return ""
				}
			}
		}
	}
	return shared
}

// CoversContents reports whether the fingerprint covers the contents of all images, so that data sets of equal
// fingerprints are equal. Images that are drawn or come from a function are identified by name alone.
func (d *Dataset) CoversContents() bool {
	return !slices.ContainsFunc(d.splits(), func(s namedSplit) bool { return s.split.sums == nil })
}

// fingerprint returns the fingerprint with or without the contents, and of names without their first bytes: older runs
// stored it without contents, and with whole names.
func (d *Dataset) fingerprint(contents bool, skip int) string {
	h := sha256.New()
	for _, c := range d.Classes {
		fmt.Fprintf(h, "class %q\n", c)
	}
	for _, s := range d.splits() {
		fmt.Fprintf(h, "split %s %d\n", s.name, s.split.Len())
		var sums []content
		if contents && s.split.sums != nil {
			sums = s.split.contents()
			if s.split.decoding.Orient {
				fmt.Fprintln(h, "upright")
			}
		}
		for i, it := range s.split.items {
			fmt.Fprintf(h, "%d %q\n", it.label, it.name[skip:])
			if sums != nil {
				fmt.Fprintf(h, "%d %08x\n", sums[i].size, sums[i].crc)
				if r := sums[i].redecoded; s.split.hasChanged(r) {
					fmt.Fprintf(h, "redecoded %s\n", r)
				}
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// hasChanged reports whether the split's pixels of a file with that word of vision.Redecoded are others than before.
func (s *Split) hasChanged(redecoded string) bool {
	switch redecoded {
	case "":
		return false
	case "tiff": // Orient turned TIFF files before
		return !s.decoding.Orient
	case "orientation":
		return s.decoding.Orient
	}
	return true
}

// contents returns the contents of the split's images.
func (s *Split) contents() []content {
	keys := make([]int, len(s.items))
	for i, it := range s.items {
		keys[i] = it.key
	}
	return s.sums(keys)
}

// sums returns the contents of files, and reads the files whose contents are not recorded.
func (t *tree) sums(keys []int) []content {
	t.summing.Lock()
	defer t.summing.Unlock()
	t.look(work{sum: true})
	out := make([]content, len(keys))
	for i, k := range keys {
		out[i] = content{t.all[k].Size, t.all[k].CRC, t.all[k].Redecoded}
	}
	return out
}

// Matches reports whether stored, the Fingerprint that a run keeps, is of this data. The note is "" or names the part
// that could not be compared: fingerprints made before contents were part of them cover names and labels alone.
func (d *Dataset) Matches(stored string) (same bool, note string) {
	switch stored {
	case d.Fingerprint():
		return true, ""
	case d.fingerprint(true, 0):
		return true, ""
	case d.fingerprint(false, 0):
		return true, "the run was made before contents were part of the fingerprint: names and labels are the same, pixels could not be compared"
	}
	return false, ""
}

// MarshalJSON writes the name and the fingerprint: they identify the data in a stored configuration.
func (d *Dataset) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string `json:"name"`
		Fingerprint string `json:"fingerprint"`
	}{d.Name, d.Fingerprint()})
}

// UnmarshalJSON reads the name that MarshalJSON wrote. The images are not there: load them with [Origin.Open].
func (d *Dataset) UnmarshalJSON(text []byte) error {
	var stored struct {
		Name        string `json:"name"`
		Fingerprint string `json:"fingerprint"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	*d = Dataset{Name: stored.Name}
	return nil
}
