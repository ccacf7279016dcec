package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func runDir(base, name string) (string, error) {
	if !nameRule.MatchString(name) {
		return "", fmt.Errorf("tlkit: run name %q; a name is made of letters, digits, dots, dashes and underscores, such as \"ants-vs-bees\"", name)
	}
	if base == "" {
		base = os.Getenv("TLKIT_RUNS")
	}
	if base == "" {
		base = filepath.Join(".tlkit", "runs")
	}
	return filepath.Join(base, name), nil
}

// Open returns the run of the given name; dir is the folder of run folders, "" for the default (see Recipe.Dir).
func Open(dir, name string) (*Run, error) {
	path, err := runDir(dir, name)
	if err != nil {
		return nil, err
	}
	r := &Run{Name: name, Dir: path}
	err = readJSON(filepath.Join(path, "run.json"), &r.Config)
	if errors.Is(err, fs.ErrNotExist) {
		names, _ := List(dir)
		return nil, fmt.Errorf("tlkit: there is no run %q in %s; there are %s", name, filepath.Dir(path), listOr(names, "none yet"))
	}
	if err != nil {
		return nil, err
	}
	for _, raw := range r.Config.Strategies {
		var s struct{ Name string }
		if err := json.Unmarshal(raw, &s); err != nil || !nameRule.MatchString(s.Name) {
			return nil, fmt.Errorf("tlkit: run %q: run.json lists a strategy without a usable name", name)
		}
		res := r.newResult(s.Name)
		for _, one := range res.Seeds() {
			if err := one.read(); err != nil {
				return nil, err
			}
		}
		r.Results = append(r.Results, res)
	}
	return r, nil
}

// read fills a result from its files; without them it stays empty.
func (r *Result) read() (err error) {
	seed := r.Seed // runs of before there were several do not have it
	if err := readJSON(r.file("result.json"), r); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Seed = seed
	r.History, err = readHistory(r.file("history.jsonl"))
	return err
}

// List returns the names of the runs in dir ("" for the default), sorted.
func List(dir string) ([]string, error) {
	path, err := runDir(dir, "x")
	if err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*", "run.json"))
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = filepath.Base(filepath.Dir(f))
	}
	slices.Sort(names)
	return names, err
}

// Remove deletes a run with all it has saved.
func Remove(dir, name string) error {
	path, err := runDir(dir, name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(path, "run.json")); err != nil {
		return fmt.Errorf("tlkit: %s holds no run to remove: %w", path, err)
	}
	lock, err := lockRun(path, name)
	if err != nil {
		return err
	}
	if err := lock.Unlock(); err != nil { // before, as Windows removes no open files
		return fmt.Errorf("tlkit: removing run %q: %w", name, err)
	}
	return os.RemoveAll(path)
}

func listOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// begin opens the run for training, or makes it, and checks that an old one fits: same images, same model, same
// recipe (more epochs may be asked for). The lock keeps a second notebook out until it is released.
func begin(name string, ds *datasets.Dataset, m *zoo.Model, r Recipe, strategies []Strategy) (run *Run, unlock func(), err error) {
	path, err := runDir(r.Dir, name)
	if err != nil {
		return nil, nil, err
	}
	digest, err := digestOf(m)
	if err != nil {
		return nil, nil, err
	}
	config := Config{Format: 1, Recipe: r,
		Data:  DataConfig{Name: ds.Name, Fingerprint: ds.Fingerprint(), Classes: ds.Classes, Train: ds.Train.Len(), Val: EvalSplit(ds).Len()},
		Model: ModelConfig{Name: m.Spec.Name, Weights: m.Weights, Digest: digest, Preprocess: m.Preprocess},
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, nil, fmt.Errorf("tlkit: the run's folder can't be made: %w", err)
	}
	lock, err := lockRun(path, name)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			lock.Unlock()
		}
	}()
	switch _, err := os.Stat(filepath.Join(path, "run.json")); {
	case err == nil:
		if run, err = Open(r.Dir, name); err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(run.Results, (*Result).started) {
			run = &Run{Name: name, Dir: path, Config: config} // it failed before its first step: nothing to continue
			break
		}
		if err := run.fits(config); err != nil {
			return nil, nil, err
		}
	case errors.Is(err, fs.ErrNotExist):
		run = &Run{Name: name, Dir: path, Config: config}
	default:
		return nil, nil, fmt.Errorf("tlkit: run %q: %w", name, err)
	}
	if run.Config.Recipe.Seeds != r.Seeds {
		run.Config.Recipe = r
		for i, old := range run.Results {
			run.Results[i] = run.newResult(old.Strategy)
			for _, one := range run.Results[i].Seeds() {
				if err := one.read(); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	run.Config.Recipe = r
	for _, s := range strategies {
		if err := run.add(s); err != nil {
			return nil, nil, err
		}
	}
	if m.Spec.Graph != nil {
		if err := os.WriteFile(filepath.Join(path, graphFile), m.Spec.Graph, 0o666); err != nil {
			return nil, nil, fmt.Errorf("tlkit: run %q: %w", name, err)
		}
	}
	if err := writeJSON(filepath.Join(path, "run.json"), run.Config); err != nil {
		return nil, nil, err
	}
	return run, func() { lock.Unlock() }, nil
}

// lockRun keeps other programs from training in, or removing, the run's folder.
func lockRun(path, name string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(path, ".lock"))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("tlkit: run %q can't be locked against other programs: %w", name, err)
	case !ok:
		return nil, fmt.Errorf("tlkit: run %q is being trained by another program; wait for it, or choose another name", name)
	}
	return lock, nil
}
