package sweep

import (
	"fmt"
	"strings"
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

// field is a field of an executor that a user has set, in which 0 stands for a default.
type field struct {
	name     string
	value    any
	negative bool
}

func fieldOf[T int | int64 | time.Duration](name string, value T) field {
	return field{name, value, value < 0}
}

// notNegative returns an error that names the fields below zero.
func notNegative(of string, fields ...field) error {
	var bad []string
	for _, f := range fields {
		if f.negative {
			bad = append(bad, fmt.Sprintf("%s %v", f.name, f.value))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%s has %s; expected 0 or more", of, strings.Join(bad, " and "))
}

// check returns an error for what no task can get.
func (s share) check() error {
	if err := notNegative(s.of, fieldOf("CPUs", s.cpus), fieldOf("AtOnce", s.atOnce), fieldOf("Memory", s.memory),
		fieldOf("Time", s.time), fieldOf("Poll", s.poll)); err != nil {
		return err
	}
	switch {
	case s.memory > 0 && s.memory < 1<<20:
		return fmt.Errorf("%s has Memory %d bytes; expected a MiB at least, such as 4<<30 for 4 GiB", s.of, s.memory)
	case s.time > 0 && s.time < s.shortest:
		return fmt.Errorf("%s has Time %v; expected %v at least", s.of, s.time, s.shortest)
	}
	return nil
}
