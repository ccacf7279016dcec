package train_test

import (
	"math"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// A fixed number of augmented views trains the same with cached features as without; and it is another training than
// with one view, and than with new ones.
func TestViews(t *testing.T) {
	history := func(views int, limit int64) []train.Epoch {
		r := quick(t)
		r.Epochs, r.Views, r.MemoryLimit = 4, views, limit
		r.Augment = vision.Augment{HorizontalFlip: 0.5}
		run := compare(t, r, "views", paint(t), pretrained(t), strategy.Transfer{})
		return result(t, run, "transfer").History
	}
	cached, plain := history(2, 0), history(2, 1)
	one, fresh := history(1, 0), history(0, 0)
	differs := func(a, b []train.Epoch) bool {
		for i := range a {
			if math.Abs(a[i].TrainLoss-b[i].TrainLoss) > 1e-4 {
				return true
			}
		}
		return false
	}
	if differs(cached, plain) {
		t.Errorf("two views with cached features train to %v, without to %v", cached, plain)
	}
	if !differs(cached, one) || !differs(cached, fresh) {
		t.Error("two views train like one, or like new ones in every epoch")
	}
	r := quick(t)
	r.Views = -1
	if _, err := r.Compare(t.Context(), "views", paint(t), pretrained(t), strategy.Transfer{}); err == nil {
		t.Error("Views -1: no error")
	} else {
		wantError(t, err, "Recipe.Views", "-1")
	}
}
