//go:build unix

package train_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// TestFullDisk fills the disk after two epochs: the next checkpoint is an error, the files of before stay whole, and
// with room again the run ends as one that was never disturbed.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root on Linux; TestFileSizeLimit tests the same by other means")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=512k", "tlkit-test", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system can't be mounted here: %v %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	}()
	filler := filepath.Join(dir, "filler")
	disturbed(t, dir, syscall.ENOSPC, func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, size := range []int{1 << 14, 1 << 10, 1} { // to the last byte
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, size))
			}
		}
	}, func() { os.Remove(filler) })
}

// TestFileSizeLimit does the same with a limit on the size of files, for which no privileges are needed. It runs in a
// process of its own, since the limit holds for the testing package's log too.
func TestFileSizeLimit(t *testing.T) {
	const inside = "TLKIT_TEST_FILE_SIZE_LIMIT"
	if os.Getenv(inside) == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestFileSizeLimit$", "-test.v")
		child.Env = append(os.Environ(), inside+"=1")
		if out, err := child.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestFileSizeLimit")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // so that the write fails instead
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Skipf("no limit on the size of files here: %v", err)
	}
	limit := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	disturbed(t, t.TempDir(), syscall.EFBIG, func() {
		small := old
		small.Cur = 2000 // a history fits, weights do not
		limit(small)
	}, func() { limit(old) })
}

func disturbed(t *testing.T, dir string, want error, fill, free func()) {
	m := pretrained(t)
	r := quick(t)
	r.Epochs = 4
	whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{})

	r.Dir, r.Epochs = dir, 2
	run := compare(t, r, "r", paint(t), m, strategy.FineTune{})
	checkpoint := filepath.Join(run.Dir, "finetune", "checkpoint.safetensors")
	before, err := os.ReadFile(checkpoint)
	if err != nil {
		t.Fatal(err)
	}

	r.Epochs = 4
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ds := paint(t)
	// The program asks for room only after the run's own small file is written.
	ds.Train = painted(t, 1, 5, (&counter{when: 1, at: fill}).asked)
	_, err = r.Compare(ctx, "r", ds, m, strategy.FineTune{})
	free()
	var stopped *train.InterruptedError
	if !errors.Is(err, want) || errors.As(err, &stopped) {
		t.Fatalf("error %v, want one of %v", err, want)
	}
	wantError(t, err, "could not be written")

	// An interrupt that can't save does not claim to have saved.
	ds.Train = painted(t, 1, 5, (&counter{when: 1, at: func() { fill(); cancel() }}).asked)
	_, err = r.Compare(ctx, "r", ds, m, strategy.FineTune{})
	free()
	if !errors.Is(err, want) || errors.As(err, &stopped) {
		t.Fatalf("error %v, want one of %v", err, want)
	}
	wantError(t, err, "interrupted", "lost")

	after, err := os.ReadFile(checkpoint)
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the checkpoint has changed (%v)", err)
	}
	if sd, err := weights.Open(checkpoint); err != nil {
		t.Error(err)
	} else {
		sd.Close()
	}
	if left, _ := filepath.Glob(filepath.Join(run.Dir, "finetune", "*tmp*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	if opened, err := train.Open(dir, "r"); err != nil || len(opened.Results[0].History) < 2 {
		t.Errorf("the run can't be opened: %v", err)
	}
	run = compare(t, r, "r", paint(t), m, strategy.FineTune{})
	if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
		t.Errorf("history\n%+v, undisturbed\n%+v", got, want)
	}
	if !reflect.DeepEqual(saved(t, run, "finetune", "checkpoint.safetensors"), saved(t, whole, "finetune", "checkpoint.safetensors")) {
		t.Error("other weights than those of the undisturbed run")
	}
}
