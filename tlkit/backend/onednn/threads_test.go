//go:build cgo && linux && amd64

package onednn

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wantThreads is the environment variable with which TestSmallTeams starts itself: the number of threads to expect.
const wantThreads = "TLKIT_TEST_ONEDNN_THREADS"

// TestSmallTeams compares results with Go's kernels in programs for which OpenMP's environment variables ask for fewer
// threads than Go uses: oneDNN is to plan for the threads that it gets.
func TestSmallTeams(t *testing.T) {
	needLibrary(t)
	if want := os.Getenv(wantThreads); want != "" {
		if got := strconv.Itoa(library.threads); got != want {
			t.Errorf("%s threads, want %s", got, want)
		}
		compareSome(t)
		return
	}
	ctx := t.Context()
	if end, ok := t.Deadline(); ok { // a program that hangs ends before this one
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Second))
		defer cancel()
	}
	for variables, want := range map[string]string{
		"OMP_THREAD_LIMIT=1 GOMAXPROCS=2": "1",
		"OMP_THREAD_LIMIT=2 GOMAXPROCS=4": "2",
		"OMP_THREAD_LIMIT=9 GOMAXPROCS=3": "3",
		"OMP_DYNAMIC=true GOMAXPROCS=4":   "4",
		"OMP_NUM_THREADS=1 GOMAXPROCS=4":  "4",
	} {
		again := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSmallTeams$")
		again.Env = append(append(os.Environ(), strings.Fields(variables)...), wantThreads+"="+want)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", variables, err, out)
		}
	}
	// A team that stays small is refused.
	again := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSmallTeams$")
	again.Env = append(os.Environ(), "OMP_MAX_ACTIVE_LEVELS=0", "GOMAXPROCS=2", wantThreads+"=2")
	if out, err := again.CombinedOutput(); err == nil || !strings.Contains(string(out), "OpenMP gives it 1 threads instead of 2") {
		t.Errorf("OMP_MAX_ACTIVE_LEVELS=0: %v\n%s", err, out)
	}
}

// compareSome compares all directions of layers and of small convolutions.
func compareSome(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	for _, g := range layers[3:] {
		check(t, set{inFloat32}, g, rng)
	}
	for range 20 {
		check(t, set{inFloat32}, anyGeometry(rng), rng)
	}
}
