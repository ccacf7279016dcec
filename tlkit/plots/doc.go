// Package plots draws charts, tables and image grids as MIME bundles: one output that carries several forms of the same
// figure. Each reader shows the best form that it supports.
//
//   - application/vnd.vegalite.v5+json: interactive chart, drawn by JupyterLab
//     itself and so also offline.
//   - image/svg+xml or image/png: the same chart as a picture, for GitHub,
//     nbviewer, Colab and exported HTML.
//   - text/html and text/markdown: tables, prose and grids of images.
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
// Figures fit light and dark pages: text and axes have the colour of the page's text, data has colours that
// differ enough from white and from the dark themes' black, and nothing has a background. theme.go says
// how, and where that ends.
//
// Names and titles can be in any script. A page shows them in the reader's fonts; a PNG takes a font of this machine
// for a script that its own font lacks, and where there is none it has numbers and a note. script.go says how.
//
// Values that are NaN or infinite are gaps: lines break there, bars and table cells stay empty, and no output ever
// contains the word NaN as a JSON number.
package plots
