// Package worker runs the worker process of a live kernel and carries its input and output: requests and events,
// captured output, standard input, and the pipes of GoNB's gonbui.
//
// The worker is a small Go program (package rt below) that opens the plugins of cells. Its descriptors 1 and 2 are
// pipes, so that the output of C code and child processes is captured too. Its descriptor 0 is a pipe that the worker
// fills itself with the input from the kernel. The worker leads its own process group, so that the processes that cells
// started end with it.
package worker
