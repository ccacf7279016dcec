package train_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestMovedData: a data folder that was renamed gives the run's results, with a line that says so; one
// changed pixel trains anew.
func TestMovedData(t *testing.T) {
	t.Setenv("TLKIT_DATA", t.TempDir())
	dir := filepath.Join(t.TempDir(), "bees")
	for i := range 12 {
		m := image.NewRGBA(image.Rect(0, 0, 8, 8))
		for p := range m.Pix {
			m.Pix[p] = uint8(p*i + 100*(i%2) + 7)
		}
		writePNG(t, filepath.Join(dir, []string{"a", "b"}[i%2], string(rune('a'+i))+".png"), m)
	}
	open := func() *datasets.Dataset {
		ds, err := datasets.ImageFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	m, r := pretrained(t), quick(t)
	first := compare(t, r, "r", open(), m, strategy.Transfer{})
	moved := filepath.Join(filepath.Dir(dir), "bees of 2026")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	dir = moved
	check := func(want string, results int) {
		t.Helper()
		strategies := []train.Strategy{strategy.Transfer{}, strategy.FineTune{}}
		run := compare(t, r, "r", open(), m, strategies[:results]...)
		if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, want) || strings.Contains(text, "anew") {
			t.Errorf("warnings %q, want %q", text, want)
		}
		if !reflect.DeepEqual(run.Results[0].History, first.Results[0].History) || len(run.Results) < results {
			t.Errorf("%d results, history %v", len(run.Results), run.Results[0].History)
		}
	}
	check("the images are those of bees, which the run was made with, under the name of bees of 2026 now", 1) // finished: nothing is written
	check("the images are those of bees", 2)                                                                  // another strategy is trained
	check("", 2)

	writePNG(t, filepath.Join(dir, "a", "a.png"), image.NewRGBA(image.Rect(0, 0, 8, 8)))
	run := compare(t, r, "r", open(), m, strategy.Transfer{})
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, "(names, labels, contents or how files are decoded) have changed; trained anew") {
		t.Errorf("warnings %q", text)
	}
}

// TestMovedSource: the folder of a strategy's own data was renamed, and the run gets another epoch: training goes on
// from the checkpoint, and does so again under a third name.
func TestMovedSource(t *testing.T) {
	t.Setenv("TLKIT_DATA", t.TempDir())
	root := t.TempDir()
	for i := range 12 {
		m := image.NewRGBA(image.Rect(0, 0, 8, 8))
		for p := range m.Pix {
			m.Pix[p] = uint8(p*i + 100*(i%2) + 7)
		}
		writePNG(t, filepath.Join(root, "one", paint(t).Classes[i%len(paint(t).Classes)], string(rune('a'+i))+".png"), m)
	}
	ds, m, r := paint(t), pretrained(t), quick(t)
	before := []train.Epoch{}
	last := "one"
	for i, name := range []string{"one", "two", "three"} {
		if name != last {
			if err := os.Rename(filepath.Join(root, last), filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
		last = name
		source, err := datasets.ImageFolder(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		r.Epochs = 1 + i
		run := compare(t, r, "r", ds, m, strategy.DeepCORAL{Source: source})
		history := run.Results[0].History // with the times: an epoch that is trained again has another
		if len(history) != r.Epochs || len(run.Warnings) > 0 || !reflect.DeepEqual(history[:len(before)], before) {
			t.Fatalf("%s: warnings %q, history\n%+v, want first\n%+v", name, run.Warnings, history, before)
		}
		before = history
	}
}

// TestEarlierFingerprint: the stored fingerprint has the form of older runs. The run is opened once, and then gets
// another epoch: training goes on from the checkpoint.
func TestEarlierFingerprint(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	source := paint(t)
	ds.Train, ds.Val = absolute(t, ds.Train), absolute(t, ds.Val)
	r.Epochs = 1
	before := compare(t, r, "r", ds, m, strategy.Transfer{}, strategy.DeepCORAL{Source: source})
	if err := train.MakeOlder(before, wholeNames(ds)); err != nil {
		t.Fatal(err)
	}
	for epochs, strategies := range [][]train.Strategy{1: {strategy.FineTune{}}, 2: {strategy.Transfer{}, strategy.DeepCORAL{Source: source}}, 3: {strategy.Transfer{}}} {
		if epochs == 0 {
			continue
		}
		r.Epochs = epochs
		run := compare(t, r, "r", ds, m, strategies...)
		if len(run.Warnings) > 0 || run.Config.Data.Fingerprint != ds.Fingerprint() {
			t.Errorf("%d epochs: warnings %q, fingerprint %s", epochs, run.Warnings, run.Config.Data.Fingerprint)
		}
		for i, res := range before.Results {
			if got := run.Results[i].History; !reflect.DeepEqual(got[:1], res.History) || i < len(strategies) && epochs > 1 && len(got) != epochs {
				t.Errorf("%d epochs: %s has\n%+v, want first\n%+v", epochs, res.Strategy, got, res.History)
			}
		}
	}

	// A checkpoint of something else is not used, and a line says so.
	run, err := train.Open(r.Dir, "r")
	if err == nil {
		err = train.MakeOlder(run, "something else")
	}
	if err == nil {
		err = train.SetFingerprint(run, ds.Fingerprint())
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Epochs = 4
	run = compare(t, r, "r", ds, m, strategy.Transfer{})
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, "its checkpoints were made with another configuration; trained from the start") {
		t.Errorf("warnings %q", text)
	}
}

// absolute gives the images of a split absolute paths in one folder.
func absolute(t *testing.T, s *datasets.Split) *datasets.Split {
	t.Helper()
	root, err := filepath.Abs("photos")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var labels []int
	for i := range s.Len() {
		names, labels = append(names, filepath.Join(root, s.Name(i))), append(labels, s.Label(i))
	}
	out, err := datasets.NewSplit(len(s.Classes()), names, labels, s.Image)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wholeNames is the fingerprint that older runs have of images without contents: it has the names with their folders.
func wholeNames(ds *datasets.Dataset) string {
	h := sha256.New()
	for _, c := range ds.Classes {
		fmt.Fprintf(h, "class %q\n", c)
	}
	for _, s := range []struct {
		name  string
		split *datasets.Split
	}{{"train", ds.Train}, {"val", ds.Val}} {
		fmt.Fprintf(h, "split %s %d\n", s.name, s.split.Len())
		for i := range s.split.Len() {
			fmt.Fprintf(h, "%d %q\n", s.split.Label(i), s.split.Name(i))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func writePNG(t *testing.T, path string, m image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}
