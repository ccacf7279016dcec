package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// This file finds damaged files of a result and replaces them: a small file by its second copy, a checkpoint by the one
// before it. Everything else is trained again from the last good point.

const (
	bestFile       = "best.safetensors"
	checkpointFile = "checkpoint.safetensors"
	// previousFile is the checkpoint before the last.
	previousFile = "checkpoint.previous.safetensors"
)

// checkpointFiles lists the checkpoints, the latest first.
var checkpointFiles = []string{checkpointFile, previousFile}

// fileState is what a weight file is and says of itself.
type fileState struct {
	name string
	err  error  // nil for a good file
	made string // the identity of the result that it belongs to, "" if it says none
	// epoch is that of the best weights, from 1, 0 if it says none; at is that of a checkpoint, nil if it says none.
	epoch int
	at    *position
}

// onDisk are the weight files of a result.
type onDisk struct {
	best        fileState
	checkpoints []fileState // the latest first
}

// survey reads all weight files of a result, each to its end.
func (r *Result) survey() (d onDisk) {
	d.best = r.examine(bestFile)
	for _, name := range checkpointFiles {
		d.checkpoints = append(d.checkpoints, r.examine(name))
	}
	return d
}

// examine reads a weight file to its end. A file without a checksum, from a run made before there were checksums, is
// good if it can be read.
func (r *Result) examine(name string) fileState {
	if err := sealed.Check(r.file(name), r.Format >= 2); err != nil {
		return fileState{name: name, err: err}
	}
	return r.header(name)
}

// header reads what a weight file says of itself, without its values.
func (r *Result) header(name string) fileState {
	s := fileState{name: name}
	sd, err := weights.Open(r.file(name))
	if err != nil {
		if s.err = sealed.ErrDamaged; sealed.Unreadable(err) {
			s.err = err
		}
		return s
	}
	s.made = sd.Metadata[madeKey]
	s.epoch, _ = strconv.Atoi(sd.Metadata[epochKey])
	var at position
	if json.Unmarshal([]byte(sd.Metadata[positionKey]), &at) == nil {
		s.at = &at
	}
	s.err = sd.Close()
	return s
}

// complete reports whether training has ended and the recipe has no further epochs.
func (r *Result) complete(recipe Recipe) bool {
	if r.outOfStep() {
		return false
	}
	return r.Diverged != nil || r.Done && (len(r.History) >= recipe.Epochs || r.stops(recipe))
}

// over reports whether training has ended, whatever number of epochs the recipe has now. A result whose history
// was lost is not over.
func (r *Result) over() bool {
	return r.Diverged != nil || r.Done && len(r.History) > 0 && (r.StoppedEarly || len(r.notes) == 0 && !r.outOfStep())
}

// outOfStep reports whether result.json is of another time than history.jsonl.
func (r *Result) outOfStep() bool {
	best, ok := r.Best()
	return ok && r.Predictions.Epoch != 0 && r.Predictions.Epoch != best.Epoch
}

// ended reports whether nothing of the result is trained further: it is done, it diverged, or it can't be trained.
func (r *Result) ended() bool { return r.Done || r.Diverged != nil || r.failed }

// anyStarted reports whether a training of the strategy, with any seed, has left something on disk. A changed
// configuration would not fit it.
func (r *Result) anyStarted() bool { return slices.ContainsFunc(r.Seeds(), (*Result).started) }

// started reports whether a training with this seed has left something on disk.
func (r *Result) started() bool {
	if r.unread != nil || len(r.History) > 0 || r.Diverged != nil {
		return true
	}
	for _, name := range checkpointFiles {
		if _, err := os.Stat(r.file(name)); err == nil || sealed.Unreadable(err) {
			return true
		}
	}
	return false
}

