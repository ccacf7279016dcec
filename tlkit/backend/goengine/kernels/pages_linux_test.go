package kernels

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// TestLargePages: large pages are asked for where many values are.
func TestLargePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("the system has no transparent huge pages")
	}
	for _, n := range []int{ManyFloats, 1<<20 + 3, 3<<20 + 1} {
		s := NewFloats(n)
		for _, i := range []int{0, n / 2, n - 1} {
			if flags := pageFlags(t, uintptr(unsafe.Pointer(&s[i]))); !slices.Contains(flags, "hg") {
				t.Errorf("value %d of %d: the flags of its memory are %v, want hg among them", i, n, flags)
			}
		}
	}
}

// pageFlags returns the VmFlags of the mapping that has the address (proc_pid_smaps(5)).
func pageFlags(t *testing.T, at uintptr) []string {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= at && at < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return strings.Fields(flags)
		}
	}
	t.Fatalf("no mapping has the address %#x", at)
	return nil
}
