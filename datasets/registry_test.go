package datasets

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

func TestList(t *testing.T) {
	infos := List()
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
		if i.Description == "" || i.Licence == "" || i.Source == "" || i.ImageSize == "" || i.Train == 0 || i.Val+i.Test == 0 || !slices.IsSorted(i.Classes) || len(i.Classes) < 2 {
			t.Errorf("incomplete entry %+v", i)
		}
	}
	if want := []string{"cifar10", "hymenoptera", "shapes", "sketches"}; !slices.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
}

func TestLoadErrors(t *testing.T) {
	cache := withCache(t)
	for _, tt := range []struct {
		name, load string
		opts       []Options
		want       []string
	}{
		{"misspelt", "hymenoptra", nil, []string{`unknown data set "hymenoptra"`, `did you mean "hymenoptera"?`, "cifar10, hymenoptera"}},
		{"unknown", "zebra", nil, []string{`"zebra"`, "known are"}},
		{"empty", "", nil, []string{`unknown data set ""`}},
		{"offline", "hymenoptera", nil, []string{"hymenoptera_data.zip", "TLKIT_DATA (not set)", cache, "TLKIT_OFFLINE is set", "https://download.pytorch.org/tutorial/hymenoptera_data.zip"}},
		{"offline cifar10", "cifar10", nil, []string{"cifar10_jpg.zip", "TLKIT_DATA (not set)", cache, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"}},
		{"offline address", "hymenoptera", []Options{{URL: "http://127.0.0.1:1/x.zip"}}, []string{"TLKIT_OFFLINE is set", "x.zip"}},
		{"no such folder", "cifar10", []Options{{Dir: filepath.Join(cache, "none")}}, []string{"cifar10: Options.Dir", "none"}},
		{"built-in from a folder", "shapes", []Options{{Dir: cache}}, []string{"drawn by this package"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Load(tt.load, tt.opts...)
			if err == nil {
				t.Fatalf("got %v, want an error", d)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
		})
	}
	if _, err := Load("hymenoptera"); !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("got %v, want one that wraps ErrOffline", err)
	}
	defer func() {
		if p := recover(); p == nil {
			t.Error("MustLoad did not panic")
		}
	}()
	MustLoad("zebra")
}

func TestLoadPath(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 4)
	f.add(t, "b", 4)
	if d, err := Load(f.dir(t)); err != nil || d.Train.Len() != 6 {
		t.Errorf("got %v, %v", d, err)
	}
}

func TestRegister(t *testing.T) {
	for name, s := range map[string]Spec{"empty": {}, "twice": {Info: Info{Name: "shapes"}, Load: func(Options) (*Dataset, error) { return nil, nil }}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			Register(s)
		}()
	}
}

// hymenopteraLike is a tree of the right form with few images.
func hymenopteraLike(t *testing.T, root string) files {
	f := files{}
	f.add(t, root+"train/ants", 3)
	f.add(t, root+"train/bees", 3)
	f.add(t, root+"val/ants", 2)
	f.add(t, root+"val/bees", 2)
	return f
}

