//go:build linux

package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOutOfMemory: a worker that ends because memory ran out says so, and the next cell runs.
func TestOutOfMemory(t *testing.T) {
	const fill = "kept := [][]byte{}\nfor {\n\tb := make([]byte, 64<<20)\n\tfor i := range b { b[i] = 1 }\n\tkept = append(kept, b)\n}"
	for _, c := range []struct {
		name, limit, want string
	}{
		{"a limit of the process", "limit := syscall.Rlimit{Cur: 6 << 30, Max: 6 << 30}\nif err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil { panic(err) }",
			"out of memory"},
		{"the system's killer", "", "the memory was used up, and the system ended the largest process"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, tmp := installed(t)
			needLive(t, p, KernelName)
			limit := c.limit
			if limit == "" {
				group := memoryGroup(t, 800<<20)
				limit = fmt.Sprintf("if err := os.WriteFile(%q, fmt.Append(nil, os.Getpid()), 0o644); err != nil { panic(err) }", group)
			}
			s := newSession(t, KernelName, p)
			s.do("start")
			s.run(limit)
			if r := s.do("execute", "code", fill); r.Status != "error" || !strings.Contains(r.Traceback, c.want) {
				t.Errorf("status %s, want %q:\n%s", r.Status, c.want, r.Traceback)
			}
			if out := s.run("fmt.Print(6 * 7)"); out != "42" {
				t.Errorf("the next cell printed %q", out)
			}
			s.do("shutdown")
			wantNothingLeft(t, tmp)
		})
	}
}

// memoryGroup makes a control group whose processes may take that many bytes together, and returns the file that adds a
// process to it.
func memoryGroup(t *testing.T, bytes int) (procs string) {
	t.Helper()
	for _, kind := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(kind.root, fmt.Sprintf("tlkit-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { await(time.Minute, func() bool { return os.Remove(dir) == nil }) })
		if os.WriteFile(filepath.Join(dir, kind.limit), fmt.Append(nil, bytes), 0o644) == nil {
			return filepath.Join(dir, "cgroup.procs")
		}
	}
	t.Skip("no control group for memory can be made here (not root, or not mounted)")
	return ""
}
