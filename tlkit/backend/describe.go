package backend

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Describe returns a line for logs: the engine of each kind of work, the reason for the choice, and the figures of the
// network that was measured last.
func Describe() string {
	all, err := inUse()
	if err != nil {
		return "no engine: " + err.Error()
	}
	var parts []string
	for _, u := range all {
		parts = append(parts, fmt.Sprintf("%s: %s (%s): %s", u.work, u.Config, u.Backend.Description(), u.Why))
	}
	return strings.Join(append(parts, measured()...), "; ")
}

// Lines is [Describe] for people: a line per kind of work, in columns, and one for the figures.
func Lines() string {
	all, err := inUse()
	if err != nil {
		return "no engine: " + err.Error()
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, u := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n\t\t%s\n", u.work, u.Config, u.Backend.Description(), u.Why)
	}
	w.Flush() // a strings.Builder does not fail
	for _, m := range measured() {
		text.WriteString(m + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// use is a kind of work and the engine that does it.
type use struct {
	work string
	*Engine
}

// inUse lists the engines with their work: one, or those of inference and of training steps and of what is left.
func inUse() ([]use, error) {
	general, err := Default()
	if err != nil {
		return nil, err
	}
	var all []use
	if e, err := Inference(); err == nil && e != general {
		all = append(all, use{"inference", e})
	}
	if e, err := Steps(); err == nil && e != general {
		all = append(all, use{"training steps", e})
	}
	work := "all else"
	if all == nil {
		work = "everything"
	}
	return append(all, use{work, general}), nil
}

// measured has the figures of the network that was measured last, if one was.
func measured() []string {
	lastChoice.Lock()
	defer lastChoice.Unlock()
	if lastChoice.Figures == nil {
		return nil
	}
	return []string{fmt.Sprintf("measured here, %s: %s", lastChoice.shape, lastChoice.Choice)}
}
