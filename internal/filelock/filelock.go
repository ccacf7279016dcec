// Package filelock keeps programs from changing the same files at the same time, by a lock on a file (gofrs/flock). The
// system releases the lock when a program ends, in whatever way.
//
// Not every file system has locks, and some keep them on one machine only: mounted drives, NFS, Lustre. Therefore the
// holder also writes who it is into the file, and a program that has lost the file to another one can tell
// (Lock.Taken).
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Lock is a file that this program has locked.
type Lock struct {
	path   string
	flock  *flock.Flock // nil on a file system without locks
	owner  string       // what this program wrote into the file; "" if it could not
	before string
}

// HeldError is the error for a file that another program has locked.
type HeldError struct {
	Path string
	// Owner is what the file says about the program, such as "process 4711 on gpu1, since 2026-11-30 14:03:05.1 UTC";
	// "" if it says nothing. Own is true if it is this process.
	Owner string
	Own   bool
}

func (e *HeldError) Error() string {
	if e.Owner == "" {
		return e.Path + " is locked by another program"
	}
	return fmt.Sprintf("%s is locked by another program; it names %s", e.Path, e.Owner)
}

// Try locks the file at path, which is made if it is not there. If another program has it, the error is a *[HeldError].
func Try(path string) (*Lock, error) { return lock(path, (*flock.Flock).TryLock) }

// Wait is [Try] that waits until the file is free, or ctx ends.
func Wait(ctx context.Context, path string) (*Lock, error) {
	return lock(path, func(f *flock.Flock) (bool, error) { return f.TryLockContext(ctx, 100*time.Millisecond) })
}

func lock(path string, take func(*flock.Flock) (bool, error)) (*Lock, error) {
	// Of the mode that the user gives all files: others of a group may train in a folder that they share.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o666)
	if err != nil {
		return nil, err
	}
	f.Close()
	l := &Lock{path: path, flock: flock.New(path)}
	for {
		ok, err := take(l.flock)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case unsupported(err):
			l.flock.Close()
			l.flock = nil
		case err != nil:
			return nil, err
		case !ok:
			return nil, held(path)
		}
		break
	}
	if l.flock == nil {
		l.before = held(path).Owner
	}
	owner := describe()
	if os.WriteFile(path, []byte(owner+"\n"), 0o666) == nil {
		l.owner = owner
		mine.Store(owner, true)
	}
	return l, nil
}

// unsupported reports whether a file system has no locks.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOSYS)
}

// held reads who has locked a file.
func held(path string) *HeldError {
	e := &HeldError{Path: path, Owner: read(path)}
	if e.Owner == free {
		e.Owner = ""
	}
	_, e.Own = mine.Load(e.Owner)
	return e
}

// mine has the owners' lines of the locks that this process holds. A process number may be another's: of another
// container, or of a process before.
var mine sync.Map

func read(path string) string {
	data, err := os.ReadFile(path)
	if err != nil || len(data) > 1000 {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// free is the text of a file that its last holder has released. It is not empty: Google Drive replaces empty files by
// others of the same name, so that two programs could each have a lock of their own.
const free = "free"

// describe returns a line about this program that no other lock has.
func describe() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed machine"
	}
	return fmt.Sprintf("process %d on %s, since %s", os.Getpid(), host, time.Now().UTC().Format("2006-01-02 15:04:05.000000000 MST"))
}

// Exclusive reports whether the file system has locks. Without, nothing keeps another program out.
func (l *Lock) Exclusive() bool { return l.flock != nil }

// Before is the program that a file without a lock named before, which may hold it still; "" if it named none.
func (l *Lock) Before() string { return l.before }

// Taken returns a *[HeldError] if another program has taken the file since, which the file system did not prevent, or
// if another file is in its place.
func (l *Lock) Taken() error {
	if l.owner == "" {
		return nil
	}
	if now := read(l.path); now != "" && now != l.owner {
		return held(l.path)
	}
	return nil
}

// Close releases the file, which stays: to remove it would race with a program that has just opened it.
func (l *Lock) Close() error {
	if l.owner != "" && read(l.path) == l.owner {
		_ = os.WriteFile(l.path, []byte(free+"\n"), 0o666) // else it names a program that has ended
	}
	mine.Delete(l.owner)
	l.owner = ""
	if l.flock == nil {
		return nil
	}
	if err := l.flock.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}
