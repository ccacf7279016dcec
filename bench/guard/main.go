// Command guard compares the speed of the pure-Go kernels in the working tree with that of another commit, before a
// change lands:
//
//	GOEXPERIMENT=simd go run ./bench/guard                    the working tree beside HEAD
//	GOEXPERIMENT=simd go run ./bench/guard --base HEAD~1      a commit beside its parent
//	GOEXPERIMENT=simd go run ./bench/guard --bench Conv/value --rounds 11
//
// Both sides are built as test binaries and run the package's benchmarks in turn, round by round, so that other work on
// the machine meets both. A line of the result has the median of the rounds' ratios, the quarters that half of them lie
// between, and the ratio of the fastest rounds, which other work disturbed least. The exit code is 1 if a benchmark
// became slower: median and fastest rounds exceed the tolerance, and at most a quarter of the rounds were as fast as
// before.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// options are the command line.
type options struct {
	base, bench, room string
	rounds            int
	time              time.Duration
	tolerance         float64
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var o options
	fs := flag.NewFlagSet("guard", flag.ContinueOnError)
	fs.StringVar(&o.base, "base", "HEAD", "commit to compare the working tree with")
	fs.StringVar(&o.room, "package", "./tlkit/backend/goengine/kernels", "package with the benchmarks, from the top of the repository")
	fs.StringVar(&o.bench, "bench", ".", "regular expression for the benchmarks, as for go test -bench")
	fs.IntVar(&o.rounds, "rounds", 7, "times that each side runs")
	fs.DurationVar(&o.time, "time", 100*time.Millisecond, "time of each benchmark in a round, at least")
	fs.Float64Var(&o.tolerance, "tolerance", 0.05, "share by which a benchmark may be slower")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if fs.NArg() > 0 || o.rounds < 3 || o.tolerance < 0 {
		fmt.Fprintf(os.Stderr, "guard: flags only, --rounds of at least 3 and a --tolerance that is not negative; got %q\n", args)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	lines, err := guard(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		return 1
	}
	fmt.Print(table(lines))
	if slices.ContainsFunc(lines, func(l line) bool { return l.slower(o.tolerance) }) {
		fmt.Printf("slower than %s by more than %.0f %%\n", o.base, 100*o.tolerance)
		return 1
	}
	return 0
}

// guard builds both sides and runs them in turn.
func guard(ctx context.Context, o options) ([]line, error) {
	dir, err := os.MkdirTemp("", "guard")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "tree")
	if _, err := output(ctx, "", "git", "worktree", "add", "--detach", "--quiet", tree, o.base); err != nil {
		return nil, err
	}
	// Also after an interrupt: without it, git would list a folder that is not there.
	defer exec.Command("git", "worktree", "remove", "--force", tree).Run()
	sides := [2]string{filepath.Join(dir, "base.test"), filepath.Join(dir, "now.test")}
	for i, from := range []string{tree, ""} {
		// Without paths in the binaries, both share the compiled packages in which they don't differ.
		if _, err := output(ctx, from, "go", "test", "-c", "-trimpath", "-o", sides[i], o.room); err != nil {
			return nil, err
		}
	}
	var rounds [2][]map[string]float64
	for round := range o.rounds {
		for i := range sides {
			side := (i + round) % 2 // each is first in every other round
			text, err := output(ctx, o.room, sides[side], "-test.run", "^$", "-test.bench", o.bench, "-test.benchtime", o.time.String())
			if err != nil {
				return nil, err
			}
			rounds[side] = append(rounds[side], nanoseconds(text))
		}
		fmt.Fprintf(os.Stderr, "guard: round %d of %d\n", round+1, o.rounds)
	}
	lines := compare(rounds[0], rounds[1])
	if len(lines) == 0 {
		return nil, fmt.Errorf("no benchmark of %s that both sides have is matched by %q", o.room, o.bench)
	}
	return lines, nil
}

// output runs a command in a folder, and returns what it prints.
func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

// nanoseconds returns the time of a call of each benchmark in the output of go test -bench.
func nanoseconds(text []byte) map[string]float64 {
	times := map[string]float64{}
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		f := strings.Fields(scan.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") || f[3] != "ns/op" {
			continue
		}
		if ns, err := strconv.ParseFloat(f[2], 64); err == nil && ns > 0 {
			times[strings.TrimPrefix(f[0], "Benchmark")] = ns
		}
	}
	return times
}

// line is the result of one benchmark.
type line struct {
	name string
	// base and now are the medians of both sides, in nanoseconds.
	base, now float64
	// ratios are now divided by base, in ascending order, a value for each round.
	ratios []float64
	// fastest is the ratio of the fastest round of each side.
	fastest float64
}

// compare returns a line for each benchmark that both sides have in every round, by name.
func compare(base, now []map[string]float64) []line {
	var lines []line
	for name := range base[0] {
		l := line{name: name}
		var was, is []float64
		for i := range base {
			if b, n := base[i][name], now[i][name]; b > 0 && n > 0 {
				was, is, l.ratios = append(was, b), append(is, n), append(l.ratios, n/b)
			}
		}
		if len(l.ratios) < len(base) {
			continue
		}
		slices.Sort(was)
		slices.Sort(is)
		slices.Sort(l.ratios)
		l.base, l.now, l.fastest = at(was, 0.5), at(is, 0.5), is[0]/was[0]
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.name, b.name) })
	return lines
}

// at returns the value at a share of sorted values, between two of them where it falls between.
func at(sorted []float64, share float64) float64 {
	place := share * float64(len(sorted)-1)
	i := min(int(place), len(sorted)-2)
	return sorted[i] + (place-float64(i))*(sorted[i+1]-sorted[i])
}

// slower reports whether the benchmark became slower by more than a share, and not by chance alone.
func (l line) slower(tolerance float64) bool {
	return at(l.ratios, 0.5) > 1+tolerance && l.fastest > 1+tolerance && at(l.ratios, 0.25) > 1
}

func table(lines []line) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "benchmark\tbefore\tnow\tratio\thalf of the rounds\tfastest")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%.3f to %.3f\t%.3f\n", l.name, duration(l.base), duration(l.now), at(l.ratios, 0.5), at(l.ratios, 0.25), at(l.ratios, 0.75), l.fastest)
	}
	w.Flush()
	return b.String()
}

func duration(ns float64) string { return fmt.Sprintf("%.3f ms", ns/1e6) }
