package detached

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// lookEvery is the interval at which a training looks for the file that tells it to stop, and a watcher for new epochs.
const lookEvery = 500 * time.Millisecond

// Train trains the job in a run's folder to its end, in this process. A file "stop" beside the job and the end of the
// context save and stop. It is what "tlkernel train FOLDER" does.
func Train(ctx context.Context, runDir string) error {
	runDir, err := filepath.Abs(runDir)
	if err != nil {
		return err
	}
	j, err := readJob(runDir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("detached: %s has no training to do: detached.Start writes one", runDir)
	}
	if err != nil {
		return err
	}
	j.Runs = filepath.Dir(runDir) // it may have been moved
	if stop := filepath.Join(j.dir(), stopFile); exists(stop) {
		fmt.Fprintf(os.Stderr, "detached: run %q was told to stop before it began (%s); Resume trains it\n", j.Name, stop)
		return j.newState(Stopped).write(j.dir())
	}
	if err := j.newState(Training).write(j.dir()); err != nil {
		return err
	}
	var last saved
	if err = j.train(ctx); err == nil {
		last, err = j.finishedState()
	}
	var stopped *train.InterruptedError
	switch {
	case errors.As(err, &stopped):
		fmt.Fprintln(os.Stderr, stopped)
		last, err = j.newState(Stopped), nil
	case err != nil:
		last = j.newState(Failed)
		last.Error = err.Error()
	}
	return errors.Join(err, last.write(j.dir()))
}

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// train loads what the job names, and compares.
func (j *job) train(ctx context.Context) error {
	if err := os.Chdir(j.Folder); err != nil {
		return fmt.Errorf("detached: the folder in which the training was started: %w", err)
	}
	opened := map[string]*datasets.Dataset{}
	open := func(s source) (*datasets.Dataset, error) {
		if d := opened[s.Fingerprint]; d != nil {
			return d, nil
		}
		d, err := s.open()
		opened[s.Fingerprint] = d
		return d, err
	}
	data, err := open(j.Data)
	if err != nil {
		return err
	}
	if err := j.checkModel(); err != nil {
		return err
	}
	model, err := zoo.LoadExported(filepath.Join(j.dir(), j.Model))
	if err != nil {
		return err
	}
	var strategies []train.Strategy
	for _, one := range j.Strategies {
		s, err := one.strategy(open)
		if err != nil {
			return err
		}
		strategies = append(strategies, s)
	}
	r := j.Recipe
	r.Dir, r.MemoryLimit, r.DiskLimit = j.Runs, j.MemoryLimit, j.DiskLimit
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go j.awaitStop(ctx, cancel)
	_, err = r.Compare(ctx, j.Name, data, model, strategies...)
	return err
}

// awaitStop cancels the training when the stop file is there.
func (j *job) awaitStop(ctx context.Context, cancel func()) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if exists(filepath.Join(j.dir(), stopFile)) {
			cancel()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
