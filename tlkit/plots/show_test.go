package plots

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// outside makes Show work as outside a notebook and returns what it prints.
func outside(t *testing.T) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	old := terminal
	terminal = &out
	reservedMu.Lock()
	reserved = map[string]bool{}
	reservedMu.Unlock()
	t.Cleanup(func() { terminal = old })
	return &out
}

func TestShowWritesFile(t *testing.T) {
	out := outside(t)
	t.Chdir(t.TempDir())
	t.Setenv(DirEnv, "")
	f := Curves("Ants vs. Bees: 1/2", Panel{Lines: []Line{series("a", "val", 1, 2)}})
	for range 2 {
		if err := Show(f); err != nil {
			t.Fatal(err)
		}
	}
	first, second := filepath.Join(".tlkit", "plots", "ants-vs-bees-1-2.svg"), filepath.Join(".tlkit", "plots", "ants-vs-bees-1-2-2.svg")
	if want := "plots: wrote " + first + "\nplots: wrote " + second + "\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out, want)
	}
	for _, p := range []string{first, second} {
		data, err := os.ReadFile(p)
		if err != nil || !bytes.Contains(data, []byte("<svg")) {
			t.Errorf("%s: %v, %d bytes, want an SVG", p, err, len(data))
		}
	}
}

func TestShowKinds(t *testing.T) {
	out := outside(t)
	dir := t.TempDir()
	t.Setenv(DirEnv, dir)
	for _, f := range []Figure{
		Table([]string{"strategy"}, [][]string{{"transfer"}}, TableOptions{Caption: "Summary"}),
		Images([]Captioned{{Image: block(8)}}, 1), Text("just text"), Markdown("# md"), HTML("<b>h</b>", "h"),
		ConfusionImages([]string{"a"}, [][]int{{1}}, nil),
	} {
		if err := Show(f); err != nil {
			t.Fatal(err)
		}
	}
	want := "Summary\n strategy\n──────────\n transfer\nplots: wrote " + filepath.Join(dir, "summary.html") + "\n" +
		"plots: wrote " + filepath.Join(dir, "images.png") + "\njust text\n# md\nh\nplots: wrote " + filepath.Join(dir, "html.html") + "\n" +
		"plots: wrote " + filepath.Join(dir, "confusion.html") + "\n"
	if out.String() != want {
		t.Errorf("printed\n%s want\n%s", out, want)
	}
	page, err := os.ReadFile(filepath.Join(dir, "summary.html"))
	if err != nil || !bytes.HasPrefix(page, []byte("<!doctype html>")) || !bytes.Contains(page, []byte("<title>Summary</title>")) || !bytes.Contains(page, []byte("transfer</td>")) {
		t.Errorf("summary.html: %v\n%s", err, page)
	}
}

// TestFolderInHome: "~" in TLKIT_PLOTS is the home folder.
func TestFolderInHome(t *testing.T) {
	outside(t)
	home := t.TempDir()
	t.Chdir(home)
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv(DirEnv, "~/figures")
	if err := Show(HTML("<b>h</b>", "h")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, "figures", "html.html")); err != nil {
		t.Error(err)
	}
}

func TestLiveRewritesOneFile(t *testing.T) {
	out := outside(t)
	dir := t.TempDir()
	t.Setenv(DirEnv, dir)
	live, other := NewLive(), NewLive()
	var last []byte
	for epoch := 1; epoch <= 3; epoch++ {
		f := Curves("run", Panel{Lines: []Line{series("a", "val", []float64{3, 1, 2}[:epoch]...)}})
		if err := live.Update(f); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "live-run.svg"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(data, last) {
			t.Errorf("epoch %d: the file has not changed", epoch)
		}
		last = data
	}
	if err := other.Update(Curves("run")); err != nil {
		t.Fatal(err)
	}
	want := "plots: wrote " + filepath.Join(dir, "live-run.svg") + ", kept up to date\nplots: wrote " + filepath.Join(dir, "live-run-2.svg") + ", kept up to date\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out, want)
	}
	if now, err := os.ReadFile(filepath.Join(dir, "live-run.svg")); err != nil || !bytes.Equal(now, last) {
		t.Errorf("another Live of the same name touched the first one's file (%v)", err)
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := Bars("b", []Bar{{"a", 1, 0, 0}}, BarOptions{})
	for name, start := range map[string]string{
		"x.svg": "<?xml", "x.png": "\x89PNG", "x.json": "{", "x.html": "<!doctype html>", "x.TXT": "b\n",
	} {
		path := filepath.Join(dir, name)
		if err := Save(f, path); err != nil {
			t.Error(err)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(data), start) {
			t.Errorf("%s: %v, starts with %.20q, want %q", name, err, data, start)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "x.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if want := checked(t, f)[MIMEVegaLite]; !reflect.DeepEqual(got, want) {
		t.Error("x.json is not the bundle's specification")
	}
	page, err := os.ReadFile(filepath.Join(dir, "x.html"))
	if err != nil || bytes.Contains(page, []byte("<?xml")) || !bytes.Contains(page, []byte("<svg ")) || bytes.Contains(page, []byte("<script")) {
		t.Errorf("x.html wants the SVG inline, without XML declaration or scripts (%v)", err)
	}
	if err := Save(Images([]Captioned{{Image: block(8), Caption: `"<q>`}}, 1), filepath.Join(dir, "img.html")); err != nil {
		t.Error(err)
	}
	page, err = os.ReadFile(filepath.Join(dir, "img.html"))
	if err != nil || !bytes.Contains(page, []byte(`alt="&#34;&lt;q&gt;"`)) || !bytes.Contains(page, []byte(`width="96"`)) {
		t.Errorf("img.html: %v\n%.900s", err, page)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".plot-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
}

func TestSaveErrors(t *testing.T) {
	dir := t.TempDir()
	table := Table([]string{"a"}, [][]string{{"1"}}, TableOptions{})
	for _, c := range []struct {
		f          Figure
		path, want string
	}{
		{table, "x.gif", `unknown extension ".gif", want .svg, .png, .json, .html, .md or .txt`},
		{table, "x", `unknown extension ""`},
		{table, "x.svg", "this figure has no .svg form (image/svg+xml); it has text/html, text/plain"},
		{table, "x.png", "this figure has no .png form (image/png)"},
		{table, filepath.Join("missing", "x.html"), "there is no folder"},
		{Confusion([]string{"a"}, nil), "x.svg", "confusion matrix has 0 rows for 1 classes"},
	} {
		err := Save(c.f, filepath.Join(dir, c.path))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.path, err, c.want)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("failed saves left %v (%v)", files, err)
	}
}

func TestFitText(t *testing.T) {
	svg, err := drawSVG(barChart{title: "T", bars: []Bar{{"a & b", 1, 0, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if n, m := strings.Count(svg, "<text "), strings.Count(svg, "<text textLength="); n == 0 || n != m {
		t.Errorf("%d texts, %d with a fixed length, want all", n, m)
	}
	if strings.Contains(svg, "font-family:Liberation") || !strings.Contains(svg, "sans-serif") {
		t.Error("a text names no substitute for Liberation Sans")
	}
	if !strings.Contains(svg, ">a &amp; b</text>") {
		t.Error("the name is not escaped")
	}
}
