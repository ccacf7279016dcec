package goengine

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// planEnv is the environment variable that has each plan printed to the standard error stream; with the value "times",
// also where the time of each run went.
const planEnv = "TLKIT_GO_PLAN"

// profile has the seconds of a run's steps, by what they compute; nil counts nothing.
type profile map[string]*entry

// entry is what the steps of one kind took.
type entry struct {
	steps int
	time  time.Duration
}

// newProfile returns one that counts if the plan is profiled.
func (p *plan) newProfile() profile {
	if !p.profiled {
		return nil
	}
	return profile{}
}

// timed runs a step and counts its time.
func (p profile) timed(s step, r *run) error {
	if p == nil {
		return s.run(r)
	}
	began := time.Now()
	err := s.run(r)
	e := p[s.what]
	if e == nil {
		e = &entry{}
		p[s.what] = e
	}
	e.steps++
	e.time += time.Since(began)
	return err
}

// print writes the profile, the longest first.
func (p profile) print() {
	if p == nil {
		return
	}
	var b strings.Builder
	var total time.Duration
	for _, what := range slices.SortedFunc(maps.Keys(p), func(a, b string) int { return -cmp.Compare(p[a].time, p[b].time) }) {
		total += p[what].time
		fmt.Fprintf(&b, "%9.3f ms %4d x %s\n", p[what].time.Seconds()*1e3, p[what].steps, what)
	}
	fmt.Fprintf(os.Stderr, "a run: %.3f ms\n%s", total.Seconds()*1e3, b.String())
}
