// Package goengine is the pure-Go engine that TLKit computes with where no other is installed: GoMLX's own pure-Go engine,
// with what convolutional networks spend their time on computed by package kernels instead.
//
// GoMLX's engine (github.com/gomlx/compute/gobackend) keeps its registration tables in an internal package, so an
// operation can't be replaced from outside. This engine therefore notes down each computation and plans it on Compile:
// convolutions and their gradients, batch normalisation, pooling, matrix products, sums and chains of elementwise
// operations on float32 values run here, on all cores and with their memory reused; everything else is handed in
// pieces to GoMLX's engine. Results are those of GoMLX's engine up to rounding. With TLKIT_GO_PLAN set, each plan is
// printed to the standard error stream.
package goengine
