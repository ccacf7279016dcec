//go:build linux

package worker

import (
	"fmt"
	"strings"
	"testing"
)

// TestDump: the stacks that follow the reason of a process's end are cut, however they are written; other text is not.
func TestDump(t *testing.T) {
	var stacks strings.Builder
	for i := range 40 {
		fmt.Fprintf(&stacks, "goroutine %d gp=0x1 [select]:\nmain.f()\n\tcell 1:2 +0x3\n\n", i)
	}
	long := strings.Repeat("x", 500) + "\n"
	for _, test := range []struct{ name, text, want, note string }{
		{"fatal error", "before\nfatal error: stack overflow\n\nruntime stack:\n" + stacks.String(), "goroutine 7 gp=0x1 [select]:\nmain.f()\n", "[130 more lines of the stacks of goroutines]\n"},
		{"panic of a library", "panic: no\n\ngoroutine 7 [running]:\nmain.f()\n\tcell 1:2 +0x3\n", "\tcell 1:2 +0x3\n", ""},
		{"stacks that a cell prints", long + stacks.String(), stacks.String(), ""},
		{"a line that looks like a reason", "fatal error: of mine\n" + long + "more\n", "more\n", ""},
	} {
		for _, step := range []int{1, 3, 1 << 20} {
			var d dump
			shown := ""
			for text := test.text; text != ""; text = text[min(step, len(text)):] {
				shown += string(d.shown([]byte(text[:min(step, len(text))])))
			}
			if !strings.HasSuffix(shown, test.want) || !strings.HasPrefix(test.text, shown) {
				t.Errorf("%s in pieces of %d: shown %q", test.name, step, shown)
			}
			if note := d.end(); note != test.note {
				t.Errorf("%s in pieces of %d: note %q", test.name, step, note)
			}
		}
	}
}
