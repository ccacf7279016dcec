package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/filelock"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Run is a comparison on disk: its configuration and the results of its strategies so far.
type Run struct {
	// Name and Dir are the run's name and its folder.
	Name, Dir string
	// Config is the configuration that the run was made with.
	Config Config
	// Results has one entry per strategy, in the order they were first run.
	Results Results
	// Titles are what figures, the verdict and the report call strategies, by their names: a text in any script, where
	// a name is that of a folder. A strategy that is not in it has its name. Titles are not kept with the run.
	Titles map[string]string
	// Version is 0 for the current state of the run, else the number of an earlier one; see [Run.Versions].
	Version int
	// Warnings has a line for each damaged file in the run's folder, with what was done about it, and for other changes
	// of the run, such as lost images and replaced results.
	Warnings []string

	lock  *filelock.Lock // while the run is trained
	named []string       // the strategies of the call of Compare that returned the run; nil for a run that was opened
}

// Config is the content of run.json.
type Config struct {
	Format     int               `json:"format"`     // version of the run folder's format
	Data       DataConfig        `json:"data"`       // the images
	Model      ModelConfig       `json:"model"`      // the pretrained model
	Recipe     Recipe            `json:"recipe"`     // with its defaults filled in
	Strategies []json.RawMessage `json:"strategies"` // kind, name and fields of each, in the order of Results
	// Engines are those that computed the run, and that go on with it; nil in runs made before they were recorded.
	Engines *EngineConfig `json:"engines,omitempty"`
	// Lost are the images that could no longer be read during the training, of the comparison's data set and of those
	// in its strategies; other images stand in for them.
	Lost []datasets.Lost `json:"lost,omitempty"`
	// Changed are the fields for which this version was replaced by a later one, such as "epochs: 10, now 5".
	Changed []string `json:"changed,omitempty"`
}

// DataConfig identifies the images.
type DataConfig struct {
	Name        string   `json:"name"`        // of the data set
	Fingerprint string   `json:"fingerprint"` // of names, labels and contents
	Classes     []string `json:"classes"`     // in the order of the logits
	Train       int      `json:"train"`       // number of training images
	Val         int      `json:"val"`         // number of images that strategies are compared on
	// Test says that those are the test images, as data without a validation split have; false in runs
	// made before it was kept.
	Test bool `json:"test,omitempty"`
	// Bits is the number of bits that 16-bit image files are read with, which becomes [zoo.Model.Bits]; 0 without such
	// images, and in runs made before it was kept.
	Bits int `json:"bits,omitempty"`
	// Origin is the call that loads the data set again, and Folder its working folder, relative to the run's; nil for
	// data that other programs can't load, for [datasets.FromSamples], and in runs made before it was kept.
	Origin *datasets.Origin `json:"origin,omitempty"`
	Folder string           `json:"folder,omitempty"`
	// Earlier are the fingerprints of other forms that the run had for the same data; older checkpoints have them in
	// their identity.
	Earlier []string `json:"earlier,omitempty"`
}

// setOrigin sets Origin and Folder for a run in a folder. Addresses with a query or a password are left out, as
// run.json is passed on.
func (d *DataConfig) setOrigin(ds *datasets.Dataset, run string) {
	o, ok := ds.Origin()
	if !ok || o.Func == "FromSamples" { // its samples are all the images
		return
	}
	if u, err := url.Parse(o.Options.URL); err != nil || u.User != nil || u.RawQuery != "" {
		o.Options.URL = ""
	}
	here, err := os.Getwd()
	if err != nil {
		return
	}
	run, err = filepath.Abs(run)
	if err != nil {
		return
	}
	d.Origin, d.Folder = &o, here
	if folder, err := filepath.Rel(run, here); err == nil {
		d.Folder = filepath.ToSlash(folder) // both may be moved together
	}
}

// compared says on which images strategies are compared: "validation" or "test".
func (d DataConfig) compared() string { return d.either("validation", "test") }

// either returns the first text if strategies are compared on validation images, the second if on test images.
func (d DataConfig) either(validation, test string) string {
	if d.Test {
		return test
	}
	return validation
}

