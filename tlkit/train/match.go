package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
)

// A whole file may be in the wrong place: that of another run, put there by hand, or an earlier one, from a backup.
// Therefore each file of a result has the identity of the result (Config.identity), and the files of the best epoch
// have the epoch. Files from before that have neither and count as the result's.

// otherError is the error for a good file that is of another result, or of another time.
type otherError struct{ text string }

func (e *otherError) Error() string { return e.text }

// match leaves out the files that are of another training, and notes it. run.json says which training a result is of;
// if no file is of that one, an earlier version may have described it differently, and all files must be of the same
// training.
func (r *Result) match() {
	ids, err := r.run.identities(r.Strategy, r.Seed)
	if err != nil {
		return // FindLR
	}
	best := ""
	if f, err := sealed.Open(r.file(bestFile)); err == nil && f.Close() == nil { // a pipe, or a disk that fails, has none
		best = r.header(bestFile).made
	}
	carried := slices.DeleteFunc([]string{r.Made, r.historyMade, best}, func(made string) bool { return made == "" })
	if r.own = ids; len(carried) > 0 && !slices.ContainsFunc(carried, func(made string) bool { return slices.Contains(ids, made) }) {
		r.own = carried[:1]
	}
	if !r.isOwn(r.historyMade) {
		r.History, r.historyMade = nil, ""
		r.notes = append(r.notes, "history.jsonl is that of another training")
	}
	if !r.isOwn(r.Made) {
		r.notes = append(r.notes, "result.json is that of another training")
		r.Made, r.Predictions, r.Done, r.StoppedEarly, r.Diverged = "", Predictions{}, false, false, nil
	}
	if e := r.Predictions.Epoch; !r.inStep(e) {
		r.notes = append(r.notes, fmt.Sprintf("result.json is of epoch %d, which is not the best in history.jsonl", e))
	}
}

// isOwn reports whether a file with this identity is the result's.
func (r *Result) isOwn(made string) bool {
	return made == "" || r.own == nil || slices.Contains(r.own, made)
}

// strange reports whether the files are of one training that is not the one in run.json.
func (r *Result) strange() bool {
	ids, err := r.run.identities(r.Strategy, r.Seed)
	return err == nil && r.own != nil && !slices.Equal(r.own, ids)
}

// anyStrange reports whether the files of a seed are strange.
func (r *Result) anyStrange() bool { return slices.ContainsFunc(r.Seeds(), (*Result).strange) }

// inStep reports whether the files of an epoch, from 1, fit the history: it is the best there, or comes after it, as
// when a program was killed between two files and the training goes on. 0 is not known.
func (r *Result) inStep(epoch int) bool {
	if best, ok := r.Best(); epoch == 0 || ok && epoch == best.Epoch {
		return true
	}
	return epoch > len(r.History) && epoch <= r.run.Config.Recipe.Epochs
}

// checkBest returns the fault of the file of the best epoch's weights: an *otherError if they are of another training
// or epoch.
func (r *Result) checkBest(f fileState) error {
	switch best, _ := r.Best(); {
	case f.err != nil:
		return f.err
	case !r.isOwn(f.made):
		return &otherError{bestFile + " is that of another training"}
	case r.Done && f.epoch != 0 && f.epoch != best.Epoch, !r.inStep(f.epoch):
		return &otherError{fmt.Sprintf("%s is of epoch %d, which is not the best in history.jsonl", bestFile, f.epoch)}
	}
	return nil
}

// checkModel returns an error unless the weights of the best epoch are what was written. It reads the small files anew:
// a later call may have trained further since.
func (r *Result) checkModel() error {
	now := &Result{Strategy: r.Strategy, Seed: r.Seed, run: r.run, dir: r.dir}
	now.read()
	best := now.examine(bestFile)
	err := best.err
	switch {
	case now.strange() && !r.strange():
		err = &otherError{"its folder has the files of another training"}
	case len(now.History) > 0:
		err = now.checkBest(best)
	}
	name := fmt.Sprintf("strategy %q of run %q", r.Strategy, r.run.Name)
	var other *otherError
	switch {
	case err == nil:
		return nil
	case sealed.Unreadable(err):
		return r.refuse(err)
	case errors.As(err, &other):
		return fmt.Errorf("tlkit: %s: %w; the same call of Compare again trains it", name, err)
	case errors.Is(err, sealed.ErrDamaged):
		return fmt.Errorf("tlkit: %s: %s is damaged; the same call of Compare again trains it", name, r.file(bestFile))
	case len(now.History) > 0:
		return fmt.Errorf("tlkit: %s: %s is missing; the same call of Compare again trains it", name, r.file(bestFile))
	}
	return fmt.Errorf("tlkit: %s has no complete epoch yet; run Compare again to continue it", name)
}

// identities lists the identities of the result of a strategy of the run with a seed.
func (r *Run) identities(strategy string, seed uint64) ([]string, error) {
	for _, raw := range r.Config.Strategies {
		var s stored
		if err := json.Unmarshal(raw, &s); err == nil && s.Name == strategy {
			return r.Config.identities(s, s, seed), nil
		}
	}
	return nil, fmt.Errorf("run.json has no strategy %q", strategy)
}
