// Package protocol is the Jupyter side of the live kernel: the messaging specification, version 5.5, over ZeroMQ
// (https://jupyter-client.readthedocs.io/en/stable/messaging.html). It contains nothing about Go: an [Engine] runs the
// cells, a [Language] completes and explains code.
//
// # Replies while a cell runs
//
// A cell may run for hours, and no client should wait for that. So each channel has its own readers, and only
// execute_request goes through a queue to the one goroutine that runs cells. All other requests get their reply at
// once: quick ones from the channel's loop, in the order of arrival; completion and inspection each from a goroutine,
// within a limit (Config.ReplyTime); interrupt, shutdown and the rest of the control channel from a loop that never
// waits for a cell. Every request gets a reply (an error if its type is unknown) and the status messages busy and idle,
// with the request as their parent. While a cell runs, its busy status is published again after the idle status of
// another request, since frontends show the last status.
//
// # Order
//
// A cell's output is published before its reply, and its reply is sent before its idle status. Text is gathered for 20
// milliseconds; of several updates of one display in that time, only the last is sent. After a cell that failed or was
// interrupted, with stop_on_error, all cells that were queued with it get the reply "aborted".
//
// # Accepted messages
//
// Frames are bounded before they are allocated, and so is the memory that the messages of all clients take together: a
// client that claims more is cut off (guard.go). Messages without a valid HMAC-SHA256 signature, and messages whose
// signature was seen before, are dropped without a reply; Config.Log gets a line. Channels listen at the address in the
// connection file, by default 127.0.0.1.
//
// # Widgets
//
// GoNB's widgets communicate through a script in the page, given as Config.WidgetScript, and a comm that the script
// opens; see [Output.WidgetSend]. A page may be slow, so three measures make sure that widgets work: the script is
// published before anything that a cell shows after it has requested widgets, the comm is acknowledged until the page
// replies, and the scripts that draw widgets stay in the cell's output for 3 seconds.
//
// # Forms
//
// A form below a cell ([Output.Form]) runs the cell again when a field changes. Its script comes with that of the
// widgets and uses the same comm, because that works in JupyterLab 4 and Notebook 7 as they are installed: ipywidgets
// would need an extension in the server's environment, which belongs to other people where a kernel is added to a
// JupyterHub. The outputs of such a run have the cell's own request as their parent, so that front ends show them below
// the cell; the cell's number stays. The script draws the form between the cell's text and its outputs, which
// clear_output does not reach, and a slider goes on while the picture below changes. Values that come while a cell runs
// wait, and only the last ones run; an interrupt drops them. A run by hand makes a new form, with the values in the
// text. A page that was loaded anew does not show outputs of earlier requests, so it says that the cell must be run.
// Clients that name no cell (metadata.cellId), such as nbclient, get no form.
package protocol
