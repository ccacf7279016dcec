package detached

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Phase is how far a detached training has come.
type Phase string

// The phases.
const (
	// Waiting: it is prepared, and no process has begun with it. It may wait in a cluster's queue; else
	// Resume starts it.
	Waiting Phase = "waiting"
	// Starting: the program is being compiled, or loads data and model.
	Starting Phase = "starting"
	// Training: epochs are trained.
	Training Phase = "training"
	// Finished: all is trained, but for what diverged (see State.Diverged).
	Finished Phase = "finished"
	// Stopped: it was told to stop, and saved.
	Stopped Phase = "stopped"
	// Failed: it ended with an error.
	Failed Phase = "failed"
	// Lost: its processes ended before they could write their state, because they were killed or the machine stopped.
	// The checkpoint is there.
	Lost Phase = "lost"
	// NotFinished is a run that is trained in a notebook, where nothing tells whether it goes on, or a detached one
	// that was finished and of which something is missing since: a notebook trains more of it, or results are gone.
	NotFinished Phase = "not finished"
)

// State is how a detached training stands.
type State struct {
	// Name is the run's, Phase how far it has come.
	Name  string
	Phase Phase
	// Since is when the phase began, in UTC; for Lost, when the phase before it began.
	Since time.Time
	// Error is what a failed training said, or what is missing.
	Error string
	// Done and Total count epochs, over all strategies and seeds; both are 0 before the first one begins.
	Done, Total int
	// Best is the name of the best strategy so far and BestAccuracy its validation accuracy; "" before the first epoch.
	Best         string
	BestAccuracy float64
	// Diverged names the strategies of which a seed diverged, separated by commas; the others are trained.
	Diverged string
	// Left estimates the rest of a training that goes on; 0 if it is not known.
	Left time.Duration
}

// live reports whether processes of the training are alive.
func (p Phase) live() bool { return p == Starting || p == Training }

// String is one line, such as "ants: training, epoch 12 of 40, best transfer 94.1%, 3m20s left".
func (s State) String() string { return s.line(string(s.Phase), inEnglish) }

// phasesInJapanese are the phases in figures.
var phasesInJapanese = map[Phase]string{
	Waiting: "待機中", Starting: "開始中", Training: "学習中", Finished: "終了",
	Stopped: "停止", Failed: "失敗", Lost: "中断", NotFinished: "未完了",
}

// japanese is String in Japanese. Errors of programs and of the system stay as they are.
func (s State) japanese() string {
	s.Error = words.Of(s.Error)
	return s.line(phasesInJapanese[s.Phase], inJapanese)
}

// stateWords are the formats of a state's parts in a language.
type stateWords struct{ colon, epochs, best, diverged, left string }

var (
	inEnglish  = stateWords{": ", ", epoch %d of %d", ", best %s %.1f%%", ", diverged: %s", ", %s left"}
	inJapanese = stateWords{"：", "、エポック %d / %d", "、最良は %s の %.1f%%", "、発散したもの：%s", "、残り %s"}
)

// line is the state in a line, with the phase as it is called in the language.
func (s State) line(phase string, in stateWords) string {
	text := s.Name + in.colon + phase
	if s.Total > 0 {
		text += fmt.Sprintf(in.epochs, s.Done, s.Total)
	}
	if s.Best != "" {
		text += fmt.Sprintf(in.best, s.Best, 100*s.BestAccuracy)
	}
	if s.Diverged != "" {
		text += fmt.Sprintf(in.diverged, s.Diverged)
	}
	if s.Left > 0 {
		text += fmt.Sprintf(in.left, s.Left.Round(time.Second))
	}
	if s.Error != "" {
		text += in.colon + s.Error
	}
	return text
}

// saved is the content of the state file.
type saved struct {
	Phase Phase
	Since time.Time
	Error string `json:",omitempty"`
	// Job is the key of the job that this is the state of.
	Job string `json:",omitempty"`
	// Epochs is that of the run's recipe where a training has finished, and Made what the results of its strategies,
	// with all seeds, were made with (train.Result.Made).
	Epochs int                 `json:",omitempty"`
	Made   map[string][]string `json:",omitempty"`
}

// newState is a state of the job that begins now.
func (j *job) newState(phase Phase) saved {
	return saved{Phase: phase, Since: time.Now().UTC(), Job: j.key}
}

// finishedState is the state of the job that has left its results in its run.
func (j *job) finishedState() (saved, error) {
	s := j.newState(Finished)
	run, err := openRun(filepath.Dir(j.dir()))
	if err == nil && run == nil {
		err = fmt.Errorf("detached: run %q has no files after its end; another program has removed them", j.Name)
	}
	if err != nil {
		return s, err
	}
	own, err := j.own(run)
	s.Epochs, s.Made = run.Config.Recipe.Epochs, map[string][]string{}
	for _, res := range own {
		s.Made[res.Strategy] = made(res)
	}
	return s, err
}

