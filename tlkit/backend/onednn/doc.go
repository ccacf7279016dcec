// Package onednn is TLKit's Go engine (tlkit/backend/goengine) with other kernels: Intel's oneDNN (Apache-2.0) computes
// convolutions, their gradients and matrix products, on the same float32 values in the same layouts. Planning, memory,
// batch norm, pooling, moves and elementwise chains stay Go. Package kernels computes what oneDNN has no fast
// kernel for, one geometry at a time.
//
// With the option bf16, the operands of dense convolutions and products are rounded to bfloat16, which has float32's
// range and 8 bits of precision, and their sums are float32 (Kalamkar et al. 2019, arXiv 1905.12322). Each operation
// rounds its operands anew, so that all values between operations, weights among them, are float32.
//
// The library is opened at run time from the file that the caller names, so that programs start without it. Its threads
// are libgomp's, which keeps a pool of threads for each thread that calls it: so one thread of the program runs all
// plans, one after the other, and Go's operations of a plan run on the same pool as oneDNN's. Between two operations
// the threads spin for some microseconds, since to wake one takes longer than a small operation; then they sleep,
// because other work on the machine needs the processors. oneDNN plans for a number of threads, and is wrong with
// fewer; so a library that does not get them is refused, as is one whose results of a small convolution differ from
// those of package kernels.
//
// Equal inputs and an equal number of threads give results that are equal to the bit; another number of threads, and
// another processor, differ in rounding.
package onednn
