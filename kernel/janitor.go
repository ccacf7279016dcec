package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// janitor is the process that cleans up after this one. It notices this process's end by the closing of a pipe, so that
// even SIGKILL leaves nothing behind. If the janitor itself is killed, another one takes its place.
type janitor struct {
	prefix Prefix
	dir    string

	mu       sync.Mutex
	alive    *os.File // closed to start its work
	finished bool
	gone     chan struct{} // closed when the last janitor has ended
}

// startJanitor starts the janitor of dir. finish starts its work and waits for it.
func startJanitor(p Prefix, dir string) (finish func(), err error) {
	j := &janitor{prefix: p, dir: dir, gone: make(chan struct{})}
	cmd, err := j.start()
	if err != nil {
		return nil, err
	}
	go j.keep(cmd)
	return j.finish, nil
}

func (j *janitor) start() (*exec.Cmd, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	cmd := exec.Command(j.prefix.Bin("tlkernel"), "janitor", j.dir)
	cmd.Stdin, cmd.Stderr = r, os.Stderr
	ownSession(cmd) // a signal to our group must not end it
	err = cmd.Start()
	r.Close()
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("kernel: starting the janitor: %w; run %s again", err, j.prefix.installer())
	}
	j.alive = w
	return cmd, nil
}

// keep waits for the janitor's end, and starts another one if it came too early.
func (j *janitor) keep(cmd *exec.Cmd) {
	defer close(j.gone)
	const most = 100 // a janitor that always fails must not be started for ever
	for range most {
		cmd.Wait()
		j.mu.Lock()
		if j.finished {
			j.mu.Unlock()
			return
		}
		j.alive.Close()
		next, err := j.start()
		j.mu.Unlock()
		if err != nil {
			return
		}
		cmd = next
	}
}

func (j *janitor) finish() {
	j.mu.Lock()
	j.finished = true
	j.alive.Close()
	j.mu.Unlock()
	<-j.gone
}

// Janitor waits until its standard input ends, then ends every process that is marked with dir and removes dir, which
// must be a folder made by Run.
func Janitor(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), "tlkit-kernel-") {
		return fmt.Errorf("kernel: janitor: %q is not a kernel's folder (tlkit-kernel-*)", dir)
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	buf := make([]byte, 1)
	for {
		if _, err := os.Stdin.Read(buf); err != nil {
			break
		}
	}
	endMarked(dir)
	// A process that was just ending may still have written a file.
	var err error
	for range 20 {
		if err = os.RemoveAll(dir); err == nil {
			if _, serr := os.Lstat(dir); errors.Is(serr, fs.ErrNotExist) {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// endMarked ends all processes marked with dir: it first gives them time to end by themselves, as after an interrupt,
// then sends SIGTERM, then SIGKILL.
func endMarked(dir string) {
	waitGone := func(d time.Duration) bool {
		for end := time.Now().Add(d); ; time.Sleep(20 * time.Millisecond) {
			if len(marked(dir)) == 0 {
				return true
			}
			if time.Now().After(end) {
				return false
			}
		}
	}
	if waitGone(300 * time.Millisecond) {
		return
	}
	signalAll(marked(dir), syscall.SIGTERM)
	if waitGone(strayGrace) {
		return
	}
	for range 10 { // again, for children that were started in the meantime
		signalAll(marked(dir), syscall.SIGKILL)
		if waitGone(100 * time.Millisecond) {
			return
		}
	}
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		if proc, err := os.FindProcess(pid); err == nil {
			proc.Signal(sig)
		}
	}
}
