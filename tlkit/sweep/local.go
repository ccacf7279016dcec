package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/freemem"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
)

// Local trains tasks in processes of this machine. The zero value takes all cores, and as many processes as memory
// allows. Both are those of the container or the user where these are limited: by control groups, by the cores that a
// process may use, by resource limits.
type Local struct {
	// Processes is the number of tasks at once; 0 means one for each core (GOMAXPROCS), if there is memory for so many.
	Processes int
	// Memory is what a task needs, in bytes; 0 means 1.5 GiB.
	Memory int64
}

// check implements checker.
func (l Local) check() error {
	if err := notNegative("Local", fieldOf("Processes", l.Processes), fieldOf("Memory", l.Memory)); err != nil {
		return err
	}
	return share{of: "Local", memory: l.Memory}.check()
}

// Train implements [Executor]. After the end of ctx it waits until all processes have saved.
func (l Local) Train(ctx context.Context, tasks []*Task, env []string, _ string) error {
	if err := l.check(); err != nil {
		return err
	}
	n := l.processes(len(tasks))
	env = append(env, fmt.Sprint("GOMAXPROCS=", max(1, cores()/n)))
	queue := make(chan *Task)
	failures := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			for t := range queue {
				err := t.Resume(env...)
				if errors.Is(err, detached.ErrRunning) { // by another call of Run
					failures[i] = errors.Join(failures[i], awaitEnd(ctx, t))
					continue
				}
				if err != nil {
					failures[i] = errors.Join(failures[i], fmt.Errorf("task %q: %w", t.Name, err))
					continue
				}
				// A task that failed, or whose state can't be read, is no error of the executor: Run tells of it.
				if err := t.Wait(ctx); err != nil && ctx.Err() != nil {
					failures[i] = errors.Join(failures[i], t.Stop(context.WithoutCancel(ctx)))
				}
			}
		})
	}
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		select {
		case queue <- t:
		case <-ctx.Done():
		}
	}
	close(queue)
	group.Wait()
	return errors.Join(failures...)
}

// awaitEnd waits until no process trains the tasks. At the end of ctx it tells those to save and stop,
// and waits for that.
func awaitEnd(ctx context.Context, tasks ...*Task) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for _, t := range tasks {
		for {
			running, err := t.Running()
			if err != nil {
				return fmt.Errorf("task %q: %w", t.Name, err)
			}
			if !running {
				break
			}
			select {
			case <-ctx.Done():
				return stopAll(context.WithoutCancel(ctx), tasks)
			case <-tick.C:
			}
		}
	}
	return nil
}

// stopAll stops tasks side by side.
func stopAll(ctx context.Context, tasks []*Task) error {
	failures := make([]error, len(tasks))
	var group sync.WaitGroup
	for i, t := range tasks {
		group.Go(func() { failures[i] = t.Stop(ctx) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// processes is the number of tasks at once.
func (l Local) processes(tasks int) int {
	n := l.Processes
	if n == 0 {
		n = cores()
		if free, ok := freeMemory(); ok {
			n = min(n, int(free/cmp.Or(l.Memory, 3<<29)))
		}
	}
	return max(1, min(n, tasks))
}

// cores is how many cores this process may use: Go knows its affinity and the quota of its control groups. freeMemory
// is what its processes can have. Tests replace both.
var (
	cores      = func() int { return runtime.GOMAXPROCS(0) }
	freeMemory = freemem.Bytes
)
