package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/filelock"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
)

// runFormat is the version of the run folder's format. Version 2 has checksums; runs of older versions are read, too.
const runFormat = 2

// errNewer means that a run is of a version that this program does not know.
var errNewer = errors.New("written by a newer TLKit")

// Folder returns the absolute path of the folder that a run of that name has or gets, in the folder of runs base (""
// for the default, see Recipe.Dir). The error says which names are possible.
func Folder(base, name string) (string, error) {
	nameErr := checkName("run", name)
	base, err := fetch.ExpandHome(base)
	if base == "" && err == nil {
		base, err = envpath.Get("TLKIT_RUNS")
	}
	if base == "" && err == nil {
		base = "runs"
		if old := filepath.Join(".tlkit", "runs", name); nameErr == nil && isRun(old) && !isRun(filepath.Join("runs", name)) {
			base = filepath.Dir(old)
		}
	}
	if err == nil {
		base, err = filepath.Abs(base)
	}
	if err != nil {
		return "", fmt.Errorf("tlkit: the folder of runs: %w", err)
	}
	path := filepath.Join(base, name)
	if nameErr != nil && filepath.IsLocal(name) && isRun(path) { // the copy of a run
		return "", fmt.Errorf("%w; %s is a run, so rename the folder to that", nameErr, path)
	}
	return path, nameErr
}

// isRun reports whether a folder holds a run, or may: in one that this user may not enter.
func isRun(path string) bool {
	for _, name := range []string{"run.json", "run.json" + sealed.CopySuffix} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil || sealed.Unreadable(err) {
			return true
		}
	}
	return false
}

// Open returns the run of the given name; dir is the folder of run folders, "" for the default (see Recipe.Dir). A
// damaged file is read from its second copy, or left out; Open prints a line for each and adds it to Run.Warnings. The
// same call of Compare repairs the files.
func Open(dir, name string) (*Run, error) {
	path, err := Folder(dir, name)
	if err != nil {
		return nil, err
	}
	if err := aFile(name, path, path); err != nil {
		return nil, err
	}
	r, err := openFolder(name, path)
	if errors.Is(err, fs.ErrNotExist) {
		names, _ := List(dir)
		return nil, fmt.Errorf("tlkit: there is no run %q in %s; there are %s", name, filepath.Dir(path), listOr(names, "none yet"))
	}
	if errors.Is(err, errNewer) {
		return nil, fmt.Errorf("tlkit: run %q: %w", name, err)
	}
	if next := Unreadable(err); next != "" {
		return nil, fmt.Errorf("tlkit: run %q: %w; %s", name, err, next)
	}
	if err != nil {
		return nil, fmt.Errorf("tlkit: run %q: run.json in %s can't be read (%w); %s", name, path, err, writtenAnew)
	}
	r.warnOfFiles()
	r.printWarnings()
	return r, nil
}

// writtenAnew is the next step for a run.json that can't be read.
const writtenAnew = "the same call of Compare again writes it anew and keeps the results that fit"

// warnOfFiles adds the faults in the files of the results to the warnings.
func (r *Run) warnOfFiles() {
	for _, res := range r.Results {
		for _, one := range res.Seeds() {
			for _, note := range one.notes {
				r.warn("strategy %q: %s", one.label(), note)
			}
		}
	}
}

// Peek returns a run as its files are now, for a look at a training that another process does. Unlike [Open] it prints
// nothing. The error is fs.ErrNotExist if there is no run of that name.
func Peek(dir, name string) (*Run, error) {
	path, err := Folder(dir, name)
	if err != nil {
		return nil, err
	}
	r, err := openFolder(name, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNewer) && Unreadable(err) == "" {
		return nil, fmt.Errorf("run.json can't be read (%w); %s", err, writtenAnew)
	}
	if err == nil {
		r.warnOfFiles()
	}
	return r, err
}

