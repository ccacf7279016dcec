package kernel

import "testing"

func TestParseStat(t *testing.T) {
	cases := []struct {
		stat       string
		want       processInfo
		zombie, ok bool
	}{
		{"12 (go) S 7 12 12 0 -1", processInfo{12, 7, "go"}, false, true},
		{"13 (a) b (c) R 8 1", processInfo{13, 8, "a) b (c"}, false, true},
		{"14 (gopls) Z 1 1", processInfo{14, 1, "gopls"}, true, true},
		{"", processInfo{}, false, false},
		{"15 (x)", processInfo{}, false, false},
		{"x (x) S 1", processInfo{}, false, false},
	}
	for _, c := range cases {
		got, zombie, ok := parseStat(c.stat)
		if ok != c.ok || ok && (got != c.want || zombie != c.zombie) {
			t.Errorf("%q: %+v, zombie %v, %v; want %+v, %v, %v", c.stat, got, zombie, ok, c.want, c.zombie, c.ok)
		}
	}
}
