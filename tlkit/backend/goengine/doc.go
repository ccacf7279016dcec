// Package goengine is TLKit's pure-Go engine, which is used where no other is installed. It is GoMLX's own pure-Go
// engine, except that package kernels computes the operations on which convolutional networks spend their time.
//
// GoMLX's engine (github.com/gomlx/compute/gobackend) keeps its registration tables in an internal package, so an
// operation can't be replaced from outside. This engine therefore records each computation and plans it in Compile:
// convolutions and their gradients, batch normalisation, pooling, matrix products, sums, transpositions and other
// moves, and chains of elementwise operations on float32 values run here, on all cores and with their memory reused;
// everything else runs in pieces on GoMLX's engine. Results are those of GoMLX's engine up to rounding. With
// TLKIT_GO_PLAN set, each plan is printed to the standard error stream; with TLKIT_GO_PLAN=times, so is where the time
// of each run went.
package goengine
