package detached

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The files of a detached training, in a folder of this name in the run's folder.
const (
	folder    = train.DetachedFolder
	jobFile   = "job.json"         // what to train
	stateFile = "state.json"       // written by the training
	stopFile  = "stop"             // its presence tells the training to save and stop
	logFile   = "log.txt"          // what the training printed
	lockFile  = train.DetachedLock // locked while the training's processes live
)

// job is a comparison as data.
type job struct {
	Format int // jobFormat
	Name   string
	// Runs is the folder of the run folders, Folder the working folder, in which relative paths mean what they mean in
	// the notebook; both are absolute.
	Runs, Folder string
	Data         source
	Model        string // file of the model, in a folder beside the job
	Recipe       train.Recipe
	// MemoryLimit and DiskLimit are those of the recipe, which it does not write itself.
	MemoryLimit, DiskLimit int64
	Strategies             []strategyJob

	key string // see keyOf
}

// jobFormat is the version of the job's format. In version 2 the model's folder is named after the model's digest, so
// that the text of the job is all that the training depends on; the states of older jobs don't say whose they are.
const jobFormat = 2

// keyOf tells a job from others that the same folder has had: a digest of its text; "" for one of an older format.
func keyOf(text []byte) string {
	var j struct{ Format int }
	if json.Unmarshal(text, &j) == nil && j.Format == 1 {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// source is a data set: how to load it, and how to recognise it.
type source struct {
	Name, Fingerprint string
	Origin            datasets.Origin
	// Train, Val and Test are the names of the images where the splits were changed after loading; nil for a
	// split that the data lack.
	Train, Val, Test []string `json:",omitzero"`
}

// strategyJob is a strategy: its kind and its fields, and the data sets in these, in order.
type strategyJob struct {
	Kind   string
	Config json.RawMessage
	Data   []source `json:",omitempty"`
}

// newJob describes a comparison. The error names what another process can't load.
func newJob(r train.Recipe, name string, data *datasets.Dataset, strategies []train.Strategy) (*job, error) {
	path, err := train.Folder(r.Dir, name)
	if err != nil {
		return nil, err
	}
	j := &job{Format: jobFormat, Name: name, Recipe: r, MemoryLimit: r.MemoryLimit, DiskLimit: r.DiskLimit}
	if j.Runs, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if j.Folder, err = os.Getwd(); err != nil {
		return nil, err
	}
	if j.Data, err = sourceOf(data); err != nil {
		return nil, err
	}
	for _, s := range strategies {
		one, err := strategyOf(s)
		if err != nil {
			return nil, err
		}
		j.Strategies = append(j.Strategies, one)
	}
	return j, nil
}

// sourceOf describes a data set, after loading it once more to see that this gives the same images.
func sourceOf(d *datasets.Dataset) (source, error) {
	s := source{Name: d.Name, Fingerprint: d.Fingerprint()}
	origin, ok := d.Origin()
	if !ok {
		return s, fmt.Errorf("detached: the data set %q was made by code of the notebook, which another process does not have; write its images to a folder and open that with datasets.ImageFolder, or train here with Compare", d.Name)
	}
	s.Origin = origin
	if _, err := s.open(); err == nil {
		return s, nil
	}
	s.Train, s.Val, s.Test = names(d.Train), names(d.Val), names(d.Test)
	_, err := s.open()
	return s, err
}

// names lists the names of a split's images.
func names(s *datasets.Split) (all []string) {
	if s == nil {
		return nil
	}
	all = []string{}
	for i := range s.Len() {
		all = append(all, s.Name(i))
	}
	return all
}

// open loads the data set again.
func (s source) open() (*datasets.Dataset, error) {
	loaded, err := s.Origin.Open()
	if err != nil {
		return nil, err
	}
	d := loaded
	if s.Train != nil || s.Val != nil || s.Test != nil {
		d = s.picked(loaded)
	}
	if d != nil {
		d.Name = s.Name
		if same, _ := d.Matches(s.Fingerprint); same {
			return d, nil
		}
	}
	return nil, fmt.Errorf("detached: loading %q again, by datasets.%s(%s), gives other images: either files have changed, or images of several splits were put together in the notebook; options, Without, Relabel and parts of a split are repeated",
		s.Name, s.Origin.Func, strings.Join(s.Origin.Args, ", "))
}

// picked returns a data set with the images named, each split from one of the loaded splits; nil if an
// image is missing.
func (s source) picked(loaded *datasets.Dataset) *datasets.Dataset {
	d := *loaded
	pick := func(names []string, first *datasets.Split) *datasets.Split {
		for _, from := range []*datasets.Split{first, loaded.Train, loaded.Val, loaded.Test} {
			if part := partOf(from, names); part != nil {
				return part
			}
		}
		return nil
	}
	for _, one := range []struct {
		split **datasets.Split
		names []string
		first *datasets.Split
	}{{&d.Train, s.Train, loaded.Train}, {&d.Val, s.Val, loaded.Val}, {&d.Test, s.Test, loaded.Test}} {
		if *one.split = nil; one.names == nil {
			continue
		}
		if *one.split = pick(one.names, one.first); *one.split == nil {
			return nil
		}
	}
	if loaded.Val == loaded.Test && s.Val != nil && slices.Equal(s.Val, s.Test) {
		d.Val = d.Test // one split, as datasets.Options.ValFraction below 0 makes it
	}
	return &d
}

// partOf returns the images of a split with these names, in their order; nil if it lacks one.
func partOf(s *datasets.Split, names []string) *datasets.Split {
	if s == nil {
		return nil
	}
	at := map[string]int{}
	for i := range s.Len() {
		at[s.Name(i)] = i
	}
	var indices []int
	for _, name := range names {
		i, ok := at[name]
		if !ok {
			return nil
		}
		indices = append(indices, i)
	}
	return s.Subset(indices)
}

func strategyOf(s train.Strategy) (strategyJob, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return strategyJob{}, fmt.Errorf("detached: strategy %q can't be written as JSON: %w", s.Name(), err)
	}
	one := strategyJob{Kind: train.Kind(s), Config: text}
	if back, err := strategy.Decode(one.Kind, text); err != nil || fmt.Sprintf("%T", back) != strings.TrimPrefix(fmt.Sprintf("%T", s), "*") {
		return one, fmt.Errorf("detached: strategy %q is a type of the notebook (%T), which another process does not have; train here with Compare", s.Name(), s)
	}
	for _, d := range train.DataOf(s) {
		from, err := sourceOf(d)
		if err != nil {
			return one, fmt.Errorf("%w (in strategy %q)", err, s.Name())
		}
		one.Data = append(one.Data, from)
	}
	return one, nil
}

// name is the strategy's name.
func (s strategyJob) name() (string, error) {
	made, err := strategy.Decode(s.Kind, s.Config)
	if err != nil {
		return "", err
	}
	return made.Name(), nil
}

// strategy returns the strategy; open loads a data set.
func (s strategyJob) strategy(open func(source) (*datasets.Dataset, error)) (train.Strategy, error) {
	made, err := strategy.Decode(s.Kind, s.Config)
	if err != nil {
		return nil, err
	}
	left := slices.Clone(s.Data)
	made = train.WithData(made, func(d *datasets.Dataset) *datasets.Dataset {
		if err != nil || len(left) == 0 {
			return d
		}
		from := left[0]
		left = left[1:]
		if d, err = open(from); err != nil {
			return nil
		}
		return d
	})
	return made, err
}

// own returns the results of a run that are of the job's strategies and seeds.
func (j *job) own(run *train.Run) (own train.Results, err error) {
	for _, one := range j.Strategies {
		name, err := one.name()
		if err != nil {
			return nil, err
		}
		res, err := run.Result(name)
		if err != nil {
			continue // not begun, or gone
		}
		mine := *res
		mine.Repeats = mine.Repeats[:min(len(mine.Repeats), max(1, j.Recipe.Seeds)-1)]
		own = append(own, &mine)
	}
	return own, nil
}

// write writes the job and its model into the run's folder. The job's file comes last: until then the job before it
// stays as it was, with the model that it names, wherever this is cut off.
func (j *job) write(model *zoo.Model) error {
	dir := j.dir()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("detached: the run's folder can't be made: %w", err)
	}
	var err error
	if j.Model, err = keepModel(dir, model); err != nil {
		return fmt.Errorf("detached: run %q: the model: %w", j.Name, err)
	}
	text, err := sealed.JSON(j)
	if err != nil {
		return fmt.Errorf("detached: run %q: %w", j.Name, err)
	}
	j.key = keyOf(text)
	if had, _ := os.ReadFile(filepath.Join(dir, jobFile)); !bytes.Equal(had, text) {
		if err := atomicfile.WriteBytes(filepath.Join(dir, jobFile), text); err != nil {
			return fmt.Errorf("detached: run %q: %w", j.Name, err)
		}
	}
	return j.removeOtherModels()
}

