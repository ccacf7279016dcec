// Package strategy has the strategies of transfer that come with TLKit, one file each, and [Suggest], which proposes
// one. A user could have written each of them: they use package train's exported names only.
//
// The strategies, by purpose:
//
//	a new task      Transfer (also with a hidden layer), FineTune (from a stage on, rates by stage, head first,
//	                gradual unfreezing), L2SP; Scratch is the control
//	... and the old LwF (no old images needed), EWC (some, once), Joint (all of them); DuplicateAndFineTune,
//	                Transfer and FineTune with Old are the controls
//	a new domain    AdaBN (target's images), DeepCORAL and DANN (source's labels, target's images); SourceOnly and
//	                TargetSupervised are the controls
//	a baseline      LogisticRegression and KNN
//
// The baselines classify the features of the frozen network without a single training step (Donahue et al. 2013, DeCAF,
// arXiv 1310.1531, section 4). Augmentation, mixing and the like in a recipe do not apply to them, and all their epochs
// have the same figures. A strategy that is no better than a baseline is not worth its training time.
//
// A strategy of your own is a type with two methods, see [train.Strategy] and [train.Plan].
package strategy
