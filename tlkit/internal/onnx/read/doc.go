// Package read turns an ONNX file of an image classifier into a network that trains: named stages, variables under
// the file's names, and an output layer that can be replaced.
//
// The operators that image classifiers spend their time in (convolution, batch normalisation, pooling, linear layers)
// are those of tlkit/nn, with channels last, so that they run and train as fast as the zoo's own; all others come from
// github.com/gomlx/onnx-gomlx, one at a time. It alone would not do: it keeps the file's NCHW layout and GoMLX's
// convolution, whose gradients ONNX Runtime lacks and the pure-Go engine takes seconds for, refuses batch
// normalisation in training, panics on damaged files, and allocates what they claim.
package read