// openFolder reads a run's folder. fs.ErrNotExist means that there is no run.json, errNewer that it is of a newer
// version.
func openFolder(name, path string) (*Run, error) {
	r := &Run{Name: name, Dir: path}
	note, err := sealed.ReadJSON(filepath.Join(path, "run.json"), &r.Config)
	if err != nil {
		return nil, err
	}
	if r.Config.Format > runFormat {
		return nil, fmt.Errorf("%w: %s has format %d, and %d is the newest that this one knows; update TLKit, or take another name for the run",
			errNewer, filepath.Join(path, "run.json"), r.Config.Format, runFormat)
	}
	if r.Config.Data.Fingerprint == "" && len(r.Config.Strategies) == 0 {
		return nil, errors.New("it describes no run")
	}
	if note != "" {
		r.warn("%s", note)
	}
	for _, raw := range r.Config.Strategies {
		var s stored
		if err := json.Unmarshal(raw, &s); err != nil || !nameRule.MatchString(s.Name) {
			return nil, errors.New("it lists a strategy without a usable name")
		}
		r.Results = append(r.Results, r.readResult(s.Name))
	}
	return r, nil
}

// warn adds a line to the warnings.
func (r *Run) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf("tlkit: run %q: ", r.Name)+fmt.Sprintf(format, args...))
}

func (r *Run) printWarnings() {
	for _, line := range r.Warnings {
		fmt.Fprintln(os.Stderr, line)
	}
}

// readResult reads the result of a strategy, with all seeds of the run's recipe.
func (r *Run) readResult(strategy string) *Result {
	res := r.newResult(strategy)
	for _, one := range res.Seeds() {
		one.read()
	}
	return res
}

// read fills a result from its files or their copies. If neither can be read, the result stays empty.
func (r *Result) read() {
	seed, strategy := r.Seed, r.Strategy // results from before Recipe.Seeds existed do not have the seed
	empty := *r
	// The history comes first: loop.record writes it last, and may do so meanwhile.
	history, historyMade, historyNote, historyErr := readHistory(r.file("history.jsonl"))
	note, err := sealed.ReadJSON(r.file("result.json"), r)
	r.noteFile("result.json", note, err)
	if err == nil && !r.Predictions.valid(len(r.run.Config.Data.Classes)) {
		r.notes = append(r.notes, "result.json has predictions that are of no class of run.json")
		r.Predictions, r.Done = Predictions{}, false
	}
	if other := r.Strategy; other != strategy {
		*r = empty
		r.notes = append(r.notes, fmt.Sprintf("result.json is that of strategy %q, whose files were copied here", other))
		return
	}
	r.Seed = seed
	r.History, r.historyMade = history, historyMade
	r.noteFile("history.jsonl", historyNote, historyErr)
	if historyErr == nil && r.Format >= 2 && len(r.Predictions.Predicted) > 0 && len(r.History) == 0 {
		r.notes = append(r.notes, "history.jsonl lacks its epochs")
	}
	r.match()
}

// noteFile notes a fault of a file; a missing file is no fault in itself.
func (r *Result) noteFile(name, note string, err error) {
	switch {
	case err == nil && note != "":
		r.notes = append(r.notes, note)
	case sealed.Unreadable(err):
		r.unread = err
		r.notes = append(r.notes, fmt.Sprintf("%s can't be read (%v)", name, sealed.SystemError(err)))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		r.notes = append(r.notes, fmt.Sprintf("%s can't be read (%v)", name, err))
	}
}

