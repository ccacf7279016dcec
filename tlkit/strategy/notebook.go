package strategy

import "github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"

// NotebookWords lists what may stand in a string field of a strategy: names of stages. A notebook's kernel completes by
// it; see [zoo.NotebookWords].
func NotebookWords(fn string, arg int) []string {
	if fn == "FineTune.From" {
		return zoo.StageWords()
	}
	return nil
}