// modelPrefix begins the names of what holds models, beside the job.
const modelPrefix = "model"

// keepModel writes a model into a folder of its own in dir, whose name has the digest of its files, and returns the
// file's path in dir.
func keepModel(dir string, model *zoo.Model) (string, error) {
	file := "model.safetensors"
	if model.Spec.Graph != nil {
		file = "model.onnx" // the network itself is in the file
	}
	fresh := filepath.Join(dir, modelPrefix+".new")
	if err := os.RemoveAll(fresh); err != nil { // of a start that was cut off
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := os.Mkdir(fresh, 0o777); err != nil {
		return "", err
	}
	if err := model.Export(filepath.Join(fresh, file)); err != nil {
		return "", err
	}
	sum, err := digest(fresh, file)
	if err != nil {
		return "", err
	}
	name := modelPrefix + "-" + sum[:16]
	kept := filepath.Join(dir, name)
	if have, err := digest(kept, file); err == nil && have == sum {
		return filepath.Join(name, file), nil
	}
	if err := os.RemoveAll(kept); err != nil { // damaged
		return "", err
	}
	return filepath.Join(name, file), os.Rename(fresh, kept)
}

// checkModel returns an error if the model's files are not those that the job was written with.
func (j *job) checkModel() error {
	dir, file := filepath.Split(filepath.Join(j.dir(), j.Model))
	named, ok := strings.CutPrefix(filepath.Base(dir), modelPrefix+"-")
	if !ok {
		return nil // a job of format 1
	}
	if sum, err := digest(dir, file); err != nil {
		return fmt.Errorf("detached: run %q: the model: %w; start the training again", j.Name, err)
	} else if sum[:16] != named {
		return fmt.Errorf("detached: run %q: the files of the model in %s are damaged; start the training again", j.Name, dir)
	}
	return nil
}

// removeOtherModels removes the models of earlier jobs.
func (j *job) removeOtherModels() error {
	found, err := os.ReadDir(j.dir())
	if err != nil {
		return fmt.Errorf("detached: run %q: %w", j.Name, err)
	}
	for _, f := range found {
		if strings.HasPrefix(f.Name(), modelPrefix) && f.Name() != filepath.Dir(j.Model) {
			if err := os.RemoveAll(filepath.Join(j.dir(), f.Name())); err != nil {
				return fmt.Errorf("detached: run %q: the model of an earlier start: %w", j.Name, err)
			}
		}
	}
	return nil
}

// digest is the SHA-256 of the names and contents of the files that a model's export to dir has made, in hexadecimal.
// Other files in dir, such as those of a file browser, change nothing.
func digest(dir, file string) (string, error) {
	h := sha256.New()
	for _, name := range []string{file, file + ".json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d\n", name, info.Size())
		if err := addFile(h, filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// addFile copies a file to w.
func addFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// dir is the folder of the job's files.
func (j *job) dir() string { return filepath.Join(j.Runs, j.Name, folder) }

// readJob reads the job of a run's folder.
func readJob(runDir string) (*job, error) {
	path := filepath.Join(runDir, folder, jobFile)
	text, err := os.ReadFile(path)
	if next := train.Unreadable(err); next != "" {
		return nil, fmt.Errorf("detached: %w; %s", err, next)
	}
	if err != nil {
		return nil, err
	}
	j := job{key: keyOf(text)}
	if err := sealed.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("detached: %s can't be read (%w); start the training again", path, err)
	}
	if j.Format < 1 || j.Format > jobFormat {
		return nil, fmt.Errorf("detached: %s has format %d, and %d is the newest that this TLKit knows; update it", path, j.Format, jobFormat)
	}
	return &j, nil
}
