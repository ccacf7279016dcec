package upload

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// picture returns a PNG that differs by n.
func picture(t testing.TB, n int) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 3, 3))
	img.SetGray(0, 0, color.Gray{Y: uint8(n)})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type entry struct {
	name, data string
	mode       fs.FileMode
}

// zipped returns a zip.
func zipped(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode | 0o644)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sender speaks the page's side.
type sender struct {
	ctx     context.Context
	r       *receiver
	page    string
	n       int
	replies []reply
}

func (s *sender) send(do, name, data string) error {
	return s.sendMessage(message{Do: do, Name: name, Data: base64.StdEncoding.EncodeToString([]byte(data))})
}

func (s *sender) sendMessage(m message) error {
	s.n++
	m.Page, m.N = s.page, s.n
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.r.message(s.ctx, string(text), func(text string) {
		var r reply
		if json.Unmarshal([]byte(text), &r) == nil {
			s.replies = append(s.replies, r)
		}
	})
}

// file sends a whole file in pieces.
func (s *sender) file(name, data string) error {
	if err := s.send("file", name, ""); err != nil {
		return err
	}
	for piece := range slices.Chunk([]byte(data), 200_000) {
		if err := s.send("data", "", string(piece)); err != nil {
			return err
		}
	}
	return s.send("end", "", "")
}

func newSender(t testing.TB, dir string, o Options) *sender {
	t.Helper()
	f, err := openFolder(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.root.Close() })
	return &sender{ctx: t.Context(), r: &receiver{f: f, next: 1}}
}

