//go:build unix

package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
)

// fakeSlurm makes sbatch, squeue and scancel of scripts, and returns the folder of their files. sbatch notes
// "submitted", waits while there is a file "slow", and runs the array's tasks once there is no file "hold"; a file
// job.N is there while task N is. squeue fails while there is a file "away", and removes "hold" if there is a file
// "release". scancel notes its arguments in "cancelled" and ends tasks that wait or run.
func fakeSlurm(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"bash", "flock", "seq", "sed"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sbatch": `echo submitted >>submitted
while [ -e slow ]; do sleep .02; done
script="${@: -1}"
last=$(sed -n 's/^#SBATCH --array=0-\([0-9]*\).*/\1/p' "$script")
for i in $(seq 0 $last); do
  touch job.$i
  (while [ -e hold ]; do [ -e job.$i ] || exit; sleep .02; done; SLURM_ARRAY_TASK_ID=$i bash "$script"; rm -f job.$i) </dev/null >/dev/null 2>&1 &
done
echo 7`,
		"squeue": `[ -e away ] && { echo "the controller is away" >&2; exit 1; }
for f in job.*; do [ -e $f ] && echo "tlkit-small|/elsewhere"; done
[ -e release ] && rm -f hold
exit 0`,
		"scancel": `echo "$@" >>cancelled
case "$*" in *PENDING*) [ -e hold ] && rm -f job.*;; esac
exit 0`,
	} {
		script := fmt.Sprintf("#!/bin/bash\nscript=\"${@: -1}\"\ncd '%s'\n%s\n", dir, text)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// put writes an empty file for the fake programs.
func put(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// noted is what the fake programs wrote to a file.
func noted(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	return string(text)
}

// TestSlurmAttach: a job that goes on while squeue fails is waited for by the next call, which submits nothing.
func TestSlurmAttach(t *testing.T) {
	install(t)
	dir := fakeSlurm(t)
	s := small(t)
	s.Seeds = 1
	put(t, dir, "hold")
	put(t, dir, "away")
	slurm := Slurm{Poll: time.Millisecond}
	if _, err := s.Run(t.Context(), slurm); err == nil || !strings.Contains(err.Error(), "job 7 goes on") {
		t.Fatalf("%v, want job 7 to go on", err)
	}
	if err := os.Remove(filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "release")
	results, err := s.Run(t.Context(), slurm)
	if err != nil || results.Trained() != 2 {
		t.Fatalf("attached: %v, %v", results, err)
	}
	if got := noted(dir, "submitted"); got != "submitted\n" {
		t.Errorf("sbatch ran %d times, want once", strings.Count(got, "\n"))
	}
	if _, err := os.Stat(filepath.Join(s.work(), jobFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the job's number after its end: %v", err)
	}
}

// TestSlurmStoppedWhileSubmitting: a job whose number comes after the end of ctx is cancelled: those that wait are
// removed, those that run are told to save.
func TestSlurmStoppedWhileSubmitting(t *testing.T) {
	install(t)
	dir := fakeSlurm(t)
	s := small(t)
	s.Seeds = 1
	put(t, dir, "hold")
	put(t, dir, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for noted(dir, "submitted") == "" && t.Context().Err() == nil {
			<-tick.C
		}
		cancel()
		os.Remove(filepath.Join(dir, "slow"))
	}()
	results, err := s.Run(ctx, Slurm{Poll: time.Millisecond})
	if !errors.Is(err, context.Canceled) || results.Trained() != 0 {
		t.Fatalf("%v, %v", results, err)
	}
	if got := noted(dir, "cancelled"); !strings.HasPrefix(got, "--state=PENDING 7\n--signal=TERM --batch 7\n") || strings.Contains("\n"+got, "\n7\n") {
		t.Errorf("scancel:\n%s", got)
	}
}

// TestForeignJob: a job of the same number that is not the sweep's is no reason to wait, nor to cancel.
func TestForeignJob(t *testing.T) {
	dir := fakeSlurm(t)
	put(t, dir, "job.0")
	work := filepath.Join(t.TempDir(), "other", ".sweep")
	if err := os.MkdirAll(work, 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"7\n": "", "seven": "expected the number"} {
		if err := os.WriteFile(filepath.Join(work, jobFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		waited, err := Slurm{Poll: time.Millisecond}.attach(t.Context(), work)
		if want == "" && (err != nil || !waited) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v; want %q", text, waited, err, want)
		}
	}
	if got := noted(dir, "cancelled"); got != "" {
		t.Errorf("scancel: %s", got)
	}
}

// TestOutlived: a task that an earlier call left running is waited for, and not trained again; the end of ctx stops it.
func TestOutlived(t *testing.T) {
	install(t)
	s := small(t)
	s.Recipes[0].Epochs = 40
	s.Strategies, s.Seeds = s.Strategies[1:], 1
	tasks, err := s.prepare(t.Context())
	if err != nil || len(tasks.left) != 1 || len(tasks.busy) != 0 {
		t.Fatal(tasks, err)
	}
	task := tasks.all[0]
	begin := func() {
		t.Helper()
		if err := task.Resume(s.env()...); err != nil {
			t.Fatal(err)
		}
		if running, err := task.Running(); err != nil || !running {
			t.Fatalf("running: %v, %v", running, err)
		}
	}
	begin()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(ended, new(refuses)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want a stop", err)
	}
	if state, err := task.State(); err != nil || state.Phase != detached.Stopped {
		t.Errorf("after the stop: %+v, %v", state, err)
	}
	if tasks, err := s.prepare(t.Context()); err != nil || len(tasks.left) != 1 {
		t.Error(tasks.left, err)
	}
	if _, err := os.Stat(filepath.Join(task.Dir, ".detached", "stop")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next start would stop at once: %v", err)
	}
	begin()
	results, err := s.Run(t.Context(), new(refuses))
	if err != nil || results.Trained() != 1 {
		t.Errorf("%v, %v", results, err)
	}
}
