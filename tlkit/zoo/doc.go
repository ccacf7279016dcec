// Package zoo holds the image classifiers: one file per family, each with the paper it comes from, and a registry.
//
// Every model is a list of named stages and a head, so that the verbs of transfer learning are the same for all:
// take the features after any stage, freeze up to a stage, replace the head for other classes. Variables carry the
// keys of torchvision's state dicts, so weight files load without a mapping table.
//
// To add a family, write a file that returns its [Spec] list, add that list to families in registry.go, and put the
// golden logits beside the others (see CONTRIBUTING.md).
package zoo