// tree lists the files below a folder.
func tree(t testing.TB, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestUpload(t *testing.T) {
	a, b := picture(t, 1), picture(t, 2)
	zeros := strings.Repeat("\x00", 4<<20)
	for _, c := range []struct {
		name    string
		files   []entry // as the page sends them
		o       Options
		want    string // in the folder "photos", beside which lies the file "outside"
		refused string
		fail    string
	}{
		{"pictures", []entry{{name: "ant.png", data: a}, {name: "bee.png", data: b}}, Options{}, "ant.png bee.png", "", ""},
		{"a name twice", []entry{{name: "x.png", data: a}, {name: "x.png", data: b}, {name: "x.png", data: b}}, Options{}, "x-2.png x.png", "", ""},
		{"no picture", []entry{{name: "x.png", data: "<svg>"}, {name: "e.png", data: ""}, {name: "a.png", data: a}}, Options{}, "a.png", "x.png: SVG, which is not read; e.png: no picture (J", ""},
		{"an iPhone's picture", []entry{{name: "IMG_1.HEIC", data: "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"}, {name: "a.png", data: a}}, Options{}, "a.png", "IMG_1.HEIC: HEIC, which is not read", ""},
		{"names that lead out", []entry{{name: "../outside", data: a}, {name: `C:\photos\b.png`, data: b}, {name: "/etc/x.png", data: a}, {name: "..", data: a}, {name: ".profile", data: a}, {name: "", data: a}},
			Options{}, "b.png outside x.png", "..: the name leads out; .profile: the name leads out; : the name leads out", ""},
		{"a name that is too long", []entry{{name: strings.Repeat("蟻", 86) + ".png", data: a}, {name: "a.png", data: a}}, Options{}, "a.png", strings.Repeat("蟻", 86) + ".png: a name of more than 247 bytes", ""},
		{"as many as may come", []entry{{name: "z.zip", data: zipped(t, entry{name: "a.png", data: a}, entry{name: "b.png", data: b})}}, Options{MaxFiles: 2}, "a.png b.png", "", ""},
		{"a zip", []entry{{name: "photos.zip", data: zipped(t, entry{name: "ants/1.png", data: a}, entry{name: "ants/", mode: fs.ModeDir}, entry{name: "bees/1.png", data: b}, entry{name: "read.me", data: "text"},
			entry{name: "__MACOSX/ants/._1.png", data: a}, entry{name: "ants/.DS_Store", data: "x"})}}, Options{}, "ants/1.png bees/1.png", "read.me: no picture (J", ""},
		{"a zip that leads out", []entry{{name: "z", data: zipped(t, entry{name: "../outside", data: a}, entry{name: "/tmp/x.png", data: a}, entry{name: "a/../../outside", data: a}, entry{name: `..\outside`, data: a},
			entry{name: "link", data: "../outside", mode: fs.ModeSymlink}, entry{name: "in/a.png", data: a})}}, Options{}, "in/a.png tmp/x.png",
			"../outside: the name leads out; a/../../outside: the name leads out; ../outside: the name leads out; link: no file: L---------", ""},
		{"a zip of Windows", []entry{{name: "z.zip", data: zipped(t, entry{name: `cats\1.png`, data: a}, entry{name: `C:\photos\dogs\2.png`, data: b}, entry{name: "\x94.png", data: a})}}, Options{},
			"cats/1.png photos/dogs/2.png ö.png", "", ""},
		{"a broken zip", []entry{{name: "z.zip", data: zipped(t, entry{name: "a.png", data: a})[:60]}, {name: "a.png", data: a}}, Options{}, "a.png", "z.zip: zip: not a valid zip file", ""},
		{"a bomb", []entry{{name: "a.png", data: a}, {name: "z.zip", data: zipped(t, entry{name: "big.png", data: a + zeros})}}, Options{MaxBytes: 1 << 20}, "a.png", "", "larger than its bound, in z.zip; give Upload a larger MaxBytes"},
		{"too large", []entry{{name: "a.png", data: a + zeros}}, Options{MaxBytes: 1 << 20}, "", "", "larger than its bound, at a.png"},
		{"too many", []entry{{name: "a.png", data: a}, {name: "z.zip", data: zipped(t, entry{name: "1.png", data: a}, entry{name: "2.png", data: b}, entry{name: "3.png", data: a})}, {name: "b.png", data: b}}, Options{MaxFiles: 2},
			"1.png a.png", "z.zip: more files than; b.png: more files than", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			if err := os.WriteFile(filepath.Join(top, "outside"), []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(top, "photos")
			o := c.o
			if o.MaxFiles == 0 {
				o.MaxFiles = 100
			}
			if o.MaxBytes == 0 {
				o.MaxBytes = 1 << 20
			}
			s := newSender(t, dir, o)
			var err error
			for _, f := range c.files {
				if err = s.file(f.name, f.data); err != nil {
					break
				}
			}
			s.r.abandon()
			if (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
				t.Errorf("error %v, want %q", err, c.fail)
			}
			if err != nil && !s.replies[len(s.replies)-1].End {
				t.Error("the page is not told to stop")
			}
			got := tree(t, dir)
			if strings.Join(got, " ") != c.want {
				t.Errorf("the folder has %q, want %q", got, c.want)
			}
			if mine, err := os.ReadFile(filepath.Join(top, "outside")); string(mine) != "mine" || len(tree(t, top)) != len(got)+1 {
				t.Errorf("outside of the folder: %q, %v, %q", mine, err, tree(t, top))
			}
			refused := s.r.f.refused
			var want []string
			if c.refused != "" {
				want = strings.Split(c.refused, "; ")
			}
			if !slices.EqualFunc(refused, want, strings.HasPrefix) {
				t.Errorf("refused %q, want %q", refused, want)
			}
		})
	}
}

// TestUnsureNames: a zip whose names are in an unknown code page says so, also where only a part of it was taken.
func TestUnsureNames(t *testing.T) {
	first, second := entry{name: "\x94.png", data: picture(t, 1)}, entry{name: "b.png", data: picture(t, 2)}
	for what, o := range map[string]Options{"whole": {MaxFiles: 9, MaxBytes: 1 << 20}, "one file": {MaxFiles: 1, MaxBytes: 1 << 20}} {
		s := newSender(t, filepath.Join(t.TempDir(), "photos"), o)
		if err := s.file("z.zip", zipped(t, first, second)); err != nil {
			t.Fatal(err)
		}
		if notes := s.r.f.notes; len(notes) != 1 || !strings.Contains(notes[0], `z.zip: the zip file has names that are not in UTF-8`) || !strings.Contains(notes[0], `"ö.png"`) {
			t.Errorf("%s: notes %q", what, notes)
		}
	}
}

// TestLinkedFolder: a symbolic link within the folder leads nothing out of it.
func TestLinkedFolder(t *testing.T) {
	top := t.TempDir()
	dir, other := filepath.Join(top, "photos"), filepath.Join(top, "other")
	for _, d := range []string{dir, other} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, filepath.Join(dir, "ants")); err != nil {
		t.Skip(err)
	}
	s := newSender(t, dir, Options{MaxFiles: 10, MaxBytes: 1 << 20})
	s.file("z.zip", zipped(t, entry{name: "ants/1.png", data: picture(t, 1)})) // its error is that of the machine
	if got := tree(t, other); len(got) > 0 {
		t.Errorf("written through the link: %q", got)
	}
}

