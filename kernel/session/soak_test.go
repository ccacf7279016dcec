//go:build linux && slow

package session

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// status reads a number of kilobytes or a count from /proc/PID/status.
func status(t *testing.T, pid int, key string) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in status", key)
	return 0
}

func count(t *testing.T, dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestSoak runs 300 cells that import this module's packages and GoMLX:
//
//	go test -tags slow -run Soak -v -timeout 30m ./kernel/session
func TestSoak(t *testing.T) {
	const cells = 300
	s := newSession(t)
	first := "sketches := datasets.MustLoad(\"sketches\")\nm := tlkit.MustLoad(\"resnet20.shapes\")\nbackend := must(gobackend.New(\"\"))\nfunc must[T any](v T, err error) T { if err != nil { panic(err) }; return v }"
	run(t, s, 1, first)
	pid := s.process().Pid()
	var builds []time.Duration
	type sample struct{ anon, file, fds, threads, goroutines, children, files int }
	take := func() sample {
		run(t, s, 1, "debug.FreeOSMemory()")
		g, err := strconv.Atoi(strings.TrimPrefix(run(t, s, 1, "runtime.NumGoroutine()"), "=> "))
		if err != nil {
			t.Fatal(err)
		}
		plugins, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*.so"))
		if err != nil {
			t.Fatal(err)
		}
		return sample{status(t, pid, "RssAnon"), status(t, pid, "RssFile"), count(t, fmt.Sprintf("/proc/%d/fd", pid)), status(t, pid, "Threads"), g, children(t), len(plugins)}
	}
	var early sample
	var own int
	for i := range cells {
		code := fmt.Sprintf("v%d := tlkit.Models()\nfunc f%d(x *graph.Node) *graph.Node { return graph.AddScalar(x, %d) }\nt%d := tensors.FromValue([]float32{%d})\ny%d := graph.MustNewExec(backend, f%d).MustExec(t%d)[0]\nfmt.Sprint(y%d.Value(), len(v%d) > 0, len(sketches.Classes) > 0, m != nil)",
			i%7, i, i, i%5, i, i%3, i, i%5, i%3, i%7)
		if got, want := run(t, s, i+2, code), fmt.Sprintf("=> [%d] true true true", 2*i); got != want {
			t.Fatalf("cell %d: %q, want %q", i, got, want)
		}
		timing := s.LastTiming()
		builds = append(builds, timing.Check+timing.Compile+timing.Link+timing.Open)
		if i == 19 {
			early, own = take(), status(t, os.Getpid(), "VmRSS")
		}
	}
	late := take()
	median := func(d []time.Duration) time.Duration {
		d = slices.Clone(d)
		slices.Sort(d)
		return d[len(d)/2]
	}
	a, z := median(builds[:20]), median(builds[cells-20:])
	n := cells - 20
	t.Logf("build and open: median of the first 20 cells %s, of the last 20 %s", a, z)
	t.Logf("worker, per cell: %d KB anonymous, %d KB of files; at the end %d MB and %d MB; this process %d -> %d MB",
		(late.anon-early.anon)/n, (late.file-early.file)/n, late.anon>>10, late.file>>10, own>>10, status(t, os.Getpid(), "VmRSS")>>10)
	t.Logf("after 20 cells %+v, after %d %+v", early, cells, late)
	if s.process().Pid() != pid {
		t.Error("the worker was restarted")
	}
	if late.fds > early.fds+2 || late.goroutines > early.goroutines+5 || late.threads > early.threads+10 || late.children > early.children || late.files > early.files {
		t.Errorf("something leaks: %+v, then %+v", early, late)
	}
	if per := (late.anon - early.anon) / n; per > 1024 {
		t.Errorf("%d KB of memory per cell", per)
	}
	if z > 3*a {
		t.Errorf("builds became slower: %s, then %s", a, z)
	}
}
