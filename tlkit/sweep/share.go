package sweep

import (
	"fmt"
	"time"
)

// checker is an executor that knows before any work that it can't run.
type checker interface{ check() error }

// share is what each task gets, as the fields of the executor that is called of have it.
type share struct {
	of             string
	cpus, atOnce   int
	memory         int64
	time, shortest time.Duration
	poll           time.Duration
}

// check returns an error for what no task can get.
func (s share) check() error {
	switch {
	case s.cpus < 0 || s.atOnce < 0 || s.memory < 0 || s.time < 0 || s.poll < 0:
		return fmt.Errorf("%s has CPUs %d, AtOnce %d, Memory %d, Time %v and Poll %v; expected 0 or more", s.of, s.cpus, s.atOnce, s.memory, s.time, s.poll)
	case s.memory > 0 && s.memory < 1<<20:
		return fmt.Errorf("%s has Memory %d bytes; expected a MiB at least, such as 4<<30 for 4 GiB", s.of, s.memory)
	case s.time > 0 && s.time < s.shortest:
		return fmt.Errorf("%s has Time %v; expected %v at least", s.of, s.time, s.shortest)
	}
	return nil
}
