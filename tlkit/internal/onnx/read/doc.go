// Package read turns an ONNX file of an image classifier into a network that trains: named stages, variables under the
// file's names, and an output layer that can be replaced.
//
// The operators that image classifiers spend their time in (convolution, batch normalisation, pooling, linear layers,
// attention) are those of tlkit/nn and GoMLX, with images' channels last, so that they run and train as fast as the zoo's
// own. All others come from github.com/gomlx/onnx-gomlx, one at a time. It alone would not do: it keeps the file's NCHW
// layout and GoMLX's convolution, whose gradients ONNX Runtime lacks and the pure-Go engine takes seconds for, refuses
// batch normalisation in training, panics on damaged files, and allocates what they claim.
//
// Files of PyTorch's exporters are meant: torch.onnx.export with and without dynamo, with and without optimisation,
// operator sets 11 to 23, weights in the file or beside it. A batch size that the file fixes does not bind: see value.
package read