// check lists the faults in the files of a result, whose weight files are d. A missing checkpoint is a fault only if
// training is to go on. A file that can't be read is an error: it is not damaged, and nothing is trained over it; a
// small file whose second copy can be read is none.
func (r *Result) check(recipe Recipe, d onDisk) (faults []string, err error) {
	if r.unread != nil {
		return nil, r.refuse(r.unread)
	}
	faults = append(faults, r.notes...)
	for _, name := range []string{"result.json", "history.jsonl"} {
		for _, path := range []string{r.file(name), r.file(name + sealed.CopySuffix)} {
			if err := sealed.CheckPlace(path); err != nil {
				return nil, fmt.Errorf("tlkit: strategy %q: %w", r.label(), err)
			}
		}
	}
	for _, f := range append([]fileState{d.best}, d.checkpoints...) {
		name, err := f.name, f.err
		if name == bestFile {
			err = r.checkBest(f)
		}
		var other *otherError
		switch {
		case err == nil:
		case errors.As(err, &other):
			faults = append(faults, other.Error())
		case sealed.Unreadable(err):
			return nil, r.refuse(err)
		case errors.Is(err, sealed.ErrDamaged):
			faults = append(faults, fmt.Sprintf("%s is damaged", name))
		case name == bestFile && len(r.History) > 0, name == checkpointFile && len(r.History) > 0 && !r.complete(recipe):
			faults = append(faults, fmt.Sprintf("there is no %s", name))
		}
	}
	return faults, nil
}

// refuse is the error of a result with a file that can't be read.
func (r *Result) refuse(err error) error {
	return fmt.Errorf("tlkit: strategy %q: %w; %s", r.label(), err, Unreadable(err))
}

// resumePoint is a checkpoint to continue from; file is "" for the start of the training.
type resumePoint struct {
	file string
	at   position
}

func (p resumePoint) String() string {
	switch {
	case p.file == "":
		return "trained from the start"
	case p.at.Step == 0:
		return fmt.Sprintf("training goes on from %s, after epoch %d", p.file, p.at.Epoch)
	}
	return fmt.Sprintf("training goes on from %s, after step %d of epoch %d", p.file, p.at.Step, p.at.Epoch+1)
}

// resumePoints lists the points from which training may continue, the latest first and the start last: good checkpoints
// of the same configuration that lie within the history. If the kept epoch's weights or predictions are lost, only
// checkpoints from before that epoch count.
func (r *Result) resumePoints(d onDisk, identities []string, keep Restore) []resumePoint {
	limit := len(r.History)
	if best := keep.of(r.History); best >= 0 && (r.checkBest(d.best) != nil || len(r.Predictions.Predicted) == 0 || !r.inStep(r.Predictions.Epoch)) {
		limit = best
	}
	var all []resumePoint
	for _, f := range d.checkpoints {
		if f.err == nil && f.at != nil && f.at.Epoch <= limit && (f.made == "" || slices.Contains(identities, f.made)) {
			all = append(all, resumePoint{f.name, *f.at})
		}
	}
	return append(all, resumePoint{})
}

// begunWith returns Recipe.Epochs at the start of the training, 0 if it is not known.
func (r *Result) begunWith() int {
	for _, name := range checkpointFiles {
		if f := r.examine(name); f.err == nil && f.at != nil {
			return f.at.Of
		}
	}
	return 0
}

// removeDamaged deletes checkpoints that are damaged.
func (r *Result) removeDamaged(d onDisk) error {
	for _, f := range d.checkpoints {
		if errors.Is(f.err, sealed.ErrDamaged) {
			if err := os.Remove(r.file(f.name)); err != nil {
				return fmt.Errorf("tlkit: removing a damaged file: %w", err)
			}
		}
	}
	return nil
}

// repair writes the small files of a result anew if they have faults, such as one that was read from its copy.
func (r *Result) repair() error {
	if len(r.notes) == 0 {
		return nil
	}
	if err := r.writeHistory(); err != nil {
		return err
	}
	return writeJSON(r.file("result.json"), r)
}

// leftOver matches the temporary names of files that were being written when a program ended.
var leftOver = regexp.MustCompile(`^\.?(run\.json|result\.json|history\.jsonl|calibration\.json|graph\.onnx|(best|checkpoint|checkpoint\.previous)(\.next)?\.safetensors)(\.bak)?(\d+|\..*\.tmp)$|\.next\.safetensors$`)

// removeLeftOver deletes temporary files in a folder; call it under the run's lock.
func removeLeftOver(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && leftOver.MatchString(e.Name()) {
			os.Remove(filepath.Join(dir, e.Name())) // a file that stays does no harm
		}
	}
}
