//go:build linux

package rt

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"
)

// TestItabSlots: files that are no plugin give an error or nothing, never a panic. That references are set is held by
// TestForeign of kernel/session.
func TestItabSlots(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if slots, err := itabSlots(self); err != nil {
		t.Errorf("this program: %v, %v", slots, err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("no ELF"), "cut": program[:0x40], "header": []byte("\x7fELF\x02\x01")} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if slots, err := itabSlots(file); len(slots) > 0 || (name == "cut" || name == "header") == (err == nil) {
			t.Errorf("%s: %v, %v", name, slots, err)
		}
	}
}

// TestUsedItab: the runtime has one table for a pair, however often it is needed.
func TestUsedItab(t *testing.T) {
	var s fmt.Stringer = level(1)
	own := *(**itab)(unsafe.Pointer(&s))
	if used := usedItab(own); used != own {
		t.Errorf("%p, want %p", used, own)
	}
}

type level int

func (level) String() string { return "level" }