// countdown is a context that ends when it was asked a number of times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestStopUnpacking: an interrupt ends the unpacking of a zip, between its files and within one. The pictures that were
// whole by then stay, and nothing else.
func TestStopUnpacking(t *testing.T) {
	big := picture(t, 2) + strings.Repeat("\x00", 4<<20)
	dir := t.TempDir()
	s := newSender(t, dir, Options{MaxFiles: 10, MaxBytes: 1 << 30})
	for _, after := range []int{0, 8, 20} { // a small picture takes a few
		s.ctx = &countdown{t.Context(), 1000}
		if err := s.send("file", "z.zip", ""); err != nil {
			t.Fatal(err)
		}
		if err := s.send("data", "", zipped(t, entry{name: "1.png", data: picture(t, 1)}, entry{name: "2.png", data: big}, entry{name: "3.png", data: big})); err != nil {
			t.Fatal(err)
		}
		s.ctx = &countdown{t.Context(), after}
		err := s.send("end", "", "")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d: error %v, want that of the interrupt", after, err)
		}
		want := []string{"1.png"}
		if after == 0 {
			want = nil
		}
		if got := tree(t, dir); !slices.Equal(got, want) {
			t.Errorf("after %d: the folder has %q, want %q", after, got, want)
		}
	}
}

