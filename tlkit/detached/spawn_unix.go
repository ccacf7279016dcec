//go:build unix

package detached

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// spawn starts a process that outlives this one: a shell starts it and ends, so that it is no descendant of the
// notebook's processes, which end with the kernel. The process and those that it starts keep the lock.
func spawn(command, env []string, dir, log string, lock *os.File) error {
	const script = `"$@" </dev/null >>"$0" 2>&1 &`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, log}, command...)...)
	cmd.Dir, cmd.Env = dir, env
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a session of its own: a closed terminal doesn't end it
	return cmd.Run()
}

// takeLock locks a folder for one training. The error says that one is running already.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, fmt.Errorf("detached: %w; %s", err, train.Unreadable(err))
	}
	// A look at the state (locked) holds the lock for a moment.
	const tries, pause = 50, 10 * time.Millisecond
	for range tries {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return f, nil
		}
		time.Sleep(pause)
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("detached: run %q %w: Watch shows it, Stop ends it", filepath.Base(filepath.Dir(dir)), ErrRunning)
	}
	return nil, noLocks(f.Name(), err)
}

// locked reports whether a training holds the lock of a folder.
func locked(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("detached: %w; %s", err, train.Unreadable(err))
	}
	defer f.Close()
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case err == nil:
		return false, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return true, nil
	default:
		return false, noLocks(f.Name(), err)
	}
}

// noLocks is the error for a file that can't be locked, as on a file system without locks.
func noLocks(path string, err error) error {
	return fmt.Errorf("detached: locking %s: %w; a training in a process of its own needs a file system with locks: set TLKIT_RUNS to a folder on a disk of this machine, or train in the notebook with Compare", path, err)
}
