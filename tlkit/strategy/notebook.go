package strategy

import "github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"

// NotebookWords lists the possible values of a string field of a strategy: names of stages. The notebook's kernel
// completes from this list; see [zoo.NotebookWords].
func NotebookWords(fn string, arg int) []string {
	if fn == "FineTune.From" {
		return zoo.StageWords()
	}
	return nil
}
