// Package tlkit is the package that a notebook imports. It transfers and fine-tunes pretrained image classifiers, and
// compares the ways to do so side by side.
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
// Every function that can fail returns an error. Here, in datasets and among the methods of [Recipe], those that return
// a value to a notebook also have a Must form that panics. Compare, FindLR and SampleSizes of [Recipe] take a context:
// when it is cancelled, a training saves and stops.
package tlkit
