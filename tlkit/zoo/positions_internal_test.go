package zoo

import "testing"

// TestPositions: of every network whose positions are learned for one size, the number of rows tells the size.
func TestPositions(t *testing.T) {
	bound := 0
	for _, name := range List(Filter{}) {
		spec, err := Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if !spec.sizeBound() {
			continue
		}
		bound++
		m := traced(t, spec, []string{"a"})
		_, patch, ok := m.positions()
		if !ok {
			t.Errorf("%s: no learned positions", name)
			continue
		}
		for _, side := range []int{2, 5, 24} {
			other := spec
			other.InputSize = side * patch
			q, _, _ := traced(t, other, []string{"a"}).positions()
			if got := m.positionsFor(q.Shape[len(q.Shape)-2]); got != side*patch {
				t.Errorf("%s: %v are positions for images of %d, want %d", name, q.Shape, got, side*patch)
			}
		}
		if got := m.positionsFor(7); got != 0 && spec.Family != "clip" { // no square
			t.Errorf("%s: 7 rows are positions for images of %d", name, got)
		}
	}
	if bound < 80 {
		t.Errorf("%d networks", bound)
	}
}
