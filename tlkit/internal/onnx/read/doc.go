// Package read converts an ONNX file of an image classifier to a trainable network: named stages, variables under the
// file's names, and an output layer that can be replaced.
//
// The operators that image classifiers spend their time in (convolution, batch normalisation, pooling, linear layers,
// attention) are those of tlkit/nn and GoMLX, with images' channels last, so that they run and train as fast as the
// zoo's own. All others come from github.com/gomlx/onnx-gomlx, one at a time. It alone is not enough: it keeps the
// file's NCHW layout and GoMLX's convolution, whose gradients ONNX Runtime lacks and the pure-Go engine takes seconds
// for, refuses batch normalisation in training, panics on damaged files, and allocates whatever sizes they claim.
//
// The package is made for files of PyTorch's exporters: torch.onnx.export with and without dynamo, with and without
// optimisation, operator sets 8 to 23, weights in the file or in another one beside it. It reads what other exporters
// (tf2onnx, Paddle, Caffe2, MXNet) write of the same networks, too. A batch size fixed in the file is no limit: see
// value.
package read
