package train_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// TestDecodedOnce reads every image once for all strategies, seeds and epochs of a comparison, whether memory keeps
// them or a file does; where neither may, the training is the same.
func TestDecodedOnce(t *testing.T) {
	var curves [3][]train.Epoch
	for i, tt := range []struct {
		name         string
		memory, disk int64
		once         bool
	}{{"memory", 0, -1, true}, {"file", 1, 0, true}, {"nowhere", 1, -1, false}} {
		c := &counter{}
		ds := paint(t)
		ds.Train = painted(t, 1, 5, c.asked)
		r := quick(t)
		r.MemoryLimit, r.DiskLimit, r.Seeds, r.Epochs = tt.memory, tt.disk, 2, 3
		r.Augment = vision.StandardAugment()
		run := compare(t, r, "once", ds, pretrained(t), strategy.FineTune{}, strategy.Scratch{})
		curves[i] = curve(run.Results[0].History)
		if n := ds.Train.Len(); (c.n == n) != tt.once {
			t.Errorf("%s: %d images were read, of %d, by two strategies with two seeds in three epochs", tt.name, c.n, n)
		}
		if left, _ := filepath.Glob(filepath.Join(r.Dir, "once", ".decoded*")); len(left) > 0 {
			t.Errorf("%s: %v was left behind", tt.name, left)
		}
		if tt.name != "file" {
			continue
		}
		if _, err := os.Stat("/proc/self/maps"); err == nil {
			maps, err := os.ReadFile("/proc/self/maps")
			if err != nil {
				t.Fatal(err)
			}
			if s := string(maps); strings.Contains(s, ".decoded-") {
				t.Error("the file is still mapped after the comparison")
			}
		}
	}
	if !reflect.DeepEqual(curves[0], curves[1]) || !reflect.DeepEqual(curves[0], curves[2]) {
		t.Errorf("trainings differ by where images are kept:\n%v\n%v\n%v", curves[0], curves[1], curves[2])
	}
}
