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
	cifarAdvice  = "CIFAR-10 is read by name: Load(\"cifar10\", Options{Dir: the folder above its own}); of other binary data export the images in Python"
	unzipAdvice  = "unpack it, or give that file itself"
	idxAdvice    = "it has the format of MNIST (IDX), which is not read; " + exportAdvice
)

// notZip describes a file that is no good zip file, "" if it is of no known kind.
func notZip(p string) string {
	f, err := os.Open(p)
	if err != nil {
		return ""
	}
	defer f.Close()
	name := filepath.Base(p)
	if stem, ok := strings.CutSuffix(name, ".zip"); ok {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p), stem+".z01")); err == nil {
			name = stem + ".z01"
		}
	}
	if advice := splitArchive(name); advice != "" {
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

// splitArchive describes a part of a split archive by its name, "" for other files.
func splitArchive(name string) string {
	const is = "a part of a split archive; join its parts (%s) and give that file"
	switch m := archivePart.FindStringSubmatch(name); {
	case m != nil:
		return fmt.Sprintf(is, fmt.Sprintf("cat %s.* > %s", m[1], m[1]))
	case zipVolume.MatchString(name):
		return fmt.Sprintf(is, fmt.Sprintf("zip -s 0 %s.zip --out whole.zip", name[:len(name)-len(".z01")]))
	}
	return ""
}

// containers are the endings of files that hold many images, with what to do.
var containers = []struct {
	advice  string
	endings []string
}{
	{idxAdvice, []string{"-ubyte.gz", "-ubyte"}},
	{unzipAdvice, []string{".zip"}},
	{"unpack it", []string{".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".rar", ".7z"}},
	{cifarAdvice, []string{"data_batch_1.bin", "test_batch.bin"}},
	{exportAdvice, []string{".parquet", ".arrow", ".feather", ".tfrec", ".tfrecord", ".tfrecords", ".array_record", ".rec", ".beton", ".lmdb", ".mdb",
		".npz", ".npy", ".mat", ".h5", ".hdf5", ".pkl", ".pickle", ".pt", ".pth", ".bin"}},
}

// shardEnding fits what programs write behind the ending of one of several files: "train.tfrecord-00000-of-00002".
var shardEnding = regexp.MustCompile(`-[0-9]+-of-[0-9]+$`)

// container says what to do with a file that holds many images, "" for other files.
func (f *file) container() string {
	if part := splitArchive(path.Base(f.path)); part != "" {
		return "it is " + part
	}
	name := shardEnding.ReplaceAllString(strings.ToLower(f.path), "")
	for _, c := range containers {
		if slices.ContainsFunc(c.endings, func(ending string) bool { return strings.HasSuffix(name, ending) }) {
			return c.advice
		}
	}
	if path.Ext(name) == "" && isPickle(f.head(2)) { // CIFAR's data_batch_1
		return "it is a pickle of Python, which is not read; " + exportAdvice
	}
	return ""
}

// isPickle reports whether a file begins as a pickle of protocol 2 to 5.
func isPickle(head []byte) bool {
	return len(head) == 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5
}

// head returns the first bytes of a file, at most n; none if it can't be read.
func (f *file) head(n int64) []byte {
	r, err := f.open()
	if err != nil {
		return nil
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, n))
	if err != nil {
		return nil
	}
	return data
}

// hint names a file of the tree that may have what is missing: the images, if there are none, or the labels. It begins
// with "; " if it is not empty.
func (t *tree) hint(images bool) string {
	if images {
		return t.labelHint()
	}
	var first string
	var zips []string
	for i := range t.files {
		advice := t.files[i].container()
		if first == "" && advice != "" {
			first = fmt.Sprintf("; %s may hold the images: %s", t.files[i].path, advice)
		}
		if advice == unzipAdvice {
			zips = append(zips, t.files[i].path)
		}
	}
	if len(zips) > 1 && strings.HasSuffix(first, unzipAdvice) {
		return fmt.Sprintf("; %s may hold the images: unpack them, each into a folder of its own", list(zips))
	}
	return first
}

// sampleList fits the names of the lists that show a competition's form of answers.
var sampleList = regexp.MustCompile(`(?i)sample[-_ ]?submission`)

// labelHint names the lists that may have the labels.
func (t *tree) labelHint() string {
	var lists []string
	names := map[string]bool{}
	opened := 0
	for i := range t.files {
		f := &t.files[i]
		is := false
		switch strings.ToLower(path.Ext(f.path)) {
		case ".csv", ".tsv":
			is = !sampleList.MatchString(f.path)
		case ".jsonl", ".json", ".txt":
			opened++
			is = opened <= maxOpened && f.namesImages()
		}
		if is {
			lists = append(lists, f.path)
			names[path.Base(f.path)] = true
		}
	}
	switch {
	case len(lists) == 0:
		return t.besideHint()
	case len(lists) == 1:
		return fmt.Sprintf("; if %s has the labels, see FromCSV", lists[0])
	}
	text := fmt.Sprintf("; if one of %s has the labels, see FromCSV", list(lists))
	if len(names) < len(lists) {
		text += "; if each has those of a split, join them to one list with a column for the split (Options.SplitColumn)"
	}
	return text
}

// besideHint names the files beside the images that may have a label each, as WebDataset and Caffe write them:
// 00001.cls beside 00001.jpg. It is "" if there are none beside half of the images.
func (t *tree) besideHint() string {
	stems, images := map[string]string{}, 0
	for _, f := range t.files {
		if imagefiles.NamedAsRead(f.path) {
			images++
			stems[strings.TrimSuffix(f.path, path.Ext(f.path))] = f.path
		}
	}
	beside, example := 0, ""
	for _, f := range t.files {
		ext := strings.ToLower(path.Ext(f.path))
		image := stems[strings.TrimSuffix(f.path, path.Ext(f.path))]
		if image == "" || !slices.Contains([]string{".cls", ".txt", ".json", ".xml", ".label"}, ext) {
			continue
		}
		if beside++; example == "" {
			example = fmt.Sprintf("; if files as %s have the labels of images as %s, read them and give FromSamples the labels", f.path, image)
		}
	}
	if 2*beside < images {
		return ""
	}
	return example
}

// maxOpened is the number of files that labelHint reads at most: a detector's data have one per image.
const maxOpened = 20

// namesImages reports whether the beginning of a text has a name of an image.
func (f *file) namesImages() bool {
	words := strings.FieldsFunc(string(f.head(64<<10)), func(r rune) bool { return strings.ContainsRune("\"',;|\t\r\n []{}", r) })
	return slices.ContainsFunc(words, imagefiles.NamedAsRead)
}

// withHint adds to an error the file that may have the labels.
func (t *tree) withHint(err error) error {
	hint := t.hint(true)
	if strings.Contains(err.Error(), "\n") { // it ends with a drawing of the folders
		hint = strings.Replace(hint, "; if", "\nIf", 1)
	}
	return fmt.Errorf("%w%s", err, hint)
}
