package detached

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Start begins a comparison in a process of its own and returns at once. The arguments are those of
// [train.Recipe.Compare]; a run of that name is continued in the same way. Data sets must come from functions of
// package datasets that load files or built-in sets, whole or as parts of their splits, and strategies from package
// strategy, since the other process does not have the notebook's code: the error names what does not.
//
// Start needs the installation of ./install.sh, whose tlkernel compiles the program, and Linux or macOS.
func Start(r train.Recipe, name string, data *datasets.Dataset, model *zoo.Model, strategies ...train.Strategy) (*Detached, error) {
	j, lock, err := prepare(r, name, data, model, strategies)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the process has it, too
	if err := j.write(model); err != nil {
		return nil, err
	}
	if err := j.launch(lock); err != nil {
		return nil, err
	}
	return &Detached{Name: name, Dir: filepath.Dir(j.dir())}, nil
}

// Prepare writes everything that a training in another process needs into the run's folder, as [Start] does, and starts
// nothing: Resume does, or "tlkernel train FOLDER" on any machine that has the folder, with its lock held (see
// LockFile). done is true if the run's folder has all that this very training trains, whoever trained it. If the run is
// being trained now, nothing is written: the error wraps [ErrRunning], and d is there to wait for it.
func Prepare(r train.Recipe, name string, data *datasets.Dataset, model *zoo.Model, strategies ...train.Strategy) (d *Detached, done bool, err error) {
	j, lock, err := prepare(r, name, data, model, strategies)
	if errors.Is(err, ErrRunning) {
		return &Detached{Name: name, Dir: filepath.Dir(j.dir())}, false, err
	}
	if err != nil {
		return nil, false, err
	}
	defer lock.Close()
	// A stop file of an earlier start must not stop the next one.
	if err := j.clearStop(); err != nil {
		return nil, false, err
	}
	if err := j.write(model); err != nil {
		return nil, false, err
	}
	own := model
	if model.Spec.Graph != nil { // the other process trains what is in the file, whose graph is written anew
		if own, err = zoo.LoadExported(filepath.Join(j.dir(), j.Model)); err != nil {
			return nil, false, fmt.Errorf("detached: run %q: the model: %w", name, err)
		}
	}
	run, err := train.Trained(r, name, data, own, strategies...)
	if err != nil {
		return nil, false, err
	}
	s := j.newState(Waiting)
	if run != nil {
		if s, err = j.finishedState(); err != nil {
			return nil, false, err
		}
	}
	if err := s.write(j.dir()); err != nil {
		return nil, false, fmt.Errorf("detached: run %q: %w", name, err)
	}
	return &Detached{Name: name, Dir: filepath.Dir(j.dir())}, run != nil, nil
}

// prepare describes a training and locks its folder.
func prepare(r train.Recipe, name string, data *datasets.Dataset, model *zoo.Model, strategies []train.Strategy) (*job, *os.File, error) {
	if err := train.CheckComparison(r, name, data, model, strategies); err != nil {
		return nil, nil, err
	}
	if model.Spec.Graph == nil && !model.Spec.BuiltIn() {
		return nil, nil, fmt.Errorf("detached: the network %q is code of the notebook, which another process does not have; train here with Compare", model.Spec.Name)
	}
	if len(r.Track) > 0 {
		return nil, nil, fmt.Errorf("detached: Recipe.Track names %s: trackers are not carried to the other process; leave them out, and send the figures with run.Track afterwards", r.Track[0])
	}
	j, err := newJob(r, name, data, strategies)
	if err != nil {
		return nil, nil, err
	}
	if err := train.MakeFolder(filepath.Dir(j.dir()), name); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(j.dir(), 0o777); err != nil {
		return nil, nil, fmt.Errorf("detached: the run's folder can't be made: %w", err)
	}
	lock, err := takeLock(j.dir())
	return j, lock, err
}

// Command is what trains a run's folder in a process of its own: "tlkernel train FOLDER". The error names what is not
// installed.
func (d *Detached) Command() ([]string, error) { return program(d.Dir) }

// LockFile is locked (flock) by whoever trains the run, and LogFile is where that prints.
func (d *Detached) LockFile() string { return filepath.Join(d.Dir, folder, lockFile) }

// LogFile is the file that Log reads the end of.
func (d *Detached) LogFile() string { return filepath.Join(d.Dir, folder, logFile) }

// program returns the command that trains the job in a run's folder. Tests replace it.
var program = func(runDir string) ([]string, error) {
	tlkernel, err := installdir.Dir(os.Getenv, "bin", "tlkernel")
	if err != nil {
		return nil, fmt.Errorf("detached: %w", err)
	}
	if _, err := os.Stat(tlkernel); err != nil {
		return nil, fmt.Errorf("detached: %w; run ./install.sh, or set TLKIT_HOME to the folder of the installation", err)
	}
	return []string{tlkernel, "train", runDir}, nil
}

// launch starts the job's process, which keeps the lock, with env added to the environment. Its output goes to the log.
func (j *job) launch(lock *os.File, env ...string) error {
	dir := j.dir()
	command, err := program(filepath.Dir(dir))
	if err != nil {
		return err
	}
	if err := j.clearStop(); err != nil {
		return err
	}
	if err := j.newState(Starting).write(dir); err != nil {
		return fmt.Errorf("detached: run %q: %w", j.Name, err)
	}
	if err := spawn(command, append(environment(os.Environ()), env...), j.Folder, filepath.Join(dir, logFile), lock); err != nil {
		return fmt.Errorf("detached: run %q: starting %s: %w", j.Name, strings.Join(command, " "), err)
	}
	return nil
}

// clearStop removes the file that tells a training to stop.
func (j *job) clearStop() error {
	if err := os.Remove(filepath.Join(j.dir(), stopFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("detached: run %q: %w", j.Name, err)
	}
	return nil
}

// kernelDir is the variable with the kernel's temporary folder. The kernel ends all processes that have it when it ends
// itself.
const kernelDir = "TLKIT_KERNEL_DIR"

// environment returns an environment without what ties a process to its notebook: GoNB's variables, by which a program
// sends its output to the page, and the kernel's temporary folder, which is gone after the kernel's end.
func environment(notebook []string) (all []string) {
	dir := ""
	for _, v := range notebook {
		if value, ok := strings.CutPrefix(v, kernelDir+"="); ok {
			dir = value
		}
	}
	for _, v := range notebook {
		name, value, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "GONB_"), name == kernelDir:
		case dir != "" && value == dir: // TMPDIR
			all = append(all, name+"="+filepath.Dir(dir))
		case dir != "" && strings.HasPrefix(value, dir+"/"):
		default:
			all = append(all, v)
		}
	}
	return all
}
