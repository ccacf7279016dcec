package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
)

// versionsFolder holds, in a run's folder, its earlier versions: folders 1, 2 and so on, each like the run's. No
// strategy can have that name.
const versionsFolder = ".versions"

// Versions returns the earlier versions of the run, the oldest first: the results of strategies from before the call
// was changed (Config.Changed has the changed fields). Their results, models and plots are used like those of the run
// itself. A call that fits an earlier version brings it back.
func (r *Run) Versions() ([]*Run, error) {
	numbers, err := r.versionNumbers()
	if err != nil {
		return nil, err
	}
	var all []*Run
	var bad []error
	for _, n := range numbers {
		v, err := r.version(n)
		if err != nil {
			bad = append(bad, fmt.Errorf("tlkit: version %d of run %q can't be read: %w; delete %s to be rid of it", n, r.Name, err, r.versionDir(n)))
			continue
		}
		if v.dropEmpty(); len(v.Results) > 0 {
			all = append(all, v)
		}
	}
	return all, errors.Join(bad...)
}

// dropEmpty removes strategies without results from a version: they came back to the run, and the program that brought
// them ended before it could write so.
func (r *Run) dropEmpty() {
	for i := len(r.Results) - 1; i >= 0; i-- {
		if !r.Results[i].anyStarted() {
			r.Results, r.Config.Strategies = slices.Delete(r.Results, i, i+1), slices.Delete(r.Config.Strategies, i, i+1)
		}
	}
}

func (r *Run) versionDir(n int) string {
	return filepath.Join(r.Dir, versionsFolder, strconv.Itoa(n))
}

func (r *Run) version(n int) (*Run, error) {
	v, err := openFolder(r.Name, r.versionDir(n))
	if err != nil {
		return nil, err
	}
	v.Version = n
	return v, nil
}

// versionNumbers lists the numbers of the versions, in ascending order.
func (r *Run) versionNumbers() ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(r.Dir, versionsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tlkit: the versions of run %q: %w", r.Name, err)
	}
	var numbers []int
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n < 1 {
			continue
		}
		if inside, err := os.ReadDir(r.versionDir(n)); err == nil && len(inside) == 0 {
			continue // its making ended before anything was moved
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// othersStarted reports whether the run has results of another strategy than the one at an index.
func (r *Run) othersStarted(at int) bool {
	for i, res := range r.Results {
		if i != at && res.anyStarted() {
			return true
		}
	}
	return false
}

// archive moves strategies, given in the form of run.json, to a new version, and returns its number. The recipe is the
// one that they were trained with.
func (r *Run) archive(recipe Recipe, strategies []json.RawMessage, changed []string) (int, error) {
	numbers, err := r.versionNumbers()
	if err != nil {
		return 0, err
	}
	n := 1
	if len(numbers) > 0 {
		n = numbers[len(numbers)-1] + 1
	}
	dir := r.versionDir(n)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, fmt.Errorf("tlkit: keeping a version of run %q: %w%s", r.Name, err, whereInstead(err))
	}
	config := r.Config
	config.Recipe, config.Strategies, config.Changed = recipe, strategies, changed
	if err := writeJSON(filepath.Join(dir, "run.json"), config); err != nil {
		return 0, err
	}
	if graph, err := sealed.ReadFile(filepath.Join(r.Dir, graphFile)); err == nil {
		if err := atomicfile.WriteBytes(filepath.Join(dir, graphFile), graph); err != nil {
			return 0, fmt.Errorf("tlkit: keeping a version of run %q: %w%s", r.Name, err, whereInstead(err))
		}
	}
	for _, raw := range strategies {
		var s stored
		if err := json.Unmarshal(raw, &s); err != nil {
			return 0, fmt.Errorf("tlkit: keeping a version of run %q: %w%s", r.Name, err, whereInstead(err))
		}
		err := os.Rename(filepath.Join(r.Dir, s.Name), filepath.Join(dir, s.Name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("tlkit: keeping a version of run %q: %w%s", r.Name, err, whereInstead(err))
		}
	}
	return n, nil
}

// restoreVersion brings a strategy back, as the at-th of the run, from the latest version that has it with the call's
// configuration. It returns the version's number, 0 if there is none.
func (c *call) restoreVersion(run *Run, at int, w wanted) (int, error) {
	numbers, err := run.versionNumbers()
	if err != nil {
		return 0, err
	}
	for _, n := range slices.Backward(numbers) {
		v, err := run.version(n)
		if err != nil {
			continue
		}
		i := v.index(w.Name)
		if i < 0 || !w.same(v.strategyAt(i)) || !v.Results[i].anyStarted() || w.repaced(v.Results[i], c.config.Recipe) != 0 {
			continue
		}
		same := len(c.differences(v.Config))+len(v.Config.Recipe.differences(c.config.Recipe)) == 0
		if (!same || v.Results[i].anyStrange()) && !c.fits(v, v.strategyAt(i), v.Config.Strategies[i]) {
			continue
		}
		err = os.RemoveAll(filepath.Join(run.Dir, w.Name)) // of a start that failed
		if err == nil {
			err = os.Rename(filepath.Join(v.Dir, w.Name), filepath.Join(run.Dir, w.Name))
		}
		if err != nil {
			return 0, fmt.Errorf("tlkit: bringing back version %d of run %q: %w", n, run.Name, err)
		}
		run.Config.Data.keep(v.Config.Data)
		if !run.othersStarted(at) {
			run.Config.Engines = v.Config.Engines // of all results that the run has
		}
		run.Config.Strategies[at] = v.Config.Strategies[i] // its checkpoints have this one's identity
		v.Config.Strategies = slices.Delete(v.Config.Strategies, i, i+1)
		if len(v.Config.Strategies) == 0 {
			return n, os.RemoveAll(v.Dir)
		}
		return n, writeJSON(filepath.Join(v.Dir, "run.json"), v.Config)
	}
	return 0, nil
}
