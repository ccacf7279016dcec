//go:build linux && slow

package kernel

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestManyRestarts restarts a kernel 300 times; each one runs a cell, and nothing is left of those before:
//
//	go test -tags slow -run ManyRestarts -v -timeout 60m ./kernel
func TestManyRestarts(t *testing.T) {
	const restarts = 300
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	s := newSession(t, KernelName, p)
	s.do("start")
	var first int
	for i := range restarts {
		if i%10 == 0 { // with a cell that must be ended
			s.do("begin", "code", "fmt.Println(\"ready\")\nselect {}")
			s.do("until", "text", "ready")
		}
		s.do("restart")
		if out := s.run(fmt.Sprintf("fmt.Print(%d)", i)); out != fmt.Sprint(i) {
			t.Fatalf("restart %d: printed %q", i, out)
		}
		if n := len(family(t, os.Getpid())); i == 10 {
			first = n
		} else if i > 10 && n > first+2 {
			t.Fatalf("restart %d: %d processes, %d after ten", i, n, first)
		}
	}
	s.do("shutdown")
	wantNothingLeft(t, tmp)
}

// TestManyKernels: twenty kernels at once start, run a cell each, keep apart, and leave nothing.
func TestManyKernels(t *testing.T) {
	const kernels = 20
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	var all []*jupyter
	for range kernels {
		all = append(all, newSession(t, KernelName, p))
	}
	for i, s := range all {
		s.do("start")
		s.run(fmt.Sprintf("x := %d", i))
	}
	for i, s := range all {
		if out := strings.TrimSpace(s.run("fmt.Print(x)")); out != fmt.Sprint(i) {
			t.Errorf("kernel %d has %q", i, out)
		}
	}
	for _, s := range all {
		s.do("shutdown")
	}
	wantNothingLeft(t, tmp)
}
