// Package protocol is the Jupyter side of the live kernel: the messaging
// specification, version 5.5, over ZeroMQ
// (https://jupyter-client.readthedocs.io/en/stable/messaging.html). It knows
// nothing of Go: an [Engine] runs the cells, a [Language] completes and explains code.
//
// # Replies while a cell runs
//
// A cell may run for hours, and no client should wait for that. So each channel
// has readers of its own, and only execute_request goes through a queue to the one
// goroutine that runs cells. All other requests get their reply at once: quick ones
// from the channel's loop, in the order of arrival; completion and inspection each
// from a goroutine, within Config.AnswerTime; interrupt, shutdown and the rest of
// the control channel from a loop that never waits for a cell.
// Every request gets a reply, unknown ones an error, and status messages busy
// and idle with itself as the parent. While a cell runs its busy is repeated
// after the idle of another request, since frontends show the last status.
//
// # Order
//
// What a cell shows is published before its reply, and its reply is sent before
// its idle. Text is gathered for 20 milliseconds, and of updates of one display
// in that time only the last is sent. After a cell that failed or was interrupted,
// with stop_on_error, all cells that were queued with it get the reply "aborted".
//
// # What is accepted
//
// Frames are bounded before they are allocated, and so is what the messages of all
// clients may take together: a client that claims more is cut off (guard.go).
// Messages without a valid HMAC-SHA256 signature, and those whose signature was
// seen before, are dropped without an answer; Config.Log gets a line. Channels
// listen where the connection file says, 127.0.0.1 unless told otherwise.
//
// # Widgets
//
// GoNB's widgets talk through a script in the page, given as
// Config.WidgetScript, and a comm that it opens; see [Output.WidgetSend]. A page
// may be slow, so nothing is left to chance: the script is published before what a
// cell shows after asking for it, the comm is acknowledged until the page answers,
// and the scripts that draw widgets stay in the cell's output for a few seconds.
package protocol
