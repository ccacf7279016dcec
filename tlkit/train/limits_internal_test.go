package train

import (
	"strings"
	"testing"
)

// TestLimits: a model card says that the epoch was chosen by the images of its accuracy only where one was.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		recipe  Recipe
		rate    float64
		stopped bool
		chosen  bool
	}{
		{Recipe{}, 0.1, false, true},
		{Recipe{Restore: RestoreLowestLoss}, 0.1, false, true},
		{Recipe{Restore: RestoreLast}, 0.1, false, false},
		{Recipe{Restore: RestoreLast}, 0.1, true, true}, // stopped early, at an epoch that these images chose
		{Recipe{}, 0, false, false},                     // no steps: all epochs are one
	} {
		for _, test := range []bool{false, true} {
			r := &Result{LearningRate: tt.rate, StoppedEarly: tt.stopped, History: make([]Epoch, 3),
				run: &Run{Config: Config{Recipe: tt.recipe, Data: DataConfig{Test: test}}}}
			text, images := r.limits(), map[bool]string{false: "the validation images", true: "the test images"}[test]
			if strings.Contains(text, "epoch was chosen by; on other images it is a little lower") != tt.chosen || !strings.Contains(text, images) {
				t.Errorf("%+v: %q, epoch chosen: %v, images: %s", tt, text, tt.chosen, images)
			}
		}
	}
}
