package classnames

import (
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	names := []string{"ant", "crane", "bee", "crane"}
	if got, want := Distinct(names), []string{"ant", "crane (1)", "bee", "crane (3)"}; !slices.Equal(got, want) {
		t.Errorf("Distinct: %q, want %q", got, want)
	}
	for name, want := range map[string][]int{"bee": {2}, "crane": {1, 3}, "crane (3)": {3}, "crane (2)": nil, "bee (2)": nil} {
		if got := Find(names, name); !slices.Equal(got, want) {
			t.Errorf("Find %q: %v, want %v", name, got, want)
		}
	}
}
