package plots_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// printText prints what a figure shows where there is no notebook.
func printText(f plots.Figure) {
	bundle, err := f.Bundle()
	if err != nil {
		panic(err)
	}
	fmt.Print(bundle[plots.MIMEText])
}

// A table marks the best value of a column.
func ExampleTable() {
	printText(plots.Table([]string{"strategy", "accuracy"}, [][]string{{"transfer", "94.1%"}, {"fine-tune", "93.5%"}},
		plots.TableOptions{Caption: "ants and bees", Highest: []int{1}}))
	// Output:
	// ants and bees
	//  strategy   accuracy
	// ───────────────────────
	//  transfer      94.1% *
	//  fine-tune     93.5%
}

// One figure is several forms of itself, of which a reader takes the best it can show.
func ExampleCurves() {
	figure := plots.Curves("ants and bees", plots.Panel{Title: "Loss", XLabel: "epoch", Lines: []plots.Line{
		{Name: "transfer", Points: []plots.Point{{X: 1, Y: 0.61}, {X: 2, Y: 0.4}, {X: 3, Y: 0.35}}},
	}})
	bundle, err := figure.Bundle()
	if err != nil {
		panic(err)
	}
	fmt.Println(slices.Sorted(maps.Keys(bundle)))
	// Output: [application/vnd.vegalite.v5+json image/svg+xml text/plain]
}

// Rows are the actual classes, columns the predicted ones.
func ExampleConfusion() {
	printText(plots.Confusion([]string{"ants", "bees"}, [][]int{{66, 4}, {5, 78}}))
	// Output:
	// confusion matrix
	//  actual \ predicted  ants  bees
	// ────────────────────────────────
	//  ants                  66     4
	//  bees                   5    78
}

// The same counts, as numbers per class.
func ExamplePerClass() {
	printText(plots.PerClass([]string{"ants", "bees"}, [][]int{{66, 4}, {5, 78}}))
	// Output:
	//  class                images  precision  recall     F1
	// ───────────────────────────────────────────────────────
	//  ants                     70      93.0%   94.3%  93.6%
	//  bees                     83      95.1%   94.0%  94.5%
	//  mean of the classes     153      94.0%   94.1%  94.1%
}
