// Package detached trains in a process of its own, which goes on when the notebook's kernel, the browser or the Jupyter
// server end:
//
//	recipe := train.Recipe{Epochs: 50}
//	training, err := detached.Start(recipe, "ants", data, model, strategy.Transfer{}, strategy.FineTune{})
//
// In this session or a later one, the folder of runs ("" for the default) and the name find it again:
//
//	training, err := detached.Attach("", "ants")
//	run, err := training.Watch(ctx) // live curves until it ends
//
// Start writes everything that the training needs into the run's folder: the model's values, the calls by which the
// data sets were loaded, and the strategies. Then it starts "tlkernel train FOLDER". The run itself is an ordinary one:
// tlkit.Open finds it, and the same call of Compare continues it.
//
// No process number is used to guess whether a training goes on: its processes hold a lock on a file in the folder,
// which the system releases when the last one ends, in whatever way.
package detached
