package zoo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestDenseNetOldKeys: the published files say norm.1 where today's keys say norm1; both load, but not mixed.
func TestDenseNetOldKeys(t *testing.T) {
	spec, err := zoo.Info("densenet121")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize = 32
	build := func(seed uint64) *zoo.Model {
		m, err := zoo.New(spec, []string{"a", "b"}, seed)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	from, to := build(1), build(2)
	entries, err := from.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	old := strings.NewReplacer(".norm1.", ".norm.1.", ".norm2.", ".norm.2.", ".conv1.", ".conv.1.", ".conv2.", ".conv.2.")
	for i := range entries {
		entries[i].Key = old.Replace(entries[i].Key)
	}
	if !slices.ContainsFunc(entries, func(e weights.Entry) bool {
		return e.Key == "features.denseblock1.denselayer1.norm.1.running_mean"
	}) {
		t.Fatal("the test has no old keys")
	}
	sd, err := weights.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.LoadStateDict(sd); err != nil {
		t.Fatal(err)
	}
	want, got := values(t, from), values(t, to)
	for key := range want {
		if !slices.Equal(want[key], got[key]) {
			t.Errorf("%s has not been loaded", key)
		}
	}

	both := append(slices.Clone(entries), weights.Entry{Key: "features.denseblock1.denselayer1.norm1.bias", Tensor: entries[0].Tensor})
	if sd, err = weights.New(both); err != nil {
		t.Fatal(err)
	}
	wantError(t, to.LoadStateDict(sd), `"densenet121"`, "norm1.bias", "twice")
}
