//go:build linux

package session

import "testing"

// TestSilent: a silent cell runs, shows no result, and its expressions have values.
func TestSilent(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "x := 20")
	for _, code := range []string{"", "x", "x + 1", "x++\nx", "y := x; y", "len(\"abc\")", "strings.ToUpper(\"a\")", "x, 1", "\"text\"", "func() int { return 1 }()", "(x)"} {
		out := &record{}
		cell := &Cell{Code: code, Count: 2, Silent: true, UserExpressions: map[string]string{"v": "x * 2", "bad": "nothing"}}
		if err := s.Execute(t.Context(), cell, out); err != nil {
			t.Errorf("%q: %v", code, err)
			continue
		}
		if out.String() != "" {
			t.Errorf("%q shows %q", code, out.String())
		}
		v, _ := cell.Values["v"].(map[string]any)
		bad, _ := cell.Values["bad"].(map[string]any)
		if v["status"] != "ok" || bad["status"] != "error" {
			t.Errorf("%q: values %v", code, cell.Values)
		}
	}
	if got := run(t, s, 3, "x"); got != "=> 21" {
		t.Errorf("x: %q", got)
	}
}
