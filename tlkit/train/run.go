package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Run is a comparison on disk: its configuration and what its strategies brought so far.
type Run struct {
	// Name and Dir are the run's name and its folder.
	Name, Dir string
	// Config is what the run was made with.
	Config Config
	// Results has one entry per strategy, in the order they were first run.
	Results Results

	valNames []string
	shared   *sharedFeatures
	decoded  *decoded
}

// Config is the content of run.json.
type Config struct {
	Format     int               `json:"format"`
	Data       DataConfig        `json:"data"`
	Model      ModelConfig       `json:"model"`
	Recipe     Recipe            `json:"recipe"`
	Strategies []json.RawMessage `json:"strategies"`
}

// DataConfig identifies the images.
type DataConfig struct {
	Name        string   `json:"name"`
	Fingerprint string   `json:"fingerprint"`
	Classes     []string `json:"classes"`
	Train       int      `json:"train"`
	Val         int      `json:"val"`
}

// ModelConfig identifies the pretrained model.
type ModelConfig struct {
	Name       string            `json:"name"`
	Weights    string            `json:"weights"`
	Digest     string            `json:"digest"`
	Preprocess vision.Preprocess `json:"preprocess"`
}

// Result is what one strategy brought.
type Result struct {
	// Strategy is its name.
	Strategy string `json:"strategy"`
	// Seed is the seed it was trained with; see Recipe.Seeds.
	Seed uint64 `json:"seed"`
	// LearningRate is the base rate it trained with.
	LearningRate float64 `json:"learning_rate"`
	// Params and Trainable count the model's trained values, all and those that the strategy changed.
	Params    int `json:"params"`
	Trainable int `json:"trainable"`
	// Done tells whether training has ended: all epochs were run, or StoppedEarly.
	Done bool `json:"done"`
	// StoppedEarly tells that Recipe.EarlyStop ended it.
	StoppedEarly bool `json:"stopped_early,omitempty"`
	// Predictions are those of the best epoch on the validation images.
	Predictions Predictions `json:"predictions"`
	// History has one entry per epoch.
	History []Epoch `json:"-"`
	// Repeats are the results of the same strategy with the recipe's further seeds, in order; see Recipe.Seeds. The
	// fields above are those of the first seed.
	Repeats []*Result `json:"-"`

	run *Run
	dir string // below the run's folder
}

// Seeds returns the results of all seeds, this one first.
func (r *Result) Seeds() []*Result { return append([]*Result{r}, r.Repeats...) }

// Predictions are a model's answers on the validation images, in the split's order.
type Predictions struct {
	Names      []string  `json:"names"`
	Labels     []int     `json:"labels"`
	Predicted  []int     `json:"predicted"`
	Confidence []float64 `json:"confidence"`
}

// Best returns the epoch whose weights and predictions are kept: that of the highest validation accuracy, unless
// Recipe.Restore says otherwise. ok is false before the first epoch is complete.
func (r *Result) Best() (e Epoch, ok bool) {
	var keep Restore
	if r.run != nil {
		keep = r.run.Config.Recipe.Restore
	}
	i := keep.of(r.History)
	if i < 0 {
		return Epoch{}, false
	}
	return r.History[i], true
}

// Last returns the last complete epoch; ok is false before the first is.
func (r *Result) Last() (e Epoch, ok bool) {
	if len(r.History) == 0 {
		return Epoch{}, false
	}
	return r.History[len(r.History)-1], true
}

// Seconds is the time of all epochs.
func (r *Result) Seconds() float64 {
	sum := 0.0
	for _, e := range r.History {
		sum += e.Seconds
	}
	return sum
}

// started reports whether anything of the strategy is on disk that a changed configuration would not fit.
func (r *Result) started() bool {
	_, err := os.Stat(r.file("checkpoint.safetensors"))
	return err == nil || len(r.History) > 0
}

func (r *Result) file(name string) string { return filepath.Join(r.run.Dir, r.dir, name) }

