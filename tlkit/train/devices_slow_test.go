//go:build slow

package train_test

import "testing"

// TestDevicesOfEveryStrategy: teachers' logits and further batches are divided, too.
func TestDevicesOfEveryStrategy(t *testing.T) {
	several(t)
	for _, e := range every(t) {
		t.Run(e.Name(), func(t *testing.T) {
			r := quick(t)
			r.Epochs = 4
			want := compare(t, r, "one", paint(t), e.model, e.Strategy).Results[0].History
			r.Devices = 2
			sameWithin(t, e.Name(), compare(t, r, "two", paint(t), e.model, e.Strategy).Results[0].History, want)
		})
	}
}
