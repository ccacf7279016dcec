//go:build linux

package session

import "strings"

// foreignCommands returns magics of GoNB and IPython that have no effect here. They print that, and the cell goes on,
// because the cell may come from a notebook for those kernels.
func foreignCommands() []command {
	rows := []command{
		{names: "%goflags", args: "[FLAGS]", help: "GoNB's flags of go build: here all cells must be built alike, so flags are fixed"},
		{names: "%autoget", help: "GoNB's automatic go get: here it is off, so that versions do not drift; add a module with !*go get PATH@VERSION"},
		{names: "%noautoget", help: "automatic go get is off in this kernel already"},
		{names: "%track %untrack", args: "[FILE]", help: "GoNB's files to watch: here a replace directive of go.mod is followed (!*go mod edit -replace), and a changed library counts after a restart"},
		{names: "%goworkfix", help: "GoNB's repair of go.work: here go.mod's replace directives are followed"},
		{names: "%widgets_hb", help: "GoNB's test of the widgets' connection: here %widgets installs it and the kernel watches it"},
		{names: "%wasm", help: "GoNB's WebAssembly cells: here cells are native code, and the cell runs as such; use the kernel \"Go (GoNB)\" for WebAssembly"},
		{names: "%matplotlib %pylab", args: "[BACKEND]", help: "IPython's plots: here a plot that is a cell's last value is shown"},
		{names: "%load_ext %reload_ext %autoreload %config", args: "[ARGS]", help: "IPython's extensions and settings: there are none here"},
		{names: "%pip %conda %mamba", args: "[ARGS]", help: "Python's packages: a Go module is added with !*go get PATH@VERSION"},
	}
	for i := range rows {
		rows[i].run = (*call).notNeeded
	}
	return append(rows,
		command{names: "%%gx", help: "GoNB's cells of another dialect of Go: not run here", body: true, run: (*call).notNeeded},
		command{names: "%%python %%python2 %%python3 %%pypy %%perl %%ruby", help: "the cell goes to that program, if it is installed", body: true, run: (*call).runProgram})
}

// notNeeded prints the reason why nothing happens.
func (c *call) notNeeded() *Error {
	c.say("%s: %s", c.name, lookUp(c.name).help)
	return nil
}

// runProgram runs the program that has the magic's name.
func (c *call) runProgram() *Error {
	return c.program(strings.TrimLeft(c.name, "%"), splitArgs(c.args)...)
}
