package train

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Tracker sends the figures of trainings to a program that shows many of them, such as TensorBoard or MLflow; package
// track has both. String names it in messages.
type Tracker interface {
	// Track is called after each epoch, and once more when the result is done, with all epochs so far in r.History.
	// After a resumption epochs come again that were sent before; they must be there once.
	Track(ctx context.Context, run *Run, r *Result) error
	String() string
}

// trackTime bounds a call during a training: a server that is slow must not hold it up for long.
const trackTime = 10 * time.Second

// Track sends the figures of a run that was trained before, with those of all seeds.
func (r *Run) Track(ctx context.Context, trackers ...Tracker) error {
	for _, t := range trackers {
		for _, first := range r.Results {
			for _, res := range append([]*Result{first}, first.Repeats...) {
				if len(res.History) == 0 && res.Diverged == nil {
					continue
				}
				if err := t.Track(ctx, r, res); err != nil {
					return fmt.Errorf("tlkit: run %q, strategy %q, to %s: %w", r.Name, res.Strategy, t, err)
				}
			}
		}
	}
	return nil
}

// tracking are a comparison's trackers that have not failed.
type tracking struct{ trackers []Tracker }

// send sends a result's figures. A tracker that fails is told once and left out for the rest of the comparison: the
// training goes on, and Run.Track sends what is missing.
func (t *tracking) send(ctx context.Context, run *Run, r *Result) {
	kept := t.trackers[:0]
	for _, to := range t.trackers {
		limited, stop := context.WithTimeout(context.WithoutCancel(ctx), trackTime)
		err := to.Track(limited, run, r)
		stop()
		if err != nil {
			fmt.Fprintf(os.Stderr, "tlkit: run %q: %s: %v; the training goes on without it, and run.Track sends the figures later\n", run.Name, to, err)
			continue
		}
		kept = append(kept, to)
	}
	t.trackers = kept
}
