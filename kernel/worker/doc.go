// Package worker runs the worker process of a live kernel and carries what goes
// in and out of it: requests and events, captured output, standard input, and
// the pipes of GoNB's gonbui.
//
// The worker is a small Go program (package rt below) that opens the plugins of
// cells. Its descriptors 1 and 2 are pipes, so that output of C code and child
// processes is captured too; descriptor 0 is a pipe that it fills itself with what
// the kernel sends. It leads a process group of its own, so that what cells started
// ends with it.
package worker