// List returns the names of the runs in dir ("" for the default), sorted.
func List(dir string) ([]string, error) {
	path, err := Folder(dir, "x")
	if err != nil {
		return nil, err
	}
	bases := []string{filepath.Dir(path)}
	if dir == "" && os.Getenv("TLKIT_RUNS") == "" {
		bases = []string{"runs", filepath.Join(".tlkit", "runs")}
	}
	names := []string{}
	for _, base := range bases {
		found, err := os.ReadDir(base)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("tlkit: the folder of runs: %w", err)
		}
		for _, f := range found {
			if nameRule.MatchString(f.Name()) && isRun(filepath.Join(base, f.Name())) {
				names = append(names, f.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Remove deletes a run with all it has saved, also one that was prepared for a process of its own and has not begun.
func Remove(dir, name string) error {
	path, err := Folder(dir, name)
	if err != nil {
		return err
	}
	if !isRun(path) && !isDetached(path) {
		return fmt.Errorf("tlkit: %s holds no run to remove: %w", path, fs.ErrNotExist)
	}
	if err := checkUntrained(path, name); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// checkUntrained returns an error if a program trains the run. It leaves no lock, as Windows removes no open files.
func checkUntrained(path, name string) error {
	lock, err := lockRun(path, name)
	if err != nil {
		return err
	}
	if isDetached(path) {
		err = checkDetached(path, name)
	}
	if closeErr := lock.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("tlkit: removing run %q: %w", name, closeErr)
	}
	return err
}

// DetachedFolder is the folder in a run's folder that package detached writes to when a process of its own trains.
// DetachedLock is the file in it that the process locks.
const (
	DetachedFolder = ".detached"
	DetachedLock   = "lock"
)

// isDetached reports whether a folder has, or had, a training in a process of its own.
func isDetached(path string) bool {
	_, err := os.Stat(filepath.Join(path, DetachedFolder))
	return err == nil || sealed.Unreadable(err)
}

// checkDetached returns an error if a process of its own trains the run, or is about to: it has its lock from its start
// on, long before it locks the run.
func checkDetached(path, name string) error {
	// A look at the training's state holds the lock for a moment.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lock, err := filelock.Wait(ctx, filepath.Join(path, DetachedFolder, DetachedLock))
	if err == nil {
		err = lock.Close()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("tlkit: run %q is being trained by a process of its own, or about to be; Stop of tlkit.Attach(%q) ends it", name, name)
	case err != nil:
		return fmt.Errorf("tlkit: run %q can't be locked against a process of its own: %w", name, err)
	}
	return nil
}

func listOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// lockRun keeps other programs from training in, or removing, the run's folder.
func lockRun(path, name string) (*filelock.Lock, error) {
	file := filepath.Join(path, ".lock")
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("tlkit: run %q can't be locked against other programs: %s is no file; remove it", name, file)
	}
	lock, err := filelock.Try(file)
	var held *filelock.HeldError
	switch {
	case errors.As(err, &held) && held.Own:
		return nil, fmt.Errorf("tlkit: run %q is being trained by this program already, in another cell or goroutine; wait for it, or choose another name", name)
	case errors.As(err, &held):
		next := "wait for it, or choose another name"
		if isDetached(path) {
			next += fmt.Sprintf("; tlkit.Attach(%q) shows it if it is a detached training", name)
		}
		return nil, fmt.Errorf("tlkit: run %q is being trained by another program%s; %s", name, named(held), next)
	case err != nil:
		return nil, fmt.Errorf("tlkit: run %q can't be locked against other programs: %w; %s", name, err, elsewhere+takeAlong)
	}
	return lock, nil
}

// named returns what a lock file says about the program that holds it.
func named(held *filelock.HeldError) string {
	if held.Owner == "" {
		return ""
	}
	return fmt.Sprintf(" (%s names %s)", filepath.Base(held.Path), held.Owner)
}

// checkTaken returns an error if another program trains in the run's folder meanwhile: on a file system whose locks
// don't reach other machines, or after the folder was replaced. Call it before files are written.
func (r *Run) checkTaken() error {
	var held *filelock.HeldError
	if r.lock == nil || !errors.As(r.lock.Taken(), &held) {
		return nil
	}
	return fmt.Errorf("tlkit: another program has taken the folder of run %q%s; this training stops here, so that neither writes over the files of the other. Choose another name for one of them", r.Name, named(held))
}
