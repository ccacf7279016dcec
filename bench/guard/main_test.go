package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNanoseconds(t *testing.T) {
	text := "goos: linux\nBenchmarkConv/value/a_k3-2   \t     100\t  1500000 ns/op\t  12.5 GFLOP/s\nBenchmarkNone-2 1 x ns/op\nBenchmarkBytes-2 10 20 MB/s\nPASS\n"
	got := nanoseconds([]byte(text))
	if len(got) != 1 || got["Conv/value/a_k3-2"] != 1.5e6 {
		t.Errorf("times %v, want Conv's 1.5 ms alone", got)
	}
}

func TestCompare(t *testing.T) {
	base := []map[string]float64{{"a": 100, "b": 100, "c": 100, "d": 100, "gone": 1}, {"a": 200, "b": 100, "c": 100, "d": 100}, {"a": 100, "b": 100, "c": 100, "d": 100}}
	now := []map[string]float64{{"a": 120, "b": 80, "c": 90, "d": 102, "new": 1}, {"a": 240, "b": 110, "c": 120, "d": 190}, {"a": 130, "b": 110, "c": 108, "d": 150}}
	lines := compare(base, now)
	if len(lines) != 4 {
		t.Fatalf("lines %+v, want a, b, c and d", lines)
	}
	for i, want := range []struct {
		ratio  float64
		slower bool
	}{
		{1.2, true},   // each round took longer, also the one on a busier machine
		{1.1, false},  // a quarter of the rounds was faster
		{1.08, false}, // the same
		{1.5, false},  // other work fell on this side: its fastest round is as fast
	} {
		l := lines[i]
		if got := at(l.ratios, 0.5); math.Abs(got-want.ratio) > 1e-9 || l.slower(0.05) != want.slower {
			t.Errorf("%s: ratio %.3f, slower %v, want %.3f and %v", l.name, got, l.slower(0.05), want.ratio, want.slower)
		}
	}
	if text := table(lines); !strings.Contains(text, "1.200") || !strings.HasPrefix(text, "benchmark") {
		t.Errorf("table:\n%s", text)
	}
}

// TestGuard compares two states of a small module of its own: the second one does forty times the work.
func TestGuard(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two test binaries")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(times string) {
		t.Helper()
		for name, text := range map[string]string{
			"go.mod": "module example.org/guarded\n\ngo 1.24\n",
			"a_test.go": "package a\n\nimport (\n\t\"crypto/sha256\"\n\t\"testing\"\n)\n\nfunc BenchmarkSum(b *testing.B) {\n\tdata := make([]byte, 4096)\n" +
				"\tfor b.Loop() {\n\t\tfor range " + times + " {\n\t\t\tsha256.Sum256(data)\n\t\t}\n\t}\n}\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	git := func(args ...string) {
		t.Helper()
		args = append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
	}
	write("1")
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "-m", "once")
	write("40")
	o := options{base: "HEAD", room: ".", bench: "Sum", rounds: 3, time: time.Millisecond, tolerance: 0.05}
	lines, err := guard(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || !lines[0].slower(0.05) {
		t.Errorf("forty times the work: %+v, want it slower", lines)
	}
	if out, err := exec.Command("git", "worktree", "list").Output(); err != nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("worktrees after it: %s, %v; want the repository's own alone", out, err)
	}
	o.bench = "NoSuch"
	if _, err := guard(t.Context(), o); err == nil || !strings.Contains(err.Error(), "NoSuch") {
		t.Errorf("no benchmark: error %v, want one that names the expression", err)
	}
	if code := run([]string{"--rounds", "1"}); code != 2 {
		t.Errorf("one round: exit code %d, want 2", code)
	}
}
