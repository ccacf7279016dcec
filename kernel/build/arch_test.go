package build

import "testing"

// TestNextOffset reads code as the Go 1.27 toolchain assembled runtime.addmoduledata.
func TestNextOffset(t *testing.T) {
	for _, c := range []struct {
		name string
		code []byte
		want uint32
	}{
		{"amd64", []byte{0x41, 0x57, 0x48, 0x8b, 0x05, 0, 0, 0, 0, 0x48, 0x89, 0xb8, 0x50, 0x02, 0, 0, 0x48, 0x89, 0x3d, 0, 0, 0, 0, 0x41, 0x5f, 0xc3}, 0x250},
		{"arm64", []byte{0xff, 0x43, 0, 0xd1, 0x20, 0x28, 0x01, 0xf9, 0xc0, 0x03, 0x5f, 0xd6}, 0x250}, // sub sp, sp, #16; str x0, [x1, #592]; ret
	} {
		got, ok := arches[c.name].nextOffset(c.code)
		if !ok || got != c.want {
			t.Errorf("%s: offset %#x, %v; want %#x", c.name, got, ok, c.want)
		}
		if _, ok := arches[c.name].nextOffset(c.code[:4]); ok {
			t.Errorf("%s: an offset in code that has none", c.name)
		}
	}
}
