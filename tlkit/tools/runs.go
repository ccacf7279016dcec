package tools

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Runs is the command "runs": it lists runs, those of detached trainings with their state. It returns the exit code.
func Runs(args []string, stdout, stderr io.Writer) int {
	dir, code, ok := toolargs.ParseRuns(args, stderr)
	if !ok {
		return code
	}
	states, err := runStates(dir)
	if err != nil {
		fmt.Fprintln(stderr, "runs:", err)
		return 1
	}
	if len(states) == 0 {
		fmt.Fprintln(stdout, "no runs yet")
		return 0
	}
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTATE\tEPOCHS\tBEST\tLEFT")
	for _, s := range states {
		best, left := "-", "-"
		if s.Best != "" {
			best = fmt.Sprintf("%s %.1f%%", s.Best, 100*s.BestAccuracy)
		}
		if s.Diverged != "" {
			best += fmt.Sprintf(" (diverged: %s)", s.Diverged)
		}
		if s.Left > 0 {
			left = s.Left.Round(1e9).String()
		}
		phase := string(s.Phase)
		if s.Error != "" {
			phase += ": " + s.Error
		}
		phase = strings.Join(strings.FieldsFunc(phase, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ") // one line
		fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\t%s\n", s.Name, phase, s.Done, s.Total, best, left)
	}
	w.Flush()
	return 0
}

// runStates returns the states of all runs in a folder, sorted by name. That of a run in a notebook is "finished" or
// "not finished".
func runStates(dir string) ([]detached.State, error) {
	if dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("the folder of runs: %w", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "run.json")); err == nil {
			return nil, fmt.Errorf("%s is a run; give the folder of the runs, %s", dir, filepath.Dir(filepath.Clean(dir)))
		}
	}
	names, err := train.List(dir)
	if err != nil {
		return nil, err
	}
	found, err := detached.List(dir)
	if err != nil {
		return nil, err
	}
	var states []detached.State
	for _, d := range found {
		s, err := d.State()
		if err != nil {
			s = detached.State{Name: d.Name, Phase: "unreadable", Error: err.Error()}
		}
		states = append(states, s)
		names = slices.DeleteFunc(names, func(n string) bool { return n == d.Name })
	}
	for _, name := range names {
		states = append(states, notebookState(dir, name))
	}
	slices.SortFunc(states, func(a, b detached.State) int { return strings.Compare(a.Name, b.Name) })
	return states, nil
}

// notebookState is the state of a run that a notebook trains.
func notebookState(dir, name string) detached.State {
	run, err := train.Peek(dir, name)
	if err != nil {
		return detached.State{Name: name, Phase: "unreadable", Error: err.Error()}
	}
	return detached.NotebookState(run)
}
