package datasets

import "strings"

// NotebookHelp is the section about this package that a notebook's %help shows.
const NotebookHelp = `Data sets
  datasets.List() shows all data sets; datasets.MustImageFolder("photos") takes a folder with one folder per class`

// NotebookWords returns the possible values of the string argument arg (counted from 0) of the function fn: names of
// data sets. A notebook's kernel completes with them.
func NotebookWords(fn string, arg int) []string {
	if strings.TrimPrefix(fn, "Must") != "Load" || arg != 0 {
		return nil
	}
	var names []string
	for _, d := range List() {
		names = append(names, d.Name)
	}
	return names
}