// Model returns the trained model with the weights of the best epoch. With several seeds that is the first seed's;
// those of the others come from Repeats.
func (r *Result) Model() (*zoo.Model, error) {
	spec, err := r.run.spec()
	if err != nil {
		return nil, err
	}
	sd, err := weights.Open(r.file("best.safetensors"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tlkit: strategy %q of run %q has no complete epoch yet; run Compare again to continue it", r.Strategy, r.run.Name)
	}
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	m, err := zoo.FromStateDict(spec, r.run.Config.Data.Classes, sd)
	if err != nil {
		return nil, err
	}
	m.Weights = r.run.Name + "/" + r.Strategy
	m.Preprocess = r.run.Config.Model.Preprocess
	return m, nil
}

// graphFile holds, in the run's folder, the network of a model that was imported from an .onnx file.
const graphFile = "graph.onnx"

// spec is the architecture of the run's model, for images of the size it was trained with.
func (r *Run) spec() (zoo.Spec, error) {
	c := r.Config.Model
	var spec zoo.Spec
	graph, err := os.ReadFile(filepath.Join(r.Dir, graphFile))
	switch {
	case err == nil:
		spec, err = zoo.GraphSpec(c.Name, graph)
	case errors.Is(err, fs.ErrNotExist):
		spec, err = zoo.Info(c.Name)
	}
	if err != nil {
		return spec, err
	}
	if c.Preprocess.Crop > 0 {
		spec.InputSize = c.Preprocess.Crop // position embeddings fit one size only
	}
	return spec, nil
}

// Export writes the trained model, with the weights of the best epoch, to a .pth, .safetensors or .onnx file with its
// class names and preprocessing beside it: run.Best().Export("ants.onnx"). See [zoo.Model.Export].
func (r *Result) Export(path string) error {
	if r == nil {
		return errors.New("tlkit: there is no result to export: no strategy of the run has completed an epoch yet; run Compare again to continue it")
	}
	m, err := r.Model()
	if err != nil {
		return err
	}
	return m.Export(path)
}

// Best returns the result whose best epochs have the highest validation accuracy, as the mean over its seeds, of equals
// the one of lower loss; nil if no strategy has completed an epoch.
func (r *Run) Best() *Result {
	var best *Result
	var top Score
	for _, res := range r.Results {
		s := res.Score()
		if s.Seeds > 0 && (best == nil || s.Accuracy.Mean > top.Accuracy.Mean || (s.Accuracy.Mean == top.Accuracy.Mean && s.Loss.Mean < top.Loss.Mean)) {
			best, top = res, s
		}
	}
	return best
}

// Result returns the result of the named strategy.
func (r *Run) Result(strategy string) (*Result, error) {
	var names []string
	for _, res := range r.Results {
		if res.Strategy == strategy {
			return res, nil
		}
		names = append(names, res.Strategy)
	}
	return nil, fmt.Errorf("tlkit: run %q has no strategy %q; it has %s", r.Name, strategy, strings.Join(names, ", "))
}

var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

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

// newResult returns the empty result of a strategy. The first seed's files lie in the strategy's folder, where those
// of a run with one seed are, and the others' in folders below it: more seeds continue a run.
func (r *Run) newResult(strategy string) *Result {
	recipe := r.Config.Recipe
	res := &Result{Strategy: strategy, Seed: recipe.Seed, run: r, dir: strategy}
	for k := 1; k < recipe.Seeds; k++ {
		seed := recipe.Seed + uint64(k)
		res.Repeats = append(res.Repeats, &Result{Strategy: strategy, Seed: seed, run: r,
			dir: filepath.Join(strategy, fmt.Sprintf("seed-%d", seed))})
	}
	return res
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
	val := EvalSplit(ds)
	config := Config{Format: 1, Recipe: r,
		Data:  DataConfig{Name: ds.Name, Fingerprint: ds.Fingerprint(), Classes: ds.Classes, Train: ds.Train.Len(), Val: val.Len()},
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
