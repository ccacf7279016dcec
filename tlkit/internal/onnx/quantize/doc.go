// Package quantize makes exported ONNX models smaller: it folds batch norms into convolutions, stores weights in 16
// bits ([Half]), and writes networks in whole numbers of 8 bits ([Int8]).
//
// Int8 is static quantisation after training, in ONNX's QDQ form (QuantizeLinear, DequantizeLinear), which ONNX Runtime
// and OpenVINO replace by kernels for whole numbers: weights are symmetric, with a scale per output channel;
// activations have a scale and a zero point per tensor, from the ranges that calibration images give (Jacob et al.
// 2018, arXiv 1712.05877, sections 2 and 3; Nagel et al. 2021, arXiv 2106.08295, section 3).
package quantize
