//go:build slow

package kernel

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKilledFirst kills each process of a kernel in turn: gopls, worker and janitor are replaced, and completion and
// cells work as before; without the kernel or its launcher, nothing is left.
//
//	go test -tags slow -run KilledFirst -v ./kernel
func TestKilledFirst(t *testing.T) {
	for _, c := range []struct {
		process string // part of its command line
		ends    bool   // the kernel ends with it
	}{
		{"/gopls serve", false},
		{"/worker ", false},
		{" janitor ", false},
		{" live ", true},
		{" run ", true},
	} {
		t.Run(strings.TrimSpace(c.process), func(t *testing.T) {
			p, tmp := installed(t)
			needLive(t, p, KernelName)
			s := newSession(t, KernelName, p)
			launcher := s.do("start").PID
			s.run("var kept = 7")
			below(t, launcher, "/gopls serve") // it starts with the first cell
			s.completes("strings.ToUpp", "ToUpper")
			killed := killBelow(t, launcher, c.process)
			if !c.ends {
				s.do("execute", "code", "1") // says that the worker is gone, if it is
				if out := s.run("fmt.Print(6 * 7)"); out != "42" {
					t.Errorf("the next cell printed %q", out)
				}
				if !await(time.Minute, func() bool {
					s.completes("strings.ToUpp", "ToUpper") // starts gopls again
					return slices.ContainsFunc(withLine(launcher, c.process), func(pid int) bool { return !slices.Contains(killed, pid) })
				}) {
					t.Errorf("%s does not come back", c.process)
				}
				s.do("shutdown")
			}
			wantNothingLeft(t, tmp)
		})
	}
}
