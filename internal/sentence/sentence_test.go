package sentence

import "testing"

func TestList(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"a"}, "a"},
		{[]string{"a", "b"}, "a, b"},
		{[]string{"a", "b", "c"}, "a, b and 1 more"},
	} {
		if got := List(tt.names, 2); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.names, got, tt.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	if got, want := Quoted([]string{"a b", `c"d`, "e"}, 2), `"a b", "c\"d" and 1 more`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
