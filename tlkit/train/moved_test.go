package train_test

import (
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

// TestMovedData: a data folder that was renamed gives the run's results, with a line that says so, also where a strategy has
// data of its own; one changed pixel trains anew.
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
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, "(names, labels or contents) have changed; trained anew") {
		t.Errorf("warnings %q", text)
	}
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
