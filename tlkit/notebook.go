package tlkit

import (
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// NotebookHelp is the section about this package that a notebook's %help shows.
const NotebookHelp = `TLKit: transfer learning of image classifiers
  ants := datasets.MustLoad("hymenoptera")          datasets.List() shows all data sets
  model := tlkit.MustLoad("mobilenet_v1_025")       tlkit.Models() shows all models
  run := tlkit.MustCompare("ants", ants, model, tlkit.Transfer{}, tlkit.FineTune{LearningRate: 1e-3})
  run.Table(), run.Plot()                           tables and curves; tlkit.MustRuns() lists earlier runs
  tlkit.Transfer?                                   help on a name; a Tab inside the quotes lists names`

// NotebookWords lists what may stand in the string argument arg (from 0) of the function fn: names of models and of
// runs. The notebook's kernel completes from this list.
func NotebookWords(fn string, arg int) []string {
	if arg != 0 {
		return nil
	}
	switch strings.TrimPrefix(fn, "Must") {
	case "Load":
		return zoo.NotebookWords("Load", 0)
	case "Attach":
		return detached.Names("")
	case "Open", "Compare", "SampleSizes":
		names, _ := train.List("")
		return names
	case "Remove":
		names, _ := train.List("")
		names = append(names, detached.Names("")...)
		slices.Sort(names)
		return slices.Compact(names)
	}
	return nil
}
