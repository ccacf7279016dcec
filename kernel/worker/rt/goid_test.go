//go:build linux

package rt

import (
	"strings"
	"testing"
)

// TestSelf: the number in a goroutine's record is that of its stack dump.
func TestSelf(t *testing.T) {
	if numberAt == 0 {
		t.Error("the goroutine's number is in none of the first words of its record, or in several: C walks the stack")
	}
	for range 3 {
		done := make(chan bool)
		go func() {
			defer close(done)
			if want, _, _ := strings.Cut(head(), " ["); self() != want {
				t.Errorf("goroutine %q, want %q", self(), want)
			}
		}()
		<-done
	}
}
