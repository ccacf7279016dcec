package zoo_test

import (
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Predictions may be compiled with the values of the model; they must follow when those change.
func TestPredictionsFollowTheValues(t *testing.T) {
	m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	other, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	pix := make([]uint8, 2*32*32*3)
	for i := range pix {
		pix[i] = uint8(i * 7)
	}
	logits := func(m *zoo.Model) []float32 {
		t.Helper()
		l, err := m.LogitsOf(pix, 2)
		if err != nil {
			t.Fatal(err)
		}
		return l[1]
	}
	first := logits(m)
	if again := logits(m); again[0] != first[0] {
		t.Errorf("the same images twice: %g and %g", first[0], again[0])
	}
	m.Release()
	m.Release() // nothing left to free
	if again := logits(m); again[0] != first[0] {
		t.Errorf("after Release: %g, before %g", again[0], first[0])
	}
	for _, p := range other.Params() {
		v, err := other.Variable(p).Value()
		if err == nil {
			v, err = v.LocalClone()
		}
		if err == nil {
			err = m.Variable(p).SetValue(v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got, want := logits(m), logits(other)
	for i := range want {
		if d := got[i] - want[i]; d > 1e-4 || d < -1e-4 {
			t.Fatalf("logit %d is %g after the values were replaced, want %g (before: %g)", i, got[i], want[i], first[i])
		}
	}
	if _, err := m.LogitsOf(pix[1:], 2); err == nil {
		t.Error("a byte too few: no error")
	}
}
