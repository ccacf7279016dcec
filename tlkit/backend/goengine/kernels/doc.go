// Package kernels computes convolutions, poolings, norms, matrix products, moves and elementwise chains over float32
// values in Go, on all cores: images are [batch, height, width, channels], kernels [kernel height, kernel width, in,
// out].
//
// The inner loops of the matrix products and of depthwise convolutions are Go assembly for processors with AVX2, for
// those with AVX-512 (chosen at run time, no build flag) and for NEON (arm64), which compute the same bits, with Go
// code for all others. A convolution does not copy its patches: each tile of the result reads the image rows through a
// list of pointers, one per pixel and tap, as in Dukhan 2019, "The Indirect Convolution Algorithm" (arXiv 1907.02129).
package kernels
