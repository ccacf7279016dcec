package detached

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The files of a detached training, in a folder of this name in the run's folder.
const (
	folder    = ".detached"
	jobFile   = "job.json"   // what to train
	stateFile = "state.json" // written by the training
	stopFile  = "stop"       // its presence tells the training to save and stop
	logFile   = "log.txt"    // what the training printed
	lockFile  = "lock"       // locked while the training's processes live
)

// job is a comparison as data.
type job struct {
	Format int // 1
	Name   string
	// Runs is the folder of the run folders, Folder the working folder, in which relative paths mean what they mean in
	// the notebook; both are absolute.
	Runs, Folder string
	Data         source
	Model        string // file of the model, beside the job
	Recipe       train.Recipe
	// MemoryLimit and DiskLimit are those of the recipe, which it does not write itself.
	MemoryLimit, DiskLimit int64
	Strategies             []strategyJob
}

// source is a data set: how to load it, and how to recognise it.
type source struct {
	Name, Fingerprint string
	Origin            datasets.Origin
	// Train, Val and Test are the names of the images where the splits were changed after loading.
	Train, Val, Test []string `json:",omitempty"`
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
	j := &job{Format: 1, Name: name, Recipe: r, MemoryLimit: r.MemoryLimit, DiskLimit: r.DiskLimit}
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
	if s.Train != nil {
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

// picked returns a data set with the images named, each split from one of the loaded splits; nil if an image is missing.
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
	if d.Train, d.Val = pick(s.Train, loaded.Train), pick(s.Val, loaded.Val); d.Train == nil || d.Val == nil {
		return nil
	}
	if d.Test = nil; s.Test != nil {
		if d.Test = pick(s.Test, loaded.Test); d.Test == nil {
			return nil
		}
	}
	return &d
}

// partOf returns the images of a split with these names, in their order; nil if it lacks one.
func partOf(s *datasets.Split, names []string) *datasets.Split {
	if s == nil || len(names) == 0 {
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

// write writes the job and its model into the run's folder, and reports whether they differ from what was there.
func (j *job) write(model *zoo.Model) (changed bool, err error) {
	dir := j.dir()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, fmt.Errorf("detached: the run's folder can't be made: %w", err)
	}
	j.Model = "model.safetensors"
	if model.Spec.Graph != nil {
		j.Model = "model.onnx" // the network itself is in the file
	}
	text, err := json.MarshalIndent(j, "", " ")
	if err != nil {
		return false, fmt.Errorf("detached: run %q: %w", j.Name, err)
	}
	text = append(text, '\n')
	before, _ := digest(filepath.Join(dir, j.Model))
	had, _ := os.ReadFile(filepath.Join(dir, jobFile))
	if err := model.Export(filepath.Join(dir, j.Model)); err != nil {
		return false, err
	}
	after, err := digest(filepath.Join(dir, j.Model))
	if err != nil {
		return false, err
	}
	if before == after && bytes.Equal(had, text) {
		return false, nil
	}
	return true, atomicfile.WriteBytes(filepath.Join(dir, jobFile), text)
}

// digest is the SHA-256 of a file.
func digest(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
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
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("detached: %s can't be read (%w); start the training again", path, err)
	}
	if j.Format != 1 {
		return nil, fmt.Errorf("detached: %s has format %d, and 1 is the one that this TLKit knows; update it", path, j.Format)
	}
	return &j, nil
}
