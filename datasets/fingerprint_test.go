package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Other pixels under the old names are other data, however little of a file's properties changed.
func TestFingerprintCoversContent(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 6)
	f.add(t, "b", 6)
	dir := f.dir(t)
	target := filepath.Join(dir, "a", "03.bmp") // an uncompressed format: the same size with other pixels
	info, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	open := func(o Options) string {
		t.Helper()
		d, err := ImageFolder(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		return d.Fingerprint()
	}
	before := open(Options{})
	if again := open(Options{}); again != before {
		t.Error("the second opening gives another fingerprint")
	}
	if upright := open(Options{Orient: true}); upright == before {
		t.Error("turned images are the same data")
	}
	if skipped := open(Options{SkipCheck: true}); skipped != before {
		t.Error("SkipCheck gives another fingerprint")
	}
	data := bytes.Clone(f["a/03.bmp"])
	data[len(data)-1] ^= 1
	if err := os.WriteFile(target, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(target, time.Time{}, info.ModTime()); err != nil { // as copying and unpacking do
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {SkipCheck: true}} {
		if open(o) == before {
			t.Errorf("%+v: other pixels, the same fingerprint", o)
		}
	}
	if err := os.WriteFile(target, f["a/03.bmp"], 0o644); err != nil {
		t.Fatal(err)
	}
	if open(Options{}) != before {
		t.Error("the old pixels do not have the old fingerprint")
	}
}

// TestRedecoded: files whose pixels are others than in earlier versions give another fingerprint than these gave, in a
// folder and in a zip file, checked or not, and when they were lost. Those of other files are as they were.
func TestRedecoded(t *testing.T) {
	withCache(t)
	for _, tt := range []struct {
		file   string
		opts   Options
		before bool // the fingerprint is that of earlier versions
	}{
		{"transparent.gif", Options{}, false},
		{"transparent.gif", Options{Orient: true}, false},
		{"orientation6.tiff", Options{}, false},
		{"orientation6.tiff", Options{Orient: true}, true},
		{"small_frame.gif", Options{}, false},
		{"small_transparent.gif", Options{}, false},
		{"xmp6.jpg", Options{}, true},
		{"xmp6.jpg", Options{Orient: true}, false},
		{"xmp_beside_exif.jpg", Options{Orient: true}, true},
		{"raw_profile6.png", Options{Orient: true}, false},
		{"interlaced.gif", Options{}, true},
		{"lzw.tiff", Options{}, true},
		{"orientation6.jpg", Options{}, true},
	} {
		data, err := os.ReadFile(filepath.Join("..", "tlkit", "vision", "testdata", "formats", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		f := files{}
		f.add(t, "a", 4)
		f.add(t, "b", 4)
		f["a/"+tt.file] = data
		dir := f.dir(t)
		tt.opts.ValFraction = -1
		d := MustImageFolder(dir, tt.opts)
		print := d.Fingerprint()
		h := sha256.New() // as earlier versions made it
		fmt.Fprintf(h, "class %q\nclass %q\n", "a", "b")
		for _, s := range d.splits() {
			fmt.Fprintf(h, "split %s %d\n", s.name, s.split.Len())
			if tt.opts.Orient {
				fmt.Fprintln(h, "upright")
			}
			for i, name := range allNames(s.split) {
				fmt.Fprintf(h, "%d %q\n%d %08x\n", s.split.Label(i), name, len(f[name]), crc32.ChecksumIEEE(f[name]))
			}
		}
		earlier := hex.EncodeToString(h.Sum(nil)[:16])
		if same, _ := d.Matches(earlier); (print == earlier) != tt.before || same != tt.before {
			t.Errorf("%s, %+v: %s, earlier %s, matches %v", tt.file, tt.opts, print, earlier, same)
		}
		skipped := tt.opts
		skipped.SkipCheck = true
		archive := f.zip(t)
		for _, o := range []Options{tt.opts, skipped, tt.opts} { // the first without stored verdicts, then with them
			for _, source := range []string{dir, archive} {
				if got := MustImageFolder(source, o).Fingerprint(); got != print {
					t.Errorf("%s: %s of %s, %+v; want %s", tt.file, got, source, o, print)
				}
			}
		}
		if got := MustImageFolder(f.zip(t), skipped).Fingerprint(); got != print {
			t.Errorf("%s: %s of an unchecked zip file, want %s", tt.file, got, print)
		}
		var lost []Lost
		tolerant := d.Tolerant(func(l Lost) { lost = append(lost, l) })
		if err := os.Remove(filepath.Join(dir, "a", tt.file)); err != nil {
			t.Fatal(err)
		}
		for i := range tolerant.Train.Len() {
			if _, err := tolerant.Train.Image(i); err != nil {
				t.Fatal(err)
			}
		}
		if got := MustImageFolder(dir, tt.opts).Restore(lost).Fingerprint(); len(lost) != 1 || got != print {
			t.Errorf("%s: %s with %d lost images restored, want %s", tt.file, got, len(lost), print)
		}
	}
}

// A fingerprint from before contents were part of it is known by names and labels.
func TestMatches(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 6)
	f.add(t, "b", 6)
	d := MustImageFolder(f.dir(t))
	shapes := MustLoad("shapes")
	const shapesPrint = "37e61e2d0ba8926add07f2284853e043"
	for _, tt := range []struct {
		name   string
		d      *Dataset
		stored string
		same   bool
		note   string
	}{
		{"today's", d, d.Fingerprint(), true, ""},
		{"the old one", d, d.fingerprint(false, 0), true, "before contents were part of the fingerprint"},
		{"another's", d, shapes.Fingerprint(), false, ""},
		{"drawn", shapes, shapes.fingerprint(false, 0), true, ""},
	} {
		same, note := tt.d.Matches(tt.stored)
		if same != tt.same || !strings.Contains(note, tt.note) || (note == "") != (tt.note == "") {
			t.Errorf("%s: %v, %q; want %v, %q", tt.name, same, note, tt.same, tt.note)
		}
	}
	if d.Fingerprint() == d.fingerprint(false, 0) {
		t.Error("contents change nothing")
	}
	if got := shapes.Fingerprint(); got != shapesPrint {
		t.Errorf("the fingerprint of shapes is %s, was %s: runs on it would be trained anew", got, shapesPrint)
	}
	var stored struct{ Name, Fingerprint string }
	if data, err := json.Marshal(d); err != nil || json.Unmarshal(data, &stored) != nil ||
		stored.Name != d.Name || stored.Fingerprint != d.Fingerprint() {
		t.Errorf("stored %+v, error %v", stored, err)
	}
}

// The verdicts in the cache are readable by other users, and garbage in their place counts for nothing.
func TestVerdictsInTheCache(t *testing.T) {
	cache := withCache(t)
	f := files{}
	f.add(t, "a", 4)
	f.add(t, "b", 4)
	tr, err := openTree(f.dir(t))
	if err != nil {
		t.Fatal(err)
	}
	name := tr.storeFile()
	if filepath.Dir(name) != filepath.Join(cache, "checked") {
		t.Fatalf("verdicts are kept in %s", name)
	}
	tr.check(false)
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("verdicts: %v, error %v; want a file that all can read", info, err)
	}
	for i, v := range tr.all {
		if !v.Decoded || !v.Summed || v.Bits != 8 || v.Reason != "" {
			t.Errorf("%s: verdict %+v", tr.files[i].path, v)
		}
	}
	if err := os.WriteFile(name, []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again := (&tree{abs: tr.abs, files: tr.files}); again.recall() == nil || len(again.known) != 0 {
		t.Error("garbage was taken for verdicts")
	}
}

// TestMovedSamples: images under absolute paths, with splits of their own, have the same fingerprint wherever their
// folder lies, and fingerprints with the whole paths are known.
func TestMovedSamples(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 10)
	f.add(t, "b", 10)
	splits := map[string]string{"a/03.bmp": "val", "b/03.bmp": "val"}
	open := func(dir string, name string) *Dataset {
		var samples []Sample
		for p := range f {
			samples = append(samples, Sample{Path: filepath.Join(dir, filepath.FromSlash(p)), Class: p[:1], Split: splits[p]})
		}
		slices.SortFunc(samples, func(a, b Sample) int { return strings.Compare(a.Path, b.Path) })
		d, err := FromSamples(name, samples)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first, dir := f.dir(t), f.dir(t)
	d, moved := open(first, "x"), open(dir, "y")
	if !filepath.IsAbs(d.Train.Name(0)) || d.Fingerprint() != moved.Fingerprint() || !d.CoversContents() {
		t.Errorf("%s: %s, moved %s", d.Train.Name(0), d.Fingerprint(), moved.Fingerprint())
	}
	if same, note := d.Matches(d.fingerprint(true, 0)); !same || note != "" || d.fingerprint(true, 0) == d.Fingerprint() {
		t.Errorf("the fingerprint of whole names: %v, %q", same, note)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "03.bmp"), f["b/03.bmp"], 0o644); err == nil {
		if changed := open(dir, "y"); changed.Fingerprint() == d.Fingerprint() {
			t.Error("other pixels have the same fingerprint")
		}
	}
	if shapes := MustLoad("shapes"); shapes.CoversContents() {
		t.Error("drawn images have no contents")
	}
}

// TestDrawnUnderAbsoluteNames: images that their names alone identify are others in another folder.
func TestDrawnUnderAbsoluteNames(t *testing.T) {
	open := func(dir string) *Dataset {
		d := &Dataset{Name: "scans", Classes: []string{"a", "b"}}
		for i, s := range []**Split{&d.Train, &d.Val} {
			names := []string{fmt.Sprintf("%s/a/%d.npy", dir, i), fmt.Sprintf("%s/b/%d.npy", dir, i)}
			for k, n := range names {
				names[k] = abs(t, n)
			}
			var err error
			*s, err = NewSplit(2, names, []int{0, 1}, func(int) (*vision.Image, error) { return vision.New(2, 2), nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	old, today := open("/data/2025"), open("/data/2026")
	if same, note := today.Matches(old.Fingerprint()); same || today.Fingerprint() == old.Fingerprint() {
		t.Errorf("other images are the same data, note %q", note)
	}
	if same, note := old.Matches(open("/data/2025").Fingerprint()); !same || note != "" {
		t.Errorf("the same images are other data, note %q", note)
	}
}

// abs returns an absolute path on every system.
func abs(t *testing.T, p string) string {
	t.Helper()
	full, err := filepath.Abs(p)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// TestSplitOfWholeNames: the split of absolute paths is that of stored runs, whose fingerprints cover it. The names are
// those that commit eadc949^ chose; the folder counts.
func TestSplitOfWholeNames(t *testing.T) {
	for dir, want := range map[string][]string{
		"/data/old/": {"a/03.gif", "a/05.gif", "b/01.gif", "b/02.gif"},
		"/data/new/": {"a/02.gif", "a/06.gif", "b/06.gif", "b/08.gif"},
		"":           {"a/03.gif", "a/07.gif", "b/02.gif", "b/06.gif"},
	} {
		all := &Split{classes: []string{"a", "b"}}
		for i := range 20 {
			all.items = append(all.items, item{name: fmt.Sprintf("%s%c/%02d.gif", dir, 'a'+i/10, i%10), label: i / 10, key: i})
		}
		_, val := splitOff(all, Options{})
		var got []string
		for i := range val.Len() {
			got = append(got, strings.TrimPrefix(val.Name(i), dir))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", dir, got, want)
		}
	}
}
