// Package plots draws charts, tables and image grids as MIME bundles: one output that carries several forms of the same
// figure. Each reader shows the best form that it supports.
//
//   - application/vnd.vegalite.v5+json: interactive chart, drawn by JupyterLab
//     itself and so also offline.
//   - image/svg+xml or image/png: the same chart as a picture, for GitHub,
//     nbviewer, Colab and exported HTML.
//   - text/html and text/markdown: tables and prose.
//   - text/plain: always there, for terminals, diffs and screen readers.
//
// The package does not depend on models or training. A caller fills plain structs (Line, Panel, Bar, Captioned), gets a
// Figure, and calls Show in a notebook or Save for a file:
//
//	fig := plots.Curves("ants-vs-bees",
//		plots.Panel{Title: "Loss", XLabel: "epoch", Lines: losses},
//		plots.Panel{Title: "Accuracy", XLabel: "epoch", Lines: accuracies, YPercent: true})
//	err := plots.Show(fig)
//
// Colours follow the order in which names first appear, from one palette that colour-blind readers can tell apart.
// Callers that keep their strategies in one order get the same colour for the same strategy in every figure.
//
// Values that are NaN or infinite are gaps: lines break there, bars and table cells stay empty, and no output ever
// contains the word NaN as a JSON number.
package plots
