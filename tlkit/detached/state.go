package detached

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Phase is how far a detached training has come.
type Phase string

// The phases.
const (
	// Starting: the program is being compiled, or loads data and model.
	Starting Phase = "starting"
	// Training: epochs are trained.
	Training Phase = "training"
	// Finished: all is trained.
	Finished Phase = "finished"
	// Stopped: it was told to stop, and saved.
	Stopped Phase = "stopped"
	// Failed: it ended with an error.
	Failed Phase = "failed"
	// Lost: its processes ended before they could write their state, because they were killed or the machine stopped. The
	// checkpoint is there.
	Lost Phase = "lost"
	// NotFinished is a run that is trained in a notebook, where nothing tells whether it goes on.
	NotFinished Phase = "not finished"
)

// State is how a detached training stands.
type State struct {
	// Name is the run's, Phase how far it has come.
	Name  string
	Phase Phase
	// Since is when the phase began, in UTC; for Lost, when the phase before it began.
	Since time.Time
	// Error is what a failed training said.
	Error string
	// Done and Total count epochs, over all strategies and seeds; both are 0 before the first one begins.
	Done, Total int
	// Best is the name of the best strategy so far and BestAccuracy its validation accuracy; "" before the first epoch.
	Best         string
	BestAccuracy float64
	// Left estimates the rest of a training that goes on; 0 if it is not known.
	Left time.Duration
}

// live reports whether processes of the training are alive.
func (p Phase) live() bool { return p == Starting || p == Training }

// String is one line, such as "ants: training, epoch 12 of 40, best transfer 94.1%, 3m20s left".
func (s State) String() string {
	text := s.Name + ": " + string(s.Phase)
	if s.Total > 0 {
		text += fmt.Sprintf(", epoch %d of %d", s.Done, s.Total)
	}
	if s.Best != "" {
		text += fmt.Sprintf(", best %s %.1f%%", s.Best, 100*s.BestAccuracy)
	}
	if s.Left > 0 {
		text += fmt.Sprintf(", %s left", s.Left.Round(time.Second))
	}
	if s.Error != "" {
		text += ": " + s.Error
	}
	return text
}

// saved is the content of the state file.
type saved struct {
	Phase Phase
	Since time.Time
	Error string `json:",omitempty"`
}

func (s saved) write(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, stateFile), append(text, '\n'))
}

// errDamagedState is the error for a state file that can't be read.
var errDamagedState = errors.New("is damaged")

// readSaved reads the state file of a folder; without one, the training has not begun.
func readSaved(dir string) (s saved, err error) {
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return saved{Phase: Starting}, nil
	}
	if next := train.Unreadable(err); next != "" {
		return s, fmt.Errorf("detached: %w; %s", err, next)
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("detached: %s %w (%w); the training writes it anew when it ends, and Resume starts one that is over", filepath.Join(dir, stateFile), errDamagedState, err)
	}
	return s, nil
}

// stateOf reads how the training in a run's folder stands.
func stateOf(runDir string) (State, error) {
	dir := filepath.Join(runDir, folder)
	// The lock first: a training writes its last state before it releases the lock.
	alive, err := locked(dir)
	if err != nil {
		return State{}, err
	}
	was, err := readSaved(dir)
	if err != nil {
		return State{}, err
	}
	s := State{Name: filepath.Base(runDir), Phase: was.Phase, Since: was.Since, Error: was.Error}
	if s.Phase.live() && !alive {
		s.Phase = Lost
	}
	run, err := openRun(runDir)
	if err != nil || run == nil {
		return s, err
	}
	s.count(run)
	if left, ok := run.TimeLeft(); ok && s.Phase.live() {
		s.Left = left
	}
	return s, nil
}

// count sets the epochs and the best strategy of a run.
func (s *State) count(run *train.Run) {
	s.Done, s.Total = run.Progress()
	if best := run.Best(); best != nil {
		if e, ok := best.Best(); ok {
			s.Best, s.BestAccuracy = best.Strategy, e.ValAccuracy
		}
	}
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
		s.Error = fault + "; the same call of Compare repairs the run"
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
