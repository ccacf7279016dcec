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
// It is a small front for the rooms behind it: zoo (models), strategy (ways to train), train (recipes and runs), plots,
// backend (engines). Most names are those of a room; go doc shows their fields there, as in
//
//	go doc github.com/tlkit-go/tlkit-notebooks/tlkit/strategy.Transfer
//
// Every call that can fail returns an error. Those that give a notebook a value also have a Must form that panics, here, in
// datasets and as methods of [Recipe]. Calls with a context are methods of [Recipe]; a cancelled one saves and stops.
package tlkit
