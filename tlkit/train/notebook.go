package train

import "strings"

// NotebookWords lists the runs for the methods of [Recipe] that take a run's name first. The notebook's kernel
// completes from this list.
func NotebookWords(fn string, arg int) []string {
	if !strings.HasPrefix(fn, "Recipe.") || arg != 0 && arg != 1 { // 1: after a context
		return nil
	}
	names, err := List("")
	if err != nil {
		return nil
	}
	return names
}

// NotebookWords lists the strategies of the run for [Run.Result].
func (r *Run) NotebookWords(fn string, arg int) []string {
	var names []string
	if strings.TrimPrefix(fn, "Must") == "Result" && arg == 0 {
		for _, res := range r.Results {
			names = append(names, res.Strategy)
		}
	}
	return names
}
