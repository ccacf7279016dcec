package datasets

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
)

// maxComments is the largest number of lines before a table that are skipped.
const maxComments = 50

// maxCSVBytes is the largest list that is read.
const maxCSVBytes = 256 << 20

// FromCSV loads images whose labels are in a CSV file, one line per image. imageColumn and labelColumn are column names
// from the first line (case is ignored), or, for a file without such a line, the columns' numbers, counted from 1 ("1",
// "2"). If one of the columns is not a name of the first line, all numbers are columns' numbers, whatever values the
// first line has; a name beside them says that the first line holds names. Several label columns, joined by commas
// ("cat,dog"), hold 1 for the class of a line and 0 for others. Fields are separated by commas, semicolons, tabs or
// bars, whichever makes the column of images look like names of files, and may be quoted; a line "sep=;" before the
// others decides. Of the columns "1" and "2" the last blank of a line is the separator if it has none of these. The
// text is UTF-8, or UTF-16 with a byte order mark. The file may also be JSON with an object per image: one per line, as
// Hugging Face's metadata.jsonl, or a list of them; the columns are then names of fields.
//
// An image is named by its path from the CSV file's folder, or from Options.Dir. Its extension and its folder may be
// missing if only one file below matches: Kaggle's lists name "000bec180eb18c7604dcecc8fe0dba07" for
// train/000bec180eb18c7604dcecc8fe0dba07.jpg. Options.SplitColumn names the column that holds train, val or test, or
// fastai's is_valid; Options.Train, Val and Test name other words in it, such as the numbers of folds.
//
// A path that leads upwards ("../images/1.png") is read from the list's folder. An absolute path of another machine, or
// an address whose file was downloaded, is found by its end if that names one file, and a warning says so. Labels that
// join classes ("scab frog") and a class for each image are warned about. Of COCO's JSON the columns are "file_name"
// and "category": images whose objects are of several categories are left out. A list of one name (['cat'], or Label
// Studio's {"choices": ["cat"]}) is that name.
//
// Lines above the names of the columns (a title, or comments with #) are passed over, and so are names of rows as R
// writes them. A column that says what each image is for, and is not given as SplitColumn, is warned about, as are
// lines with more fields than the first names.
//
// Lines without a label (nothing, or pandas' NaN) or with a missing file are left out and reported, as are images with
// two labels. Files are checked as in ImageFolder.
func FromCSV(path, imageColumn, labelColumn string, opts ...Options) (*Dataset, error) {
	o, err := one("FromCSV", opts)
	if err != nil {
		return nil, err
	}
	d, err := fromCSV(path, imageColumn, labelColumn, o)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", path, withoutPrefix(err))
	}
	return d.from("FromCSV", o, path, imageColumn, labelColumn), nil
}

// withoutPrefix removes "datasets: " from an error that is wrapped with this prefix again.
func withoutPrefix(err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "datasets: "); ok {
		return errors.New(text)
	}
	return err
}

