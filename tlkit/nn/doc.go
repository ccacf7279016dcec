// Package nn holds the layers that the zoo's models are built from: convolution, batch normalisation,
// pooling, linear layers and activations, written so that they lower well on every GoMLX engine.
//
// Layers are graph-building code in GoMLX's style: they take and return *graph.Node, keep their variables in a [Scope],
// end in Done() where they have options, and panic on misuse (the packages above convert panics to errors). Images are
// [batch, height, width, channels] throughout.
//
// The package has two principles. First, a variable's path is the torchvision state-dict key with slashes in place of
// dots, and every [Scope] reports each variable it makes as a [Param], so that weight files need no mapping table.
// Second, how a convolution is computed depends on the engine (see lowering.go); values and gradients are the same on
// all of them, and tests compare them with GoMLX's own operations.
package nn