// comparedJapanese is compared in Japanese.
func (d DataConfig) comparedJapanese() string { return d.either("検証用", "テスト用") }

// keep enters the fingerprints of a stored description of the same data.
func (d *DataConfig) keep(old DataConfig) {
	for _, print := range append([]string{old.Fingerprint}, old.Earlier...) {
		if print != d.Fingerprint && !slices.Contains(d.Earlier, print) {
			d.Earlier = append(d.Earlier, print)
		}
	}
}

// ModelConfig identifies the pretrained model.
type ModelConfig struct {
	Name       string            `json:"name"`       // of the architecture
	Weights    string            `json:"weights"`    // name of its values
	Digest     string            `json:"digest"`     // hash of all its values
	Preprocess vision.Preprocess `json:"preprocess"` // how images are prepared
	// Graph is the SHA-256 of graph.onnx, for a model that was imported from an .onnx file.
	Graph string `json:"graph,omitempty"`
}

// Result is the result of one strategy.
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
	// Done is true when training has ended: all epochs were run, or StoppedEarly.
	Done bool `json:"done"`
	// StoppedEarly is true if Recipe.EarlyStop ended the training.
	StoppedEarly bool `json:"stopped_early,omitempty"`
	// LastPhase is the epoch, from 1, at which the last phase of the strategy's plan begins, whose epochs
	// Recipe.EarlyStop counts; 0 in results made before it was kept.
	LastPhase int `json:"last_phase,omitempty"`
	// Diverged, if set, is where a loss became infinite or NaN, which ended the training.
	Diverged *Divergence `json:"diverged,omitempty"`
	// NoHead is true if the strategy classifies without the model's head (Fit.Classify), so that the model alone can't.
	NoHead bool `json:"no_head,omitempty"`
	// Predictions are those of the best epoch on the validation images.
	Predictions Predictions `json:"predictions"`
	// History has one entry per epoch.
	History []Epoch `json:"-"`
	// Repeats are the results of the same strategy with the recipe's further seeds, in order; see Recipe.Seeds. The
	// fields above are those of the first seed.
	Repeats []*Result `json:"-"`

	// Format is 2 if the files carry checksums, 0 in runs made before.
	Format int `json:"format,omitempty"`
	// Made is a digest of everything that the result depends on; see Config.identity.
	Made string `json:"made,omitempty"`

	run   *Run
	dir   string   // below the run's folder
	notes []string // faults in the files
	// failed is true if the strategy could not be trained in this session.
	failed bool
	// historyMade is the Made in the file of the history, own what Made may be in all files; see Result.match.
	historyMade string
	own         []string
	// unread is the error of a file that the system does not let us read, and that has no copy.
	unread error
}

// Divergence is where a training ended because a loss became infinite or NaN.
type Divergence struct {
	// Epoch counts from 1, Step within the epoch; LearningRate is the rate of the step.
	Epoch        int     `json:"epoch"`
	Step         int     `json:"step"`
	LearningRate float64 `json:"learning_rate"`
	// Loss is "training", or "validation" or "test" for that of the images that strategies are compared on.
	Loss string `json:"loss"`
	// Untrained is true if the loss was not finite before the first step, so that no learning rate is to blame.
	Untrained bool `json:"untrained,omitempty"`
	// Undefined, if not "", was NaN or infinite while the loss of the labels was a number, so that no learning rate is
	// to blame: "loss" for the strategy's own loss, else the variable whose gradient it was. Later is true where that
	// was after the first step.
	Undefined string `json:"undefined,omitempty"`
	Later     bool   `json:"later,omitempty"`
	// OwnLoss is true for a strategy with a loss of its own (Plan.Loss) that does not come with TLKit.
	OwnLoss bool `json:"own_loss,omitempty"`
	// Param, if not "", is a variable of the pretrained model with values that are NaN or infinite.
	Param string `json:"param,omitempty"`
}

