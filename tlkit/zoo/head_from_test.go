package zoo_test

import (
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// TestReplaceHeadFrom: named classes begin with the old units' values, the others as ReplaceHead makes them.
func TestReplaceHeadFrom(t *testing.T) {
	m, plain := small(t, []string{"a", "b", "c"}, 1), small(t, []string{"a", "b", "c"}, 1)
	bias, _ := m.Param("linear.bias")
	if err := m.Variable(bias).SetValue(tensors.FromValue([]float32{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	before := values(t, m)
	classes := []string{"x", "y", "z", "u"}
	if err := plain.ReplaceHead(classes, 5); err != nil {
		t.Fatal(err)
	}
	if err := m.ReplaceHeadFrom(classes, map[string]string{"x": "c", "z": "a"}, 5); err != nil {
		t.Fatal(err)
	}
	got, want := values(t, m), values(t, plain)
	copy(want["linear.weight"][:64], before["linear.weight"][2*64:])
	copy(want["linear.weight"][2*64:3*64], before["linear.weight"][:64])
	want["linear.bias"][0], want["linear.bias"][2] = 3, 1
	for _, p := range m.Params() {
		if !slices.Equal(got[p.Key], want[p.Key]) {
			t.Errorf("%s = %.4g, want %.4g", p.Key, got[p.Key], want[p.Key])
		}
	}
	wantError(t, m.ReplaceHeadFrom(classes, map[string]string{"v": "x"}, 0), `"v"`, "x, y, z, u")
	wantError(t, m.ReplaceHeadFrom([]string{"v"}, map[string]string{"v": "a"}, 0), `"a"`, "the 4 that it has")
	if !slices.Equal(m.Classes, classes) {
		t.Errorf("after an error the classes are %v", m.Classes)
	}
}