func fromCSV(name, imageColumn, labelColumn string, o Options) (*Dataset, error) {
	name, err := fetch.ExpandHome(name)
	if err != nil {
		return nil, err
	}
	data, err := readLimited(name, maxCSVBytes)
	if err != nil && addressPath(name) != "" {
		return nil, errors.New("it is an address on the network, which is not read; download the list, and give its path")
	}
	if err != nil {
		return nil, err
	}
	wanted := []string{imageColumn, labelColumn}
	if o.SplitColumn != "" {
		wanted = append(wanted, o.SplitColumn)
	}
	if is := noTable(data); is != "" {
		return nil, fmt.Errorf("it is %s", is)
	}
	rows, err := readUnderTitle(data, wanted)
	for i := range rows {
		rows[i].unlistImage()
	}
	readings := blankReadings(data, wanted)
	unread := err
	if err != nil && len(readings) == 0 {
		return nil, err
	}
	dir := filepath.Dir(name)
	if o.Dir != "" {
		if dir, err = fetch.ExpandHome(o.Dir); err != nil {
			return nil, err
		}
	}
	t, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	if rows = mostFound(t, name, rows, readings); rows == nil {
		return nil, unread
	}
	l := listRows(t, rows, name)
	l.notes = append(l.notes, csvNotes(data, wanted, rows)...)
	l.tree.abs = fmt.Sprintf("%s from %q %v", t.abs, name, wanted)
	if len(l.entries) == 0 {
		if f := rows[0].fields; imagefiles.NamedAsRead(f[1]) && path.Ext(f[0]) == "" {
			return nil, fmt.Errorf("column %q has %s, and column %q has %s: give the column of the images first, then that of the labels",
				imageColumn, short(f[0]), labelColumn, short(f[1]))
		}
		return nil, fmt.Errorf("none of the %d images that it lists is in %s: %s; %s", len(rows), dir, l.left.warning(), t.advice(name, imageColumn, rows[0].fields[0]))
	}
	if err := l.nameSplits(o.SplitColumn, o); err != nil {
		return nil, err
	}
	return l.dataset(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), o)
}

// readUnderTitle is readLabels for a table that may have lines with # above it, or a title above the names of its
// columns. Lines keep their numbers in the file.
func readUnderTitle(data []byte, wanted []string) ([]row, error) {
	rows, err := readLabels(data, wanted)
	comments := true // no other lines so far
	for rest, cut := data, 1; err != nil && cut <= maxComments; cut++ {
		comments = comments && bytes.HasPrefix(rest, []byte("#"))
		var found bool
		if _, rest, found = bytes.Cut(rest, []byte("\n")); !found {
			break
		}
		for ; len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r'); rest = rest[1:] {
			if rest[0] == '\n' {
				cut++
			}
		}
		if !comments && !namesColumns(rest, wanted) {
			continue
		}
		if again, e := readLabels(append(bytes.Repeat([]byte("\n"), cut), rest...), wanted); e == nil {
			rows, err = again, nil
		}
	}
	return rows, err
}

// namesColumns reports whether the first line of a text has the names of the wanted columns, none of which is a number.
func namesColumns(text []byte, wanted []string) bool {
	head, _, _ := bytes.Cut(text, []byte("\n"))
	for _, names := range [][]string{wanted, slices.Concat(wanted[:1], strings.Split(wanted[1], ","), wanted[2:])} {
		if t, err := openTable(head, names); err == nil && !t.headless {
			return true
		}
	}
	return false
}

// foreignTables are the first bytes of files that people give in place of a table, with what they are and what to do.
var foreignTables = []struct{ magic, is string }{
	{"PK\x03\x04", "a workbook (Excel, LibreOffice) or an archive, not text; save the table as CSV"},
	{"\xd0\xcf\x11\xe0", "a workbook (Excel, LibreOffice) or an archive, not text; save the table as CSV"},
	{"\x1f\x8b", "compressed with gzip; unpack it (gunzip)"},
	{"BZh91AY&SY", "compressed with bzip2; unpack it (bunzip2)"},
	{"\xfd7zXZ\x00", "compressed with xz; unpack it (unxz)"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it (unzstd)"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it (7z x)"},
	{"PAR1", "a Parquet file; " + byPandas("read_parquet(FILE)")},
	{"ARROW1", "an Arrow (Feather) file; " + byPandas("read_feather(FILE)")},
	{"FEA1", "an Arrow (Feather) file; " + byPandas("read_feather(FILE)")},
	{"\x89HDF\r\n", "an HDF5 file; " + byPandas("read_hdf(FILE)")},
	{"\x93NUMPY", "an array of NumPy; " + byPandas("DataFrame(numpy.load(FILE))")},
	{"\x80\x02", "a pickle of Python; " + byPandas("read_pickle(FILE)")},
	{"\x80\x03", "a pickle of Python; " + byPandas("read_pickle(FILE)")},
	{"\x80\x04\x95", "a pickle of Python; " + byPandas("read_pickle(FILE)")},
	{"\x80\x05\x95", "a pickle of Python; " + byPandas("read_pickle(FILE)")},
	{"MATLAB 5.0 MAT-file", "a MATLAB file; write its names and labels as CSV, in Python from scipy.io.loadmat(FILE)"},
	{"SQLite format 3\x00", "an SQLite database; write the table as CSV: sqlite3 -header -csv FILE 'select * from TABLE' > NEW"},
	{"version https://git-lfs", "a Git LFS pointer, and the table is not here yet; get it with: git lfs pull"},
	{"%PDF-", "a PDF, not text; save the table as CSV"},
	{`{\rtf`, "rich text (RTF); save it as plain text"},
	{"\xff\xfe\x00\x00", "UTF-32; save it as UTF-8"},
	{"\x00\x00\xfe\xff", "UTF-32; save it as UTF-8"},
}

