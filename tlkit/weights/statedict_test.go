package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// zeros is a state dict in memory with tensors of the given shapes.
func zeros(t *testing.T, specs ...Spec) *StateDict {
	t.Helper()
	var entries []Entry
	for _, s := range specs {
		n, err := elements(s.Shape)
		if err != nil {
			t.Fatal(err)
		}
		tensor, err := NewTensor(s.Shape, make([]float32, n))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{s.Key, tensor})
	}
	sd, err := New(entries)
	if err != nil {
		t.Fatal(err)
	}
	return sd
}

func TestMatch(t *testing.T) {
	want := []Spec{{"conv.weight", []int{4, 3, 3, 3}}, {"bn.weight", []int{4}}, {"bn.num_batches_tracked", nil}, {"fc.weight", []int{10, 4}}}
	fits := zeros(t, Spec{"fc.weight", []int{10, 4}}, Spec{"bn.weight", []int{4}}, Spec{"conv.weight", []int{4, 3, 3, 3}}, Spec{"other.num_batches_tracked", nil})
	if err := Match(want, fits); err != nil {
		t.Error(err)
	}
	off := zeros(t, Spec{"fc.weight", []int{1000, 4}}, Spec{"conv.weight", []int{4, 3, 3, 3}}, Spec{"fc.bias", []int{10}}, Spec{"x", nil})
	off.Source = "file.pth"
	err := Match(want, off)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("%T: %v", err, err)
	}
	expected := &MismatchError{Source: "file.pth", Matched: 1, Missing: []string{"bn.weight"}, Unexpected: []string{"fc.bias", "x"},
		Misshapen: []ShapeMismatch{{"fc.weight", []int{10, 4}, []int{1000, 4}}}}
	if !reflect.DeepEqual(mismatch, expected) {
		t.Errorf("%+v, want %+v", mismatch, expected)
	}
	for _, part := range []string{"file.pth", "1 missing: bn.weight", "2 unexpected: fc.bias, x", "fc.weight (model [10 4], file [1000 4])"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q lacks %q", err, part)
		}
	}
}

func TestMatchLongLists(t *testing.T) {
	var want, prefixed []Spec
	for i := range 500 {
		want = append(want, Spec{fmt.Sprintf("layer%03d.weight", i), []int{1}})
		prefixed = append(prefixed, Spec{fmt.Sprintf("model.backbone.layer%03d.weight", i), []int{1}})
	}
	sd := zeros(t, prefixed...)
	err := Match(want, sd)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Missing) != 500 || len(mismatch.Unexpected) != 500 {
		t.Fatalf("%v", err)
	}
	if len(err.Error()) > 1000 || !strings.Contains(err.Error(), "and 492 more") || !strings.Contains(err.Error(), `"model.backbone.": remove it with StateDict.Strip`) {
		t.Errorf("message %q", err)
	}
	// The advice of the message works.
	if n, err := sd.Strip("model.backbone."); n != 500 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := Match(want, sd); err != nil {
		t.Error(err)
	}
	err = Match(want, zeros(t, Spec{"fc.weight", []int{1}}))
	if err == nil || !strings.Contains(err.Error(), "not one name fits") {
		t.Errorf("message %q", err)
	}
}

func TestStrip(t *testing.T) {
	sd := zeros(t, Spec{"model.a", nil}, Spec{"a", nil}, Spec{"model.b", nil})
	if n, err := sd.Strip("model."); err == nil || n != 0 {
		t.Errorf("two keys became one: %d, %v", n, err)
	}
	if want := []string{"model.a", "a", "model.b"}; !slices.Equal(sd.Keys(), want) {
		t.Errorf("keys after the error: %q", sd.Keys())
	}
	if _, ok := sd.Get("model.b"); !ok {
		t.Error("the index is lost after the error")
	}
	if n, err := sd.Strip("model.b"); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	for _, tt := range []struct{ keys, want, stripped string }{
		{"module.a module.b", "a b", "module."},
		{"module.a b", "module.a b", ""},
		{"_orig_mod.module.a _orig_mod.module.b", "a b", "_orig_mod.module."},
		{"module. module.b", "module. module.b", ""},
		{"module.module.a", "a", "module.module."},
	} {
		sd := &StateDict{}
		for _, k := range strings.Fields(tt.keys) {
			sd.entries = append(sd.entries, Entry{Key: k})
		}
		sd.stripWrappers()
		if got := strings.Join(sd.Keys(), " "); got != tt.want || sd.Stripped != tt.stripped {
			t.Errorf("%s: %s, stripped %q", tt.keys, got, sd.Stripped)
		}
	}
}