// String returns a text such as "diverged in epoch 3 at rate 5".
func (d *Divergence) String() string {
	if d.Untrained {
		return "no finite loss before the first step"
	}
	if d.Later {
		return fmt.Sprintf("NaN in epoch %d", d.Epoch)
	}
	if d.Undefined != "" {
		return "NaN in the first step"
	}
	return fmt.Sprintf("diverged in epoch %d at rate %g", d.Epoch, d.LearningRate)
}

// exists returns an error, with what to do next, if there is no result: [Run.Best] gives nil before the first epoch.
// The other methods of nil return what a result without an epoch has.
func (r *Result) exists(to string) error {
	if r != nil {
		return nil
	}
	return fmt.Errorf("tlkit: there is no result to %s: no strategy of the run has completed an epoch yet; run Compare again to continue it", to)
}

// Seeds returns the results of all seeds, this one first.
func (r *Result) Seeds() []*Result {
	if r == nil {
		return nil
	}
	return append([]*Result{r}, r.Repeats...)
}

// Predictions are how a model classifies the validation images, in the split's order.
type Predictions struct {
	// Epoch is the one after which they were made, from 1; 0 in those of Evaluate, and of runs made before it was kept.
	Epoch      int       `json:"epoch,omitempty"`
	Names      []string  `json:"names"`      // of the images, as Split.Name gives them
	Labels     []int     `json:"labels"`     // the true classes
	Predicted  []int     `json:"predicted"`  // the most probable classes
	Confidence []float64 `json:"confidence"` // their probabilities, in [0, 1]
	// Losses are the cross-entropies of the true classes. Evaluate fills them, training does not.
	Losses []float64 `json:"losses,omitempty"`
}

// valid reports whether there is a class, of so many, and a probability for each image. A file without a checksum may
// have been edited.
func (p Predictions) valid(classes int) bool {
	n := len(p.Predicted)
	if len(p.Labels) != n || len(p.Names) != n || len(p.Confidence) != n || len(p.Losses) != 0 && len(p.Losses) != n {
		return false
	}
	of := func(class int) bool { return class >= 0 && class < classes }
	for i := range n {
		if !of(p.Labels[i]) || !of(p.Predicted[i]) {
			return false
		}
	}
	return true
}

// Best returns the epoch whose weights and predictions are kept: that of the highest validation accuracy, unless
// Recipe.Restore selects another. ok is false before the first epoch is complete.
func (r *Result) Best() (e Epoch, ok bool) {
	if r == nil {
		return Epoch{}, false
	}
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
	if r == nil || len(r.History) == 0 {
		return Epoch{}, false
	}
	return r.History[len(r.History)-1], true
}

// Seconds is the time of all epochs.
func (r *Result) Seconds() float64 {
	if r == nil {
		return 0
	}
	sum := 0.0
	for _, e := range r.History {
		sum += e.Seconds
	}
	return sum
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

// label names a result in a message: its strategy, and the seed if it is not the run's first.
func (r *Result) label() string {
	if r.run != nil && r.Seed != r.run.Config.Recipe.Seed {
		return fmt.Sprintf("%s, seed %d", r.shown(), r.Seed)
	}
	return r.shown()
}

// labelJapanese is label in Japanese.
func (r *Result) labelJapanese() string {
	if r.run != nil && r.Seed != r.run.Config.Recipe.Seed {
		return fmt.Sprintf("%s、シード %d", r.shown(), r.Seed)
	}
	return r.shown()
}

// shown is what figures call the strategy; see [Run.Titles].
func (r *Result) shown() string {
	if r.run == nil {
		return r.Strategy
	}
	return cmp.Or(r.run.Titles[r.Strategy], r.Strategy)
}

func (r *Result) file(name string) string { return filepath.Join(r.run.Dir, r.dir, name) }

// newResult returns the empty result of a strategy. The first seed's files are in the strategy's folder, as in a run
// with one seed, and the other seeds' in folders below it. So a call with more seeds continues a run.
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

// EngineConfig says which engines a run was computed on, by the names of GOMLX_BACKEND.
type EngineConfig struct {
	// Steps computed training steps, Forward the network in inference mode.
	Steps   string `json:"steps"`
	Forward string `json:"forward"`
}
