// Package weights reads and writes the state dicts of pretrained models:
// ordered lists of named tensors, as PyTorch and safetensors files hold them.
//
// [Open] looks at the bytes of a file, never at its name, and reads
//
//   - PyTorch checkpoints, both the zip form of torch.save (PyTorch 1.6 and
//     later) and the legacy form (a row of pickles followed by the storages);
//   - safetensors.
//
// Tensors are lazy: opening a file reads names, shapes and positions, and the
// numbers are read when [Tensor.Float32] or another accessor asks for them. A
// [StateDict] therefore keeps its file open until [StateDict.Close].
//
// # Layout
//
// Shapes and values are those of the file: row-major, PyTorch's order
// (convolution kernels OIHW, linear weights [out, in]). Changing them to the
// layout of a model is the loader's work; [Match] compares names and shapes
// first and reports every difference in one error.
//
// # Untrusted files
//
// A pickle is a program. The interpreter in this package runs only the part
// that a state dict needs: it builds numbers, strings, lists, dictionaries and
// tensors. The instances of any other class, settings of a training script for
// the most part, are opaque data. Nothing of the file is ever executed; a file
// that names what attacks call, such as os.system, is refused with a
// [ForbiddenError], and so is one whose weights lie within an unknown class. Sizes are checked against the
// bytes that are there before memory is allocated, so a file that lies costs
// at most a small multiple of its own size.
//
// # ONNX
//
// [OpenONNX] reads the initializers of an .onnx file as a state dict, and
// [WriteONNX] writes a graph with its weights (onnx_read.go, onnx_write.go).
// Graphs are the matter of tlkit/internal/onnx: its room read turns one into a
// network that trains, and write turns a network into one.
//
// The package knows nothing of GoMLX.
package weights
