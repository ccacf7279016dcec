// Package session keeps what a notebook has declared and runs its cells: it
// knows which name comes from which cell, plans what a new cell must compile
// (and what of earlier cells with it), has package build make a plugin of it
// and package worker run it.
//
// # From text to package
//
// A cell is planned in five values, each made from the one before (plan.go):
//
//   - parsed: the text is cut at its top-level semicolons into declarations and
//     statements (chunks.go, parse.go, declare.go).
//   - bound: package names are found, also without an import line (bind.go).
//   - checked: go/types checks the cell together with the live names of earlier cells
//     (check.go) and with those of their declarations that must be compiled again
//     (closure.go). Every cell's package has the same path for the checker, so that
//     cells may use each other's unexported fields and methods.
//   - generated: the text is edited, not printed anew, into a package (gen.go, edits.go,
//     gencell.go): lines stay lines, and panics name them. Names that a later cell may
//     need are exported under a letter that is removed again from all output; variables
//     of := become variables of the package and are assigned where they stood; loops and
//     functions get a check for interrupts. No code of the user runs when a package is
//     initialised.
//   - change: what the session knows once the cell has run (commit.go).
//
// A Session is names (names.go), a runner of their code (runner.go) and the history of
// cells (history.go).
//
// A cell that is run again and declares nothing that is not there compiles to
// what its earlier run did: that code is called again (again.go), and nothing is
// compiled.
//
// # When something is declared anew
//
//   - Functions, methods, types and constants that use what is replaced are
//     compiled again, from their own text, in the new cell's package. One that no
//     longer compiles is stale: using it says why, and which cell to run.
//   - A variable declared anew with the same type keeps its memory, so that all
//     functions, closures and goroutines see the new value.
//   - A variable whose type was compiled again with the same layout (a method was
//     added) lives on as one of the new type; with another layout it is stale.
//   - A value that may hold code of before (a function, something in an interface)
//     can't be compiled again: the cell that replaces the code names the variable.
//   - A declaration whose text did not change, and nothing it uses, is kept: running
//     a cell again makes no types anew.
//
// # A cell that fails
//
// What ran stays: variables whose initialiser ran, functions, types and constants. A name
// that existed before keeps the value it has now. When the worker is lost, functions, types
// and constants are compiled again at once (lost.go).
//
// # What a program sees of itself
//
// Types print as main.T, and unexported fields are unexported for reflect, fmt and encoders
// (gennames.go; package rt's HideFields). Names under which a program can still find that it
// is no program of its own: those of functions and unexported interface methods in runtime
// and reflect, type arguments (nb/r3.T in a string that the program makes itself), PkgPath,
// and the text of a literal struct type.
//
// # What it cannot do
//
// A variable can't have a type that its package does not export, or a C type.
//
// # What an interrupt does
//
// It ends the loops of the cell and of its goroutines, time.Sleep in them, reads of
// standard input, child processes of the cell, loops of libraries that have a hook for
// each step, and what listens for SIGINT; what they deferred runs to its end. A cell
// that waits for something else is left behind: the cell ends, the state is kept, and
// its goroutine ends when it goes on. Only C code, or a loop of a library that waits
// for nothing, can hold a cell: a second interrupt then ends the worker. A cell that was
// interrupted is an error, however it ended, so that the cells queued behind it do not run.
package session
