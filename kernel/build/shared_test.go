package build

import "testing"

// TestMangled: names as the linker of Go 1.27 made them in a real library.
func TestMangled(t *testing.T) {
	for _, name := range []string{"type:string", "type:runtime.moduledata", "fmt.Println", "type:*int"} {
		if got := mangled(name); got != name {
			t.Errorf("mangled(%q) = %q, want it unchanged", name, got)
		}
	}
	for _, name := range []string{"type:interface {}", "type:.eq.struct { a int; b string }", "f[go.shape.struct { a int `json:\"x@y\"` }]"} {
		if got := mangled(name); got == name || len(got) >= len(name)+8 {
			t.Errorf("mangled(%q) = %q", name, got)
		}
	}
}
