package peakmem

import (
	"os"
	"runtime"
	"testing"
)

func TestOf(t *testing.T) {
	bytes, ok := Of(os.Getpid())
	if ok != (runtime.GOOS == "linux") || ok && (bytes < 1<<20 || bytes > 1<<40) {
		t.Errorf("this process has had %g bytes, known: %v", bytes, ok)
	}
	if _, ok := Of(-1); ok {
		t.Error("a process that does not exist has a figure")
	}
}
