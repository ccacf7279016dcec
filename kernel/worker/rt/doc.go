// Package rt runs inside the worker process of a live kernel, and the code of cells calls it. It opens the plugins of
// cells, runs them one after another, recovers their panics, shows the value of a last expression, and stops a cell
// that is interrupted.
//
// Its source is compiled into the worker under the import path nb/rt, with the compiler's settings for cells; the
// worker contains nothing else of this module. It imports the standard library only: every package of the worker must
// be identical in all plugins, and the standard library always is.
//
// The kernel writes requests to descriptor 3 and reads events from descriptor 4; both are streams of JSON values.
package rt
