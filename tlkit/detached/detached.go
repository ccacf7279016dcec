package detached

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Detached is a training in a process of its own. As the last expression of a cell it shows its state and curves.
type Detached struct {
	// Name and Dir are the run's name and its folder.
	Name, Dir string
}

// ErrRunning is what an error wraps when a run is being trained by another process.
var ErrRunning = errors.New("is being trained by another process")

// Attach returns the detached training of a run; runs is the folder of the run folders, "" for the default (see
// train.Recipe.Dir). The error lists the trainings that there are.
func Attach(runs, name string) (*Detached, error) {
	path, err := train.Folder(runs, name)
	if err != nil {
		return nil, err
	}
	if _, err := readJob(path); errors.Is(err, fs.ErrNotExist) {
		known := strings.Join(Names(runs), ", ")
		return nil, fmt.Errorf("detached: there is no detached training %q in %s; there are: %s", name, filepath.Dir(path), cmp.Or(known, "none yet"))
	} else if err != nil {
		return nil, err
	}
	return &Detached{Name: name, Dir: path}, nil
}

// List returns the detached trainings in the folder of runs ("" for the default), sorted by name.
func List(runs string) ([]*Detached, error) {
	path, err := train.Folder(runs, "x")
	if err != nil {
		return nil, err
	}
	found, err := os.ReadDir(filepath.Dir(path)) // sorted
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("detached: the folder of runs: %w", err)
	}
	var all []*Detached
	for _, f := range found {
		dir := filepath.Join(filepath.Dir(path), f.Name())
		// A job that can't be read is one: its state says so.
		if _, err := os.Stat(filepath.Join(dir, folder, jobFile)); err == nil || train.Unreadable(err) != "" {
			all = append(all, &Detached{Name: f.Name(), Dir: dir})
		}
	}
	return all, nil
}

// Names lists the names of the trainings that List returns; none if the folder can't be read.
func Names(runs string) (names []string) {
	all, _ := List(runs)
	for _, d := range all {
		names = append(names, d.Name)
	}
	return names
}

// State returns how the training stands.
func (d *Detached) State() (State, error) {
	s, _, err := stateOf(d.Dir)
	return s, err
}

// Run returns the run as far as it is trained; nil before the training has begun to write it.
func (d *Detached) Run() (*train.Run, error) { return openRun(d.Dir) }

// Results returns the results of the training's own strategies and seeds, as far as they are trained: a notebook may
// have added others to the run. finished is true if the training is at its end and all that it left is there; a
// strategy that diverged is at its end with that (train.Result.Diverged).
func (d *Detached) Results() (own train.Results, finished bool, err error) {
	j, err := readJob(d.Dir)
	if err != nil {
		return nil, false, err
	}
	run, err := openRun(d.Dir)
	if err != nil || run == nil {
		return nil, false, err
	}
	if own, err = j.own(run); err != nil {
		return nil, false, err
	}
	was, err := readSaved(filepath.Join(d.Dir, folder))
	return own, err == nil && was.Phase == Finished && len(own) == len(j.Strategies) && was.left(run, own), err
}

// Running reports whether a process holds the lock of the run (see LockFile), whatever its state says: one that a
// cluster has just started has not written it yet.
func (d *Detached) Running() (bool, error) { return locked(filepath.Join(d.Dir, folder)) }