// made lists what the results of all seeds were made with.
func made(res *train.Result) (all []string) {
	for _, one := range res.Seeds() {
		all = append(all, one.Made)
	}
	return all
}

// left reports whether a run has the training's own results as it left them.
func (s saved) left(run *train.Run, own train.Results) bool {
	only := *run
	only.Results = own
	if done, total := only.Progress(); done < total {
		return false
	}
	if s.Made == nil { // written by an older version
		return true
	}
	return s.Epochs == run.Config.Recipe.Epochs &&
		!slices.ContainsFunc(own, func(res *train.Result) bool { return !slices.Equal(s.Made[res.Strategy], made(res)) })
}

func (s saved) write(dir string) error {
	text, err := sealed.JSON(s)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, stateFile), text)
}

// readSaved reads the state of the job in a folder. A job is Waiting if there is no state, or one of an earlier job.
func readSaved(dir string) (s saved, err error) {
	jobText, err := os.ReadFile(filepath.Join(dir, jobFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("detached: %s has no training; it was removed, or never prepared", filepath.Dir(dir))
	}
	if next := train.Unreadable(err); next != "" {
		return s, fmt.Errorf("detached: %w; %s", err, next)
	}
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return saved{Phase: Waiting}, nil
	}
	if next := train.Unreadable(err); next != "" {
		return s, fmt.Errorf("detached: %w; %s", err, next)
	}
	if err == nil {
		err = sealed.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("detached: %s can't be read (%w); the training writes it anew when it ends, and Resume starts one that is over", filepath.Join(dir, stateFile), err)
	}
	if s.Job != keyOf(jobText) {
		return saved{Phase: Waiting}, nil
	}
	return s, nil
}

// stateOf reads how the training in a run's folder stands, and whether processes of it live.
func stateOf(runDir string) (s State, alive bool, err error) {
	dir := filepath.Join(runDir, folder)
	// The lock first: a training writes its last state before it releases the lock.
	if alive, err = locked(dir); err != nil {
		return s, alive, err
	}
	was, err := readSaved(dir)
	if err != nil {
		return s, alive, err
	}
	s = State{Name: filepath.Base(runDir), Phase: was.Phase, Since: was.Since, Error: was.Error}
	switch {
	case s.Phase.live() && !alive:
		s.Phase = Lost
	case s.Phase == Waiting && alive: // started by a queue, and has not written its state yet
		s.Phase = Starting
	}
	run, err := openRun(runDir)
	if err != nil {
		return s, alive, err
	}
	if run != nil {
		s.count(run)
		if left, ok := run.TimeLeft(); ok && s.Phase.live() {
			s.Left = left
		}
	}
	if s.Phase == Finished {
		s.doubt(run)
	}
	return s, alive, nil
}

// Texts of State.Error that are not the errors of programs.
const (
	gone    = "its results are gone; Resume trains them again"
	repairs = "; the same call of Compare repairs the run"
)

// doubt changes the state of a finished training whose run, nil if it is gone, lacks something now.
func (s *State) doubt(run *train.Run) {
	if run == nil {
		s.Phase, s.Error = NotFinished, gone
	} else if now := NotebookState(run); now.Phase != Finished {
		s.Phase, s.Error = now.Phase, now.Error
	}
}

// count sets the epochs, the best strategy and those that diverged of a run.
func (s *State) count(run *train.Run) {
	s.Done, s.Total = run.Progress()
	if best := run.Best(); best != nil {
		if e, ok := best.Best(); ok {
			s.Best, s.BestAccuracy = best.Strategy, e.ValAccuracy
		}
	}
	var diverged []string
	for _, res := range run.Results {
		if slices.ContainsFunc(res.Seeds(), func(one *train.Result) bool { return one.Diverged != nil }) {
			diverged = append(diverged, res.Strategy)
		}
	}
	s.Diverged = strings.Join(diverged, ", ")
}

// NotebookState returns the state of a run that a notebook trains: it is finished or not. The error names the first
// fault of its files.
func NotebookState(run *train.Run) State {
	s := State{Name: run.Name, Phase: NotFinished}
	if s.count(run); s.Done == s.Total {
		s.Phase = Finished
	}
	if len(run.Warnings) > 0 {
		_, fault, _ := strings.Cut(strings.TrimPrefix(run.Warnings[0], "tlkit: "), ": ")
		s.Error = fault + repairs
	}
	return s
}

// openRun reads the run of a folder without printing its warnings; nil if the training has not written it yet.
func openRun(runDir string) (*train.Run, error) {
	run, err := train.Peek(filepath.Dir(runDir), filepath.Base(runDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if next := train.Unreadable(err); next != "" {
		return nil, fmt.Errorf("detached: %w; %s", err, next)
	}
	return run, err
}