func TestNewTensor(t *testing.T) {
	for _, tt := range []struct {
		shape []int
		n     int
		want  string
	}{{[]int{2, 3}, 6, ""}, {nil, 1, ""}, {[]int{0}, 0, ""}, {[]int{2, 3}, 5, "6 elements"}, {[]int{-1}, 1, "negative"}} {
		tensor, err := NewTensor(tt.shape, make([]float32, tt.n))
		if tt.want == "" {
			if values, readErr := tensor.Float32(); err != nil || readErr != nil || len(values) != tt.n {
				t.Errorf("%v: %v, %v", tt.shape, err, readErr)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.shape, err)
		}
	}
	if _, err := New([]Entry{{Key: "a"}, {Key: "a"}}); err == nil {
		t.Error("a repeated key was accepted")
	}
	if err := (Tensor{Shape: []int{2}, DType: F32}).ReadFloat32(make([]float32, 2)); err == nil {
		t.Error("a tensor without data was read")
	}
	if err := (Tensor{Shape: []int{2}, DType: F32}).ReadFloat32(make([]float32, 3)); err == nil {
		t.Error("a destination of the wrong length was accepted")
	}
}

func TestConcurrentReads(t *testing.T) {
	sd := openFixture(t, "views.zip.pth")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, e := range sd.Entries() {
				if _, err := e.Float32(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestCloseThenRead(t *testing.T) {
	sd := openFixture(t, "views.zip.pth")
	base, _ := sd.Get("base")
	if err := errors.Join(sd.Close(), sd.Close()); err != nil {
		t.Error(err)
	}
	if _, err := base.Float32(); err == nil {
		t.Error("a tensor was read from a closed file")
	}
}

// TestLargeFile loads weights of ResNet-50's size (102 MB): memory must stay below twice the file, and reading is as
// fast as the disk and a copy.
func TestLargeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and reads 200 MB")
	}
	var entries []Entry
	for i := range 25 {
		tensor, err := NewTensor([]int{1024, 1000}, make([]float32, 1024*1000))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{fmt.Sprintf("layer%d.weight", i), tensor})
	}
	dir := t.TempDir()
	pth, safe := filepath.Join(dir, "big.pth"), filepath.Join(dir, "big.safetensors")
	if err := errors.Join(WritePTH(pth, entries), WriteSafetensors(safe, entries, nil)); err != nil {
		t.Fatal(err)
	}
	entries = nil
	for _, path := range []string{pth, safe} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		var before, opened, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		sd, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&opened)
		values := map[string][]float32{}
		for _, e := range sd.Entries() {
			if values[e.Key], err = e.Float32(); err != nil {
				t.Fatal(err)
			}
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		sd.Close()
		total := after.TotalAlloc - before.TotalAlloc // garbage included
		t.Logf("%s: %d MB in %v, allocated %d MB, %d kB of it for opening", filepath.Base(path), info.Size()>>20, took.Round(time.Millisecond),
			total>>20, (opened.TotalAlloc-before.TotalAlloc)>>10)
		if int64(total) > info.Size()*5/4 {
			t.Errorf("allocated %d bytes for a file of %d", total, info.Size())
		}
		if opened.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("opening alone allocated %d bytes", opened.TotalAlloc-before.TotalAlloc)
		}
	}
}

func TestString(t *testing.T) {
	got := openFixture(t, "checkpoint.zip.pth").String()
	if !strings.HasPrefix(got, "state dict checkpoint.zip.pth: 9 tensors, 77 parameters, arch=tiny") {
		t.Errorf("%q", got)
	}
}

// TestWith: a view has other tensors and says everything else as before.
func TestWith(t *testing.T) {
	sd := zeros(t, Spec{"a", []int{1}}, Spec{"b", []int{1}})
	sd.Metadata, sd.Source, sd.Format, sd.Nested, sd.Stripped = map[string]string{"epoch": "3"}, "x.pth", "pytorch-zip", "model", "module."
	entries := sd.Entries()[1:]
	entries[0].Key = "c"
	view, err := sd.With(entries)
	if err != nil {
		t.Fatal(err)
	}
	if got := view.Keys(); len(got) != 1 || got[0] != "c" {
		t.Errorf("keys %q", got)
	}
	if _, there := view.Get("a"); there {
		t.Error("the view has a tensor that was left out")
	}
	if view.Metadata["epoch"] != "3" || view.Source != "x.pth" || view.Format != "pytorch-zip" || view.Nested != "model" || view.Stripped != "module." {
		t.Errorf("the view says %+v", view)
	}
	view.Metadata["epoch"] = "4"
	if sd.Metadata["epoch"] != "3" || sd.Len() != 2 {
		t.Errorf("the original has changed: %v, %q", sd.Metadata, sd.Keys())
	}
	if _, err := sd.With(append(entries, entries...)); err == nil || !strings.Contains(err.Error(), "x.pth") || !strings.Contains(err.Error(), `"c" appears twice`) {
		t.Errorf("a key twice: %v", err)
	}
}
