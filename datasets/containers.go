package datasets

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
)

// archives are the beginnings of files in which data sets come, other than zip, with what to do.
var archives = []struct{ magic, advice string }{
	{"PK\x03\x04", "a zip file that is damaged or cut short; download it again"},
	{"\x1f\x8b", "compressed with gzip; unpack it (tar -xzf, or gunzip) and give the folder"},
	{"BZh", "compressed with bzip2; unpack it (tar -xjf) and give the folder"},
	{"\xfd7zXZ", "compressed with xz; unpack it (tar -xJf) and give the folder"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it (tar --zstd -xf) and give the folder"},
	{"Rar!", "a RAR archive; unpack it (unrar x) and give the folder"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it (7z x) and give the folder"},
	{"PAR1", "a Parquet file; " + exportAdvice},
	{"<", "a web page in place of the data; download it again"},
}

const (
	exportAdvice = "export its images in Python, into a folder per class"
	idxAdvice    = "it has the format of MNIST (IDX), which is not read; " + exportAdvice
)

// notZip describes a file that is no good zip file, "" if it is of no known kind.
func notZip(p string) string {
	f, err := os.Open(p)
	if err != nil {
		return ""
	}
	defer f.Close()
	if advice := splitArchive(p); advice != "" {
		return advice
	}
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head) // a short file is no error
	head = head[:n]
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive; unpack it (tar -xf) and give the folder"
	}
	for _, a := range archives {
		if bytes.HasPrefix(head, []byte(a.magic)) {
			return a.advice
		}
	}
	switch ext := strings.ToLower(filepath.Ext(p)); {
	case imagefiles.NamedAsRead(p):
		return "a single image; give the folder above the folders of the classes"
	case ext == ".csv", ext == ".tsv":
		return "a table; if it lists images with their labels, see FromCSV"
	}
	return ""
}

// archivePart fits the names of parts of an archive, as split, 7-Zip and download pages write them: "data.zip.001",
// "data.tar.gz.aa", "data.tar.part2". The group is the name of the whole.
var archivePart = regexp.MustCompile(`(?i)^(.*\.(?:zip|tar|tgz|gz|bz2|xz|zst|7z|rar))\.(?:part[-_.]?)?(?:[0-9]+|a[a-z]{1,2})$`)

// zipVolume fits the names of Info-ZIP's and WinZip's parts but the last, "data.z01", which is "data.zip".
var zipVolume = regexp.MustCompile(`(?i)\.z[0-9]{2}$`)

// splitArchive describes a part of a split archive, "" for other files.
func splitArchive(p string) string {
	name := filepath.Base(p)
	stem := strings.TrimSuffix(p, filepath.Ext(p))
	const is = "a part of a split archive; join its parts (%s) and give that file"
	if m := archivePart.FindStringSubmatch(name); m != nil {
		return fmt.Sprintf(is, fmt.Sprintf("cat %s.* > %s", m[1], m[1]))
	}
	_, err := os.Stat(stem + ".z01")
	if zipVolume.MatchString(name) || strings.EqualFold(filepath.Ext(p), ".zip") && err == nil {
		return fmt.Sprintf(is, fmt.Sprintf("zip -s 0 %s.zip --out whole.zip", filepath.Base(stem)))
	}
	return ""
}

// containers are the endings of files that hold many images, with what to do.
var containers = []struct{ ending, advice string }{
	{"-ubyte.gz", idxAdvice}, {"-ubyte", idxAdvice},
	{".zip", "unpack it, or give that file itself"}, {".tar", "unpack it"}, {".tar.gz", "unpack it"}, {".tgz", "unpack it"}, {".gz", "unpack it"}, {".rar", "unpack it"}, {".7z", "unpack it"},
	{".parquet", exportAdvice}, {".arrow", exportAdvice}, {".tfrec", exportAdvice}, {".tfrecord", exportAdvice}, {".tfrecords", exportAdvice}, {".npz", exportAdvice}, {".npy", exportAdvice},
	{".mat", exportAdvice}, {".h5", exportAdvice}, {".hdf5", exportAdvice}, {".mdb", exportAdvice}, {".pkl", exportAdvice}, {".pickle", exportAdvice},
}

// hint names a file of the tree that may have what is missing: the images, if there are none, or the labels. It begins
// with "; " if it is not empty.
func (t *tree) hint(images bool) string {
	if images {
		return t.labelHint()
	}
	for _, f := range t.files {
		name := strings.ToLower(f.path)
		for _, c := range containers {
			if strings.HasSuffix(name, c.ending) {
				return fmt.Sprintf("; %s may hold the images: %s", f.path, c.advice)
			}
		}
	}
	return ""
}

// labelHint names the lists that may have the labels.
func (t *tree) labelHint() string {
	var lists []string
	opened := 0
	for i := range t.files {
		f := &t.files[i]
		switch ext := strings.ToLower(path.Ext(f.path)); ext {
		case ".csv", ".tsv":
			lists = append(lists, f.path)
		case ".jsonl", ".json", ".txt":
			if opened++; opened <= maxOpened && f.namesImages() {
				lists = append(lists, f.path)
			}
		}
	}
	switch len(lists) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; if %s has the labels, see FromCSV", lists[0])
	}
	return fmt.Sprintf("; if one of %s has the labels, see FromCSV", list(lists))
}

// maxOpened is the number of files that labelHint reads at most: a detector's data have one per image.
const maxOpened = 20

// namesImages reports whether the beginning of a text has a name of an image.
func (f *file) namesImages() bool {
	r, err := f.open()
	if err != nil {
		return false
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, 64<<10))
	words := strings.FieldsFunc(string(head), func(r rune) bool { return strings.ContainsRune("\"',;|\t\r\n []{}", r) })
	return err == nil && slices.ContainsFunc(words, imagefiles.NamedAsRead)
}

// withHint adds to an error the file that may have the labels.
func (t *tree) withHint(err error) error {
	hint := t.hint(true)
	if strings.Contains(err.Error(), "\n") { // it ends with a drawing of the folders
		hint = strings.Replace(hint, "; if", "\nIf", 1)
	}
	return fmt.Errorf("%w%s", err, hint)
}
