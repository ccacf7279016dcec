// Package tlkit is what a notebook imports: transfer learning and fine-tuning of pretrained image classifiers, side by
// side.
//
//	ants := datasets.MustLoad("hymenoptera")
//	model := tlkit.MustLoad("mobilenet_v1_025")
//	run := tlkit.MustCompare("ants-vs-bees", ants, model,
//		tlkit.Transfer{},                     // frozen backbone, new output layer
//		tlkit.FineTune{LearningRate: 1e-3},   // all layers, small learning rate
//		tlkit.Scratch{})                      // the control: random weights
//	run.Plot()
//	run.Table()
//
// It is a small front for the packages behind it: zoo (models), train (strategies), plots, backend (engines). Every
// call that can fail returns an error; the calls that nearly every notebook makes also have a Must form that panics.
package tlkit
