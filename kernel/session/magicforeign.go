//go:build linux

package session

import "strings"

// foreignMagics returns magics of GoNB and IPython that have no effect here. They print that, and the cell goes on,
// because the cell may come from a notebook for those kernels.
func foreignMagics() []magic {
	rows := []magic{
		{names: "%goflags", args: "[FLAGS]", help: "GoNB's flags of go build: here all cells must be built alike, so flags are fixed"},
		{names: "%autoget", help: "GoNB's automatic go get: here it is off, so that versions do not drift; add a module with !*go get PATH@VERSION"},
		{names: "%noautoget", help: "automatic go get is off in this kernel already"},
		{names: "%track %untrack", args: "[FILE]", help: "GoNB's files to watch: here a replace directive of go.mod is followed (!*go mod edit -replace), and a changed library counts after a restart"},
		{names: "%goworkfix", help: "GoNB's repair of go.work: here go.mod's replace directives are followed"},
		{names: "%widgets_hb", help: "GoNB's test of the widgets' connection: here %widgets installs it and the kernel watches it"},
		{names: "%wasm", help: "GoNB's WebAssembly cells: here cells are native code, and the cell runs as such; use the kernel \"Go (GoNB)\" for WebAssembly"},
		{names: "%matplotlib %pylab", args: "[BACKEND]", help: "IPython's plots: here a plot that is a cell's last value is shown"},
		{names: "%load_ext %reload_ext %unload_ext %autoreload %config %autosave %autocall %automagic %autoindent %colors %precision %pprint %page %gui %profile %doctest_mode " +
			"%xmode %logstart %logstop %logon %logoff %logstate %connect_info %qtconsole %alias_magic %autoawait %code_wrap", args: "[ARGS]", help: "IPython's extensions and settings: there are none here"},
		{names: "%debug %pdb %tb", args: "[ARGS]", help: "IPython's debugger: here an error shows the lines of the cells, and fmt.Printf(\"%+v\", x) a value"},
		{names: "%prun %lprun %mprun %memit", args: "[ARGS]", help: "Python's profilers: %timeit measures a line, package runtime/pprof profiles a program"},
		{names: "%edit %ed %macro %store %notebook %pastebin %paste %cpaste", args: "[ARGS]", help: "IPython's tools for code: %history shows what ran, %%writefile writes a file"},
		{names: "%alias %unalias %rehashx %bookmark %dhist %dirs %pushd %popd %killbgscripts", args: "[ARGS]", help: "IPython's folders, short names and jobs: %cd changes the folder, ! runs a command"},
		{names: "%tensorboard", args: "[ARGS]", help: "TensorBoard's page: here curves are drawn in the notebook while a training runs"},
		{names: "%exit %quit", help: "IPython's end: here a cell ends at its end; the kernel's menu restarts it or shuts it down"},
		{names: "%psearch %pycat", args: "[ARGS]", help: "IPython's search and its files in colour: a Tab completes names, %cat shows a file"},
		{names: "%pip %conda %mamba %micromamba %uv", args: "[ARGS]", help: "Python's packages: a Go module is added with !*go get PATH@VERSION"},
	}
	for i := range rows {
		rows[i].run = (*call).notNeeded
	}
	return append(rows,
		magic{names: "%pinfo %pinfo2 %pdoc %pdef %psource %pfile", args: "NAME", help: "help on a name, as NAME? shows it", run: (*call).describeName},
		magic{names: "%sx %sc %system", args: "COMMAND", help: "run a command of the shell, as !COMMAND does", run: (*call).runShell},
		magic{names: "%%sx %%system %%!", help: "run the cell as a script of the shell, as %%bash does", body: true, run: (*call).runBash},
		magic{names: "%%debug %%prun %%code_wrap", args: "[ARGS]", help: "IPython's debugger, profiler and frame of cells: the cell is not run; run it without that line", body: true, run: (*call).notNeeded},
		magic{names: "%cat %mkdir %rmdir %cp %mv %less %more %man %ll %lf %lk %lx %ldir", args: "[ARGS]", help: "the command of the shell of that name", run: (*call).runShell},
		magic{names: "%%gx", help: "GoNB's cells of another dialect of Go: not run here", body: true, run: (*call).notNeeded},
		magic{names: "%%python %%python2 %%python3 %%pypy %%perl %%ruby", help: "the cell goes to that program, if it is installed", body: true, run: (*call).runNamed})
}

// notNeeded prints the reason why nothing happens.
func (c *call) notNeeded() *Error {
	c.say("%s: %s", c.name, c.row.help)
	return nil
}

// describeName shows the help of name?.
func (c *call) describeName() *Error {
	if c.args == "" {
		return c.fail("needs a name; %%who lists them")
	}
	return c.showHelpOn(c.ctx, asked{strings.TrimRight(c.args, "?"), c.name == "%pinfo2" || c.name == "%psource"})
}

// runBash runs the cell as a script of the shell.
func (c *call) runBash() *Error { return c.program("bash", splitArgs(c.args)...) }

// runShell runs a command of the shell that a magic of IPython stands for.
func (c *call) runShell() *Error {
	line := c.args
	switch word := strings.TrimPrefix(c.name, "%"); word {
	case "sx", "sc", "system":
	case "ll", "lk", "lx", "lf", "ldir": // those of links, programs, files and folders alone are not told apart
		line = "ls -l " + line
	case "less", "more":
		line = "cat " + line
	default:
		line = word + " " + line
	}
	return c.shell(c.ctx, line, c.cell, c.out)
}