// byPandas is the advice to write a file as CSV with an expression of pandas.
func byPandas(read string) string {
	return "write it as CSV, in Python with pandas." + read + ".to_csv(NEW, index=False)"
}

// noTable says what a file is that people give in place of a table, "" for others.
func noTable(data []byte) string {
	for _, f := range foreignTables {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return f.is
		}
	}
	switch {
	case hasPrefixFold(data, "<!doctype"), hasPrefixFold(data, "<html"):
		return "a web page in place of the table; download it again"
	case bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) && !isJSON(data) && json.Valid(data):
		return "JSON whose items are no objects; " + expectedJSON
	}
	return ""
}

func readLimited(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("the file has more than %d MB", most>>20)
	}
	return data, err
}

func hasPrefixFold(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(string(text[:len(prefix)]), prefix)
}

// listRows finds the files of the rows of the list at name.
func listRows(t *tree, rows []row, name string) *listing {
	table := filepath.Base(name)
	l := newListing(t.source, t.abs)
	l.left, l.tree.stamp, l.tree.note = slices.Clone(t.left), t.stamp, t.note
	files, moved := indexFiles(t, filepath.Dir(name)), 0
	used := map[int]bool{}
	for _, r := range rows {
		from := fmt.Sprintf("line %d of %s", r.line, table)
		i, reason := files.find(r.fields[0])
		if strings.Contains(strings.Join(r.fields, ""), "\x00") {
			reason = "the line has a byte of zero in a column that is read; write it anew"
		}
		if reason == noSuchFile || reason == anAddress {
			at, elsewhere, why := files.findMoved(r.fields[0])
			if elsewhere && why == "" {
				moved++
			}
			if why != noSuchFile {
				i, reason = at, why
			}
		}
		reason = cmp.Or(reason, r.unfit)
		if reason == "" && pandasMissing[r.fields[1]] {
			r.fields[1] = ""
		}
		if reason != "" {
			l.leaveOut(r.fields[0], fmt.Sprintf("%s (%s)", reason, from))
			continue
		}
		used[i] = true
		e := entry{file: t.files[i], class: r.fields[1], from: from}
		if len(r.fields) > 2 {
			e.split = r.fields[2]
		}
		l.add(e)
	}
	if moved > 0 {
		l.notes = append(l.notes, fmt.Sprintf("%d paths of %s are not those of this machine; the files were found by the ends of the paths", moved, table))
	}
	for i, f := range t.files {
		if !used[i] && imagefiles.NamedAsRead(f.path) {
			l.leaveOut(f.path, unlistedReason)
		}
	}
	return l
}

// pandasMissing are the marks that pandas writes for a missing label.
var pandasMissing = map[string]bool{"nan": true, "NaN": true, "<NA>": true}

// unlistedReason is for images in the folder that a list does not name, such as a competition's test images.
const unlistedReason = "not in the list"

// unlabelledReason is for images of a folder tree that have no labels.
const unlabelledReason = "an image without a label"
