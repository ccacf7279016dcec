// Package weights reads and writes the state dicts of pretrained models: ordered lists of named tensors, as PyTorch and
// safetensors files hold them.
//
// [Open] recognises a file by its bytes, never by its name, and reads
//
//   - PyTorch checkpoints, both the zip form of torch.save (PyTorch 1.6 and
//     later) and the legacy form (a row of pickles followed by the storages);
//   - plain pickles with NumPy arrays in dictionaries, as old model zoos have;
//   - safetensors.
//
// Tensors are lazy: opening a file reads names, shapes and positions, and the numbers are read when [Tensor.Float32] or
// another accessor is called. A [StateDict] therefore keeps its file open until [StateDict.Close].
//
// # Layout
//
// Shapes and values are those of the file: row-major, PyTorch's order (convolution kernels OIHW, linear weights [out,
// in]). The loader converts them to the layout of a model; [Match] compares names and shapes first and reports every
// difference in one error.
//
// # Untrusted files
//
// A pickle is a program. The interpreter in this package runs only the part that a state dict needs: it builds
// numbers, strings, lists, dictionaries and tensors. Instances of other classes, mostly settings of a training script,
// are opaque data; of a whole model (torch.save(model)) the parameters and buffers are read, which are data, too.
// Nothing in the file is ever executed. A file that names functions that attacks call, such as os.system, is refused
// with a [ForbiddenError], and so is one whose weights lie within an unknown class that is no module. Sizes are
// compared with the number of bytes present before memory is allocated, so a file with false sizes costs at most a
// small multiple of its own size.
//
// # ONNX
//
// [OpenONNX] reads the initializers of an .onnx file as a state dict, and [WriteONNX] writes a graph with its weights
// (onnx_read.go, onnx_write.go). Graphs are handled in tlkit/internal/onnx: its package read converts one to a network
// that trains, and write converts a network to one.
//
// The package does not depend on GoMLX.
package weights
