//go:build linux && slow

package kernel

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// family returns the processes that descend from pid, itself first. Zombies count: a kernel must wait for what ends.
func family(t *testing.T, pid int) []int {
	t.Helper()
	children := map[int][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		if info, _, ok := parseStat(string(data)); ok {
			children[info.parent] = append(children[info.parent], info.pid)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// resources is what a kernel's process holds.
type resources struct{ rssMiB, files, threads, processes int }

func resourcesOf(t *testing.T, pid int) (r resources) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		var n int
		fmt.Sscan(value, &n)
		switch key {
		case "VmRSS":
			r.rssMiB = n >> 10
		case "Threads":
			r.threads = n
		}
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	r.files, r.processes = len(open), len(family(t, pid))
	return r
}

// TestSoakZeroMQ runs 300 tlkit cells through a Jupyter client, then kills the worker at random moments of ten cells:
//
//	go test -tags slow -run SoakZeroMQ -v -timeout 30m ./kernel
func TestSoakZeroMQ(t *testing.T) {
	const cells, kills = 300, 10
	p, _ := installed(t)
	needLive(t, p, KernelName)
	s := newSession(t, KernelName, p)
	pid := s.do("start").PID
	const first = `m := tlkit.MustLoad("resnet20.shapes")
sketches := datasets.MustLoad("sketches")`
	s.run(first)
	worker := strings.TrimSpace(s.run("fmt.Println(os.Getpid())"))

	var seconds []float64
	var early resources
	for i := range cells {
		code := fmt.Sprintf("v%d := tlkit.Models()\nfunc f%d(n int) int { return n + %d }\nfmt.Println(f%d(%d), len(v%d) > 0, len(sketches.Classes) > 0, m != nil)",
			i%7, i%5, i, i%5, i, i%7)
		r := s.do("execute", "code", code)
		if want := fmt.Sprintf("%d true true true", 2*i); r.Status != "ok" || strings.TrimSpace(r.Stdout) != want {
			t.Fatalf("cell %d: status %s, output %q, want %q\n%s", i, r.Status, r.Stdout, want, r.Traceback)
		}
		seconds = append(seconds, r.Seconds)
		if i == 19 {
			early = resourcesOf(t, pid)
		}
	}
	late := resourcesOf(t, pid)
	median := func(v []float64) float64 {
		v = slices.Sorted(slices.Values(v))
		return v[len(v)/2]
	}
	a, z := median(seconds[:20]), median(seconds[cells-20:])
	t.Logf("a cell, as the client sees it: median %.0f ms of the first 20, %.0f ms of the last 20", 1000*a, 1000*z)
	t.Logf("the kernel's process after 20 cells %+v, after %d %+v", early, cells, late)
	if now := strings.TrimSpace(s.run("fmt.Println(os.Getpid())")); now != worker {
		t.Errorf("the worker was %s and is %s", worker, now)
	}
	if late.files > early.files+5 || late.threads > early.threads+10 || late.processes > early.processes {
		t.Errorf("something leaks: %+v, then %+v", early, late)
	}
	if late.rssMiB > early.rssMiB+200 {
		t.Errorf("the kernel's process grew from %d to %d MiB", early.rssMiB, late.rssMiB)
	}
	if z > 3*a {
		t.Errorf("cells became slower: %.3f s, then %.3f s", a, z)
	}

	lost := 0
	for k := range kills {
		n, err := strconv.Atoi(strings.TrimSpace(s.run("fmt.Println(os.Getpid())")))
		if err != nil {
			t.Fatal(err)
		}
		s.do("begin", "code", fmt.Sprintf("w%d := 0\nfor range 60 { w%d++; time.Sleep(10 * time.Millisecond) }", k, k))
		time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond) // while it is compiled, runs, or after
		if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		told := func(r reply) bool {
			return r.Status == "error" && strings.Contains(r.Traceback, "all variables are gone")
		}
		switch r := s.do("finish"); {
		case told(r):
			lost++
		case r.Status != "ok":
			t.Fatalf("kill %d: status %s\n%s", k, r.Status, r.Traceback)
		default:
			// It died between two cells, of which the next says so, unless it was replaced before the cell ran.
			if r := s.do("execute", "code", "1"); r.Status != "ok" && !told(r) {
				t.Fatalf("after kill %d: status %s\n%s", k, r.Status, r.Traceback)
			}
		}
		s.run(first)
	}
	t.Logf("%d of %d kills hit a cell", lost, kills)
	if lost == 0 {
		t.Error("no kill hit a cell")
	}
	if end := resourcesOf(t, pid); end.files > late.files+5 || end.processes > late.processes {
		t.Errorf("after %d kills %+v, before %+v", kills, end, late)
	}
}
