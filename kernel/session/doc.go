// Package session keeps the declarations of a notebook and runs its cells. It knows which name comes from which cell
// and plans what a new cell must compile, including declarations of earlier cells. Package build makes a plugin of
// that, and package worker runs it.
//
// # From text to package
//
// A cell is planned in five values, each made from the one before (plan.go):
//
//   - parsed: the text is cut at its top-level semicolons into declarations and
//     statements (chunks.go, parse.go, items.go, declare.go).
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
//   - change: the state of the session after the cell has run (commit.go).
//
// A Session consists of names (names.go), a runner of their code (runner.go) and the history of cells (history.go).
//
// A cell that is run again and declares nothing new compiles to the same code as its earlier run. The session calls
// that code again (again.go) and compiles nothing.
//
// # When something is declared anew
//
//   - Functions, methods, types and constants that use a replaced name are compiled again, from their own text, in
//     the new cell's package. One that no longer compiles is stale: the error at its use gives the reason and the cell
//     to run.
//   - A variable declared anew with the same type keeps its memory, so that all functions, closures and goroutines
//     see the new value.
//   - A variable whose type was compiled again with the same layout (a method was added) is kept under the new type;
//     with another layout it is stale.
//   - A value that holds replaced code (a function, a closure, something in an interface) can't be compiled again: the
//     cell that replaces the code prints the variable's name and the cell that set it. The worker looks for it in the
//     first ten thousand values behind each variable, also in fields and containers, and on the stacks of goroutines
//     (holds.go); not in what a closure has captured, in channels or in timers. Values are looked into only while no
//     goroutine of a cell runs.
//   - The memory of a variable that was removed, became stale or has another type is freed when no code can use it any
//     more (free.go): not if a pointer to it was made, or if a function literal, method or function value uses it.
//   - A declaration is kept if its text and everything that it uses are unchanged: running a cell again makes no
//     types anew.
//
// # A cell that fails
//
// Everything that ran stays: variables whose initialisers ran, functions, types and constants. A name that existed
// before keeps its present value. When the worker is lost, functions, types and constants are compiled again at once,
// also those of the cell in which it ended (lost.go).
//
// # Lines with ! and %
//
// They run where they stand: a cell with such a line behind Go runs in parts, unless its Go must stay one part
// (undivided in parts.go). A variable of a type that other cells can't name lives only within its part.
//
// # Calls that end a program
//
// os.Exit ends the cell and not the worker, whoever calls it: package rt has a hook inside it, which log.Fatal, methods
// of loggers, flag sets and libraries reach as well. syscall.Exit is replaced in the text of cells; in a library it
// ends the worker, as a signal does.
//
// A panic in a goroutine that a cell starts ends the cell (goroutines.go). In one that calls a function of
// runtime.SetFinalizer or runtime.AddCleanup it ends the worker.
//
// The end of input (Ctrl-D) is io.EOF for the code that reads. A statement that drops the error of its read ends the
// cell with it (reads.go).
//
// # Folder and environment
//
// Cells, magics and commands share them (environment.go): %env, %pwd and ! know what a cell has changed with
// os.Setenv and os.Chdir once the cell has ended, and so does every later worker.
//
// # Names that a program sees
//
// Types print as main.T, functions are main.f in stacks and for runtime.FuncForPC (funcnames.go), and unexported
// fields are unexported for reflect, fmt and encoders (gennames.go; package rt's HideFields). A program can still
// find out from some names that it is no program of its own: the file is "cell 3", and type arguments (nb/r3.T in a
// string that the program makes itself), unexported methods of interfaces, PkgPath and the text of a literal struct
// type are those of the plugin.
//
// # Form fields
//
// A literal with //@param behind its line, as in Colab, is generated as a call of package rt (form.go): a run from the
// page has other values and the same code, so that it compiles nothing and begins at once.
//
// # Limits
//
// A variable with a C type, or with a type that its package does not export, lives in its cell only (own.go).
//
// A type that reflect makes in one cell, as reflect.MapOf does, and that the text has only in a later
// cell are two types.
//
// # Interrupts
//
// An interrupt ends the loops of the cell and of its goroutines, time.Sleep in them, reads of standard input, child
// processes of the cell, loops of libraries that have a hook for each step, and functions that listen for SIGINT;
// deferred functions run to their end. If a cell waits for something else, the cell ends, its state is kept, and its
// goroutine is left behind; the goroutine ends when the wait is over. Only C code, a loop of a library that waits for
// nothing, or a method that an embedded interface hands to itself without end (the compiler makes a jump of it), can
// hold a cell: a second interrupt then ends the worker. An interrupted cell is an error, however it ended, so that the
// cells queued behind it do not run.
package session
