// Package train runs strategies of transfer: the training loop, learning-rate schedules, checkpoints, and the history
// that plots are made from. The strategies themselves are in package strategy.
//
// Two strategies of one comparison differ only in their [Plan]: which variables are trained, from which start, at which
// rate. The data, their order, the augmentation, the number of epochs and the seeds come from the [Recipe] and are
// equal for all.
//
// A strategy is a type with two methods, see [Strategy]. Its [Plan] may have phases, further heads, further images in
// every step, a teacher, and a loss built in the graph ([Step]). It may work with the images and the model before the
// first step ([Preparation]), keep values in addition to the model's ([Kept]), and fit the model without training steps
// ([Fit]).
//
// An image is decoded once for all strategies, seeds and epochs of a comparison, and kept as bytes in memory up to
// Recipe.MemoryLimit, beyond that in a memory-mapped file up to Recipe.DiskLimit. Batches are cropped, scaled and
// flipped on all cores while the engine computes. Frozen stages run forward only: once if their images are the same in
// every epoch, else before each step.
//
// Every run has a name and a folder (by default runs/NAME) with the configuration, the history and the
// checkpoints, so that another notebook cell, or a new session after the old one was killed, can open or resume it:
//
//	run.json                       the configuration: data, model, recipe, strategies
//	STRATEGY/history.jsonl         one line per epoch
//	STRATEGY/checkpoint.safetensors  weights, optimizer state and position, to resume from
//	STRATEGY/best.safetensors      the weights of the best epoch
//	STRATEGY/checkpoint.previous.safetensors  the checkpoint before that one
//	STRATEGY/result.json           counts, and the predictions of the best epoch
//	STRATEGY/seed-N/...            the same for the recipe's further seeds
//	.versions/N/...                the same for earlier versions of the run, see [Run.Versions]
//	.track-id                      what tells the run from others of its name to trackers
//
// Each file carries a checksum, and the small ones have a second copy (.bak). A file that is damaged or lost is
// replaced by its copy or the checkpoint before it, or else trained again from the last good point; a line in
// [Run.Warnings] says so. A call that differs from the one that made the run trains anew what the difference affects,
// and keeps the former results as an earlier version.
package train