// TestPage: what a page may do in another order or twice changes nothing.
func TestPage(t *testing.T) {
	t.Setenv(words.Env, "en")
	dir := t.TempDir()
	s := newSender(t, dir, Options{MaxFiles: 10, MaxBytes: 1 << 20})
	for _, do := range []string{"here", "data", "end", "no such thing", "done"} {
		if err := s.send(do, "", ""); err != nil {
			t.Error(do, err)
		}
	}
	if last := s.replies[len(s.replies)-1]; s.r.done || last.N != 5 || !strings.HasPrefix(last.Note, "Nothing was taken") {
		t.Errorf("done without a file: %v, %+v", s.r.done, last)
	}
	s.n = 2 // sent once more
	for _, do := range []string{"end", "done"} {
		s.send(do, "", "")
	}
	if len(s.replies) != 5 {
		t.Errorf("%d replies, want 5: repetitions have none", len(s.replies))
	}
	s.n = 5
	if err := s.file("a.png", picture(t, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.send("done", "", ""); err != nil || !s.r.done {
		t.Errorf("done: %v, %v", s.r.done, err)
	}
	if want := filepath.Join(dir, "a.png"); !slices.Equal(s.r.f.added, []string{want}) {
		t.Errorf("added %q, want %q", s.r.f.added, want)
	}
	// Half a file is removed.
	s.send("file", "b.png", "")
	s.send("data", "", "half")
	s.r.abandon()
	if got := tree(t, dir); !slices.Equal(got, []string{"a.png"}) {
		t.Errorf("the folder has %q", got)
	}
}

// TestPageAgain: a page that is loaded again, or draws the field a second time, begins anew, also within a file; the
// page before is told so.
func TestPageAgain(t *testing.T) {
	dir := t.TempDir()
	before := newSender(t, dir, Options{MaxFiles: 10, MaxBytes: 1 << 20})
	before.page = "before"
	for _, do := range []string{"here", "file", "data"} {
		if err := before.send(do, "half.png", picture(t, 1)); err != nil {
			t.Fatal(do, err)
		}
	}
	after := &sender{ctx: t.Context(), r: before.r, page: "after"}
	if err := after.send("here", "", ""); err != nil || len(after.replies) != 1 || after.replies[0].End {
		t.Fatalf("the second page: %v, replies %+v", err, after.replies)
	}
	if err := before.send("end", "", ""); err != nil {
		t.Fatal(err)
	}
	if last := before.replies[len(before.replies)-1]; !last.End || last.Note != replaced {
		t.Errorf("the first page gets %+v, want an end with the reason", last)
	}
	if err := after.file("whole.png", picture(t, 2)); err != nil {
		t.Fatal(err)
	}
	if err := after.send("done", "", ""); err != nil || !after.r.done {
		t.Errorf("done: %v, %v", after.r.done, err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"whole.png"}) {
		t.Errorf("the folder has %q, want the file that arrived whole", got)
	}
}

// TestInJapanese: what a page shows of an upload is in the language of figures, with the names of files as they are.
func TestInJapanese(t *testing.T) {
	t.Setenv(words.Env, "ja")
	s := newSender(t, t.TempDir(), Options{MaxFiles: 1, MaxBytes: 1 << 20})
	names := []string{"JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF", "PNM", fs.ModeSymlink.String(), "a.txt", "b.png", "c.png", "d.zip", "e", "f.jpg", "g.png", "1.png", "2.png"}
	check := func(text string) {
		t.Helper()
		if english := testutil.English(map[string]any{"text/plain": text}, names...); len(english) > 0 || text == "" {
			t.Errorf("%q shows %q", text, english)
		}
	}
	last := func() string { return s.replies[len(s.replies)-1].Note }
	s.send("here", "", "")
	s.send("done", "", "")
	check(last())
	s.file("a.txt", "no picture")
	s.file(".b.png", picture(t, 1))
	s.file(strings.Repeat("c", 300)+".png", picture(t, 1))
	s.file("d.zip", zipped(t, entry{"e", "", fs.ModeSymlink}))
	s.sendMessage(message{Do: "skip", Name: "f.jpg", Reason: "1"})
	s.send("done", "", "")
	if n := strings.Count(last(), "\n"); n != 4 {
		t.Errorf("%d reasons of 5 are told: %q", n+1, last())
	}
	names = append(names, strings.Repeat("c", 300))
	check(last())
	s.file("g.png", picture(t, 1))
	s.file("a.png", picture(t, 2))
	s.file("d.zip", zipped(t, entry{"1.png", picture(t, 3), 0}))
	s.r.f.refused = append(s.r.f.refused, andMore)
	text := note(taken(1, "d.zip"), s.r.f)
	bundle, err := text.Bundle()
	if err != nil || len(s.r.f.refused) != 3 {
		t.Fatalf("%q is left out, %v; want 3 lines", s.r.f.refused, err)
	}
	if english := testutil.English(bundle, names...); len(english) > 0 {
		t.Errorf("the last figure shows %q", english)
	}
	s.page = "another"
	s.send("data", "", "")
	check(last())
}

// TestDroppedFolder: files of a folder keep their folders, one that the browser can't read is named and left out, and
// none leads out.
func TestDroppedFolder(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "photos")
	s := newSender(t, dir, Options{MaxFiles: 10, MaxBytes: 1 << 20})
	for i, folder := range []string{"insects/ants/", "insects/bees/", "../", ".git/", "/etc/"} {
		for _, m := range []message{{Do: "file", Name: "1.png", Folder: folder},
			{Do: "data", Data: base64.StdEncoding.EncodeToString([]byte(picture(t, i)))}, {Do: "end"}} {
			if err := s.sendMessage(m); err != nil {
				t.Fatal(folder, err)
			}
		}
	}
	for _, m := range []message{{Do: "file", Name: "gone.png"}, {Do: "data"}, {Do: "skip", Name: "gone.png", Reason: "it has changed"}, {Do: "skip", Name: "dir", Reason: "a folder"}, {Do: "done"}} {
		if err := s.sendMessage(m); err != nil {
			t.Fatal(m.Do, err)
		}
	}
	if got, want := tree(t, top), []string{"photos/insects/ants/1.png", "photos/insects/bees/1.png"}; !s.r.done || !slices.Equal(got, want) {
		t.Errorf("done %v, the folder has %q, want %q", s.r.done, got, want)
	}
	if refused := strings.Join(s.r.f.refused, "; "); strings.Count(refused, "leads out") != 3 || !strings.Contains(refused, "gone.png: the browser can't read it: it has changed; dir: the browser can't read it: a folder") {
		t.Errorf("left out: %s", refused)
	}
}

// TestWithoutPage: outside a notebook, the pictures that are there.
func TestWithoutPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "photos")
	if _, err := Pictures(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "photos has no pictures; run the cell in JupyterLab") {
		t.Errorf("error %v", err)
	}
	for name, data := range map[string]string{"a.png": picture(t, 1), "notes.txt": "text", ".hidden.png": picture(t, 2)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Pictures(t.Context(), dir)
	if err != nil || !slices.Equal(got, []string{filepath.Join(dir, "a.png")}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, wrong := range []struct {
		dir  string
		opts []Options
		want string
	}{
		{"", nil, "needs the name of a folder"},
		{dir, []Options{{MaxFiles: -1}}, "at most -1 files"},
		{dir, []Options{{}, {}}, "at most one Options"},
		{filepath.Join(dir, "a.png"), nil, "folder for uploads"},
	} {
		if _, err := Pictures(t.Context(), wrong.dir, wrong.opts...); err == nil || !strings.Contains(err.Error(), wrong.want) {
			t.Errorf("%q: error %v, want %q", wrong.dir, err, wrong.want)
		}
	}
}

// FuzzMessage: whatever a page sends, nothing outside of the folder is written, and no more than the bound within.
func FuzzMessage(f *testing.F) {
	f.Add(`{"n":1,"do":"file","name":"a.png"}`, "../x", []byte("PK\x03\x04"))
	f.Add(`{"n":1,"do":"done"}`, "z.zip", []byte(zipped(f, entry{name: "../a", data: picture(f, 1)}, entry{name: "b", data: picture(f, 2)})))
	f.Add(`{"n":1,"do":"file","name":"a.png","folder":"../b/"}`, "a.png", []byte(picture(f, 1)))
	f.Fuzz(func(t *testing.T, raw, name string, data []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "photos")
		const bound = 1 << 16
		s := newSender(t, dir, Options{MaxFiles: 3, MaxBytes: bound})
		s.r.message(t.Context(), raw, func(string) {}) // errors are for the user
		s.r.abandon()
		s.page, s.n = s.r.page, s.r.next-1
		s.file(name, string(data))
		s.r.abandon()
		if got := tree(t, top); len(got) != len(tree(t, dir)) || len(got) > 3 {
			t.Errorf("written: %q", got)
		}
		size := int64(0)
		for _, file := range tree(t, dir) {
			info, err := os.Stat(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if size > bound {
			t.Errorf("%d bytes written, the bound is %d", size, bound)
		}
	})
}
