package environ

import (
	"slices"
	"testing"
)

func TestSet(t *testing.T) {
	env := []string{"A=1", "GOPROXY=https://example.com", "GOPROXYX=2", "GOPROXY=again"}
	if got, want := Set(env, "GOPROXY=off", "B=a=b"), []string{"A=1", "GOPROXYX=2", "GOPROXY=off", "B=a=b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Without(env, "GOPROXY", "A"), []string{"GOPROXYX=2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if env[0] != "A=1" || env[1] != "GOPROXY=https://example.com" {
		t.Error("the given slice was changed")
	}
}