// Stop tells the training to save and stop, and waits until its processes have ended or ctx does. Without processes,
// one that waits in a queue stops as soon as it begins; Resume takes that back. A training that is finished is left as
// it is.
func (d *Detached) Stop(ctx context.Context) error {
	alive, err := d.Running()
	if err != nil {
		return err
	}
	if !alive {
		if s, err := d.State(); err != nil || s.Phase == Finished {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(d.Dir, folder, stopFile), nil, 0o666); err != nil {
		return fmt.Errorf("detached: run %q can't be told to stop: %w", d.Name, err)
	}
	return d.Wait(ctx)
}

// Resume starts the training again from its checkpoint, in a new process with env, such as "GOMAXPROCS=1", added to
// this one's environment. The error says if it is still running.
func (d *Detached) Resume(env ...string) error {
	j, err := readJob(d.Dir)
	if err != nil {
		return err
	}
	j.Runs = filepath.Dir(d.Dir)
	if j.Runs, err = filepath.Abs(j.Runs); err != nil {
		return err
	}
	lock, err := takeLock(j.dir())
	if err != nil {
		return err
	}
	defer lock.Close()
	return j.launch(lock, env...)
}

// Wait waits until the training's processes have ended, or ctx has, whose error it then returns. Else an error is that
// the state in which they left the training can't be read.
func (d *Detached) Wait(ctx context.Context) error { return d.wait(ctx, func(State) {}) }

// wait calls show after every change of the state, until the training has ended or ctx does.
func (d *Detached) wait(ctx context.Context, show func(State)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for last := (State{}); ; {
		s, alive, err := stateOf(d.Dir)
		if err == nil && s != last {
			show(s)
			last = s
		}
		if !alive { // one that lives repairs what can't be read
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Watch shows the training's progress and live curves until it ends, and returns the run. The notebook's stop button,
// Ctrl-C and the end of ctx end the watching alone: the training goes on. The error says if the training failed or was
// lost.
func (d *Detached) Watch(ctx context.Context) (*train.Run, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	last := State{}
	show := d.display()
	err := d.wait(ctx, func(s State) {
		show(s)
		last = s
	})
	run, openErr := d.Run()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(os.Stderr, "tlkit: run %q is trained further; Attach(%q) shows it again\n", d.Name, d.Name)
		return run, openErr
	case err != nil:
		return run, err
	case last.Phase == Failed:
		return run, fmt.Errorf("detached: run %q failed: %s", d.Name, last.Error)
	case last.Phase == Waiting:
		return run, fmt.Errorf("detached: run %q is prepared and waits to be started, by its queue or by Resume", d.Name)
	case last.Phase == NotFinished:
		return run, fmt.Errorf("detached: run %q was finished, and is not at its end now (epoch %d of %d): %s", d.Name, last.Done, last.Total,
			cmp.Or(last.Error, "a notebook trains more of it; the same call of Compare goes on there"))
	case last.Phase == Lost:
		return run, fmt.Errorf("detached: run %q ended without a final state: its process was killed, or the machine stopped; Resume goes on from its checkpoint. The end of its log:\n%s", d.Name, d.lastLines())
	}
	return run, openErr
}

// display returns what shows the states of a watched training: a bar and growing curves in a notebook, a line each
// elsewhere.
func (d *Detached) display() func(State) {
	if !gonbui.IsNotebook {
		return func(s State) { fmt.Fprintln(os.Stderr, s) }
	}
	line, curves := plots.NewLive(), plots.NewLive()
	drawn := 0
	return func(s State) {
		line.Update(s.figure())
		if run, err := d.Run(); err == nil && run != nil && s.Done > drawn {
			drawn = s.Done
			curves.Update(run.Curves()) // a chart that can't be drawn does not end the watching
		}
	}
}

// logBytes is how much of the log's end is read.
const logBytes = 16 << 10

// Log returns the end of what the training printed, at most 16 KiB.
func (d *Detached) Log() (string, error) {
	f, err := os.Open(filepath.Join(d.Dir, folder, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("detached: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("detached: %w", err)
	}
	from := max(0, info.Size()-logBytes)
	text, err := io.ReadAll(io.NewSectionReader(f, from, logBytes))
	if _, rest, found := bytes.Cut(text, []byte("\n")); from > 0 && found {
		text = rest // whole lines
	}
	return string(text), err
}

// lastLines is the end of the log, for an error.
func (d *Detached) lastLines() string {
	text, err := d.Log()
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace([]byte(text)), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

// figure is the state as a bar and a line.
func (s State) figure() plots.Figure {
	return plots.ProgressIn(float64(s.Done)/float64(max(1, s.Total)), s.String(), s.japanese())
}

// Bundle shows the state, and the curves so far.
func (d *Detached) Bundle() (map[string]any, error) {
	s, err := d.State()
	if err != nil {
		return nil, err
	}
	figures := []plots.Figure{s.figure()}
	if run, err := d.Run(); err == nil && run != nil && s.Done > 0 {
		figures = append(figures, run.Curves())
	}
	return plots.Stack(d.Name, figures...).Bundle()
}

// String is one line with the state.
func (d *Detached) String() string {
	s, err := d.State()
	if err != nil {
		return d.Name + ": " + err.Error()
	}
	return s.String()
}
