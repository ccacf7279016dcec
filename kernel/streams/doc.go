// Package streams reads the stdout and stderr of a process in the order in which the process writes them, as a terminal
// shows them.
//
// The streams are pipes that hold one write each (a packet, pipe(2)): a second write waits until the first has been
// read. Linux lists the pipes that have become readable in that order (epoll(7), edge-triggered), and one packet is
// read for each of its events. A process that writes much would wait often: after [FastAfter] bytes a pipe holds many
// writes, and its order is no longer exact until [Streams.Begin] is called again. [Streams.Add] adds a FIFO, for what
// the process shows beside its text.
//
// A process that makes such a pipe non-blocking, and does not wait when a write says EAGAIN, gets that error earlier
// than from a common pipe, which holds 64 KiB.
package streams