func TestWhereDataIsFound(t *testing.T) {
	cache := withCache(t)
	zipped, err := os.ReadFile(hymenopteraLike(t, "hymenoptera_data/").zip(t))
	if err != nil {
		t.Fatal(err)
	}
	holder := func(name string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), zipped, 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	check := func(name, source string, opts ...Options) {
		t.Helper()
		d, err := Load("hymenoptera", opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if d.Source != source || d.Train.Len() != 6 || d.Val.Len() != 4 || d.Name != "hymenoptera" {
			t.Errorf("%s: %v from %s, want from %s", name, d, d.Source, source)
		}
	}
	unpacked := hymenopteraLike(t, "").dir(t)
	check("folder", unpacked, Options{Dir: unpacked})
	inside := hymenopteraLike(t, "hymenoptera_data/").dir(t)
	check("folder that holds the folder", filepath.Join(inside, "hymenoptera_data"), Options{Dir: inside})
	dir := holder("hymenoptera_data.zip")
	check("folder that holds the zip file", filepath.Join(dir, "hymenoptera_data.zip"), Options{Dir: dir})
	other := filepath.Join(holder("other.zip"), "other.zip")
	check("zip file", other, Options{Dir: other})

	t.Setenv("TLKIT_DATA", inside)
	check("TLKIT_DATA", filepath.Join(inside, "hymenoptera_data"))
	check("Dir before TLKIT_DATA", other, Options{Dir: other})
	t.Setenv("TLKIT_DATA", "")
	if err := os.MkdirAll(filepath.Join(cache, "datasets"), 0o755); err != nil {
		t.Fatal(err)
	}
	cached := filepath.Join(cache, "datasets", "hymenoptera_data.zip")
	if err := os.WriteFile(cached, zipped, 0o644); err != nil {
		t.Fatal(err)
	}
	check("cache", cached)

	t.Setenv("TLKIT_OFFLINE", "")
	hits := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		w.Write(zipped)
	}))
	defer server.Close()
	var progress bytes.Buffer
	o := Options{URL: server.URL + "/my.zip?x=1", Progress: &progress}
	for range 2 {
		d, err := Load("hymenoptera", o)
		if err != nil {
			t.Fatal(err)
		}
		if d.Train.Len() != 6 || !strings.HasSuffix(d.Source, "-my.zip") {
			t.Errorf("%v from %s", d, d.Source)
		}
	}
	if hits != 1 || !strings.Contains(progress.String(), "my.zip") {
		t.Errorf("%d downloads, progress %q", hits, progress.String())
	}
	o.SHA256 = strings.Repeat("0", 64)
	var hash *fetch.HashError
	if _, err := Load("hymenoptera", o); !errors.As(err, &hash) {
		t.Errorf("wrong hash: got %v", err)
	}
}

func TestOtherDataUnderAKnownName(t *testing.T) {
	withCache(t)
	f := files{}
	for _, c := range []string{"a", "b", "c"} {
		f.add(t, c, 2)
	}
	if _, err := Load("hymenoptera", Options{Dir: f.dir(t)}); err == nil || !strings.Contains(err.Error(), "3 classes (a, b, c); expected 2") {
		t.Errorf("got %v", err)
	}
}

func TestSharedHymenoptera(t *testing.T) {
	file := testutil.Shared(t, "data/hymenoptera_data.zip")
	withCache(t)
	t.Setenv("TLKIT_DATA", filepath.Dir(file))
	for _, name := range []string{"hymenoptera", file} {
		d, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.Classes, []string{"ants", "bees"}) || !slices.Equal(d.Train.Counts(), []int{123, 121}) || !slices.Equal(d.Val.Counts(), []int{70, 83}) || d.Test != nil {
			t.Errorf("%s: %v, want 123 + 121 training and 70 + 83 validation images as in PyTorch", name, d)
		}
		if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "1 file was left out: train/ants/imageNotFound.gif") {
			t.Errorf("%s: warnings %q", name, d.Warnings)
		}
		if d.Train.Name(0) != "train/ants/0013035.jpg" || d.Val.Name(152) != "val/bees/"+filepath.Base(d.Val.Name(152)) {
			t.Errorf("%s: names %q, %q", name, d.Train.Name(0), d.Val.Name(152))
		}
		if m, err := d.Train.Image(0); err != nil || m.Width < 100 {
			t.Errorf("%s: first image %v, %v", name, m, err)
		}
	}
}

func TestSharedCIFAR10(t *testing.T) {
	file := testutil.Shared(t, "data/cifar10_jpg.zip")
	withCache(t)
	t.Setenv("TLKIT_DATA", filepath.Dir(file))
	d, err := Load("cifar10", Options{ValFraction: -1, PerClass: 200})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 2000 || d.Test.Len() != 10_000 || d.Val != d.Test || len(d.Warnings) != 0 {
		t.Errorf("%v, warnings %q", d, d.Warnings)
	}
	if !slices.Equal(d.Classes, cifar10.Classes) {
		t.Errorf("classes %v", d.Classes)
	}
	for i := range 200 {
		if d.Train.Label(i) != 0 || !strings.HasPrefix(d.Train.Name(i), "train/airplane/") {
			t.Fatalf("image %d is %s", i, d.Train.Name(i))
		}
	}
	if m, err := d.Test.Image(9_999); err != nil || m.Width != 32 || m.Height != 32 {
		t.Errorf("last image %v, %v", m, err)
	}
	full, err := Load("cifar10")
	if err != nil {
		t.Fatal(err)
	}
	if full.Train.Len() != 8000 || full.Val.Len() != 2000 || full.Test.Len() != 10_000 {
		t.Errorf("%v", full)
	}
}
