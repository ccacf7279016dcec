// Package kernel is everything between Jupyter and Go: it builds GoNB and its
// helpers from the versions pinned in go.mod, puts them with a JupyterLab of
// their own under one private folder (the prefix), registers the kernel
// "Go (TLKit)", and runs, tests and removes what it installed.
//
// # What the prefix holds
//
//	bin/         tlkernel, gonb, goimports, gopls
//	shim/        go: a link to tlkernel, see below
//	src/         a snapshot of this repository's packages, which notebooks compile against
//	workspace/   go.mod and go.sum with everything resolved that a notebook may import
//	gocache/     Go's build cache, filled at install
//	jupyter/     a kernelspec for tlkernel's own commands
//	live/        the compiled worker of the live kernel
//	share/       GoNB's script for widgets
//	lib/         ONNX Runtime, if it was asked for
//	venv/        JupyterLab, nbclient and nbconvert, pinned in requirements.txt
//	manifest.json what was installed, where, from what; uninstall reads it
//
// # How a cell works offline, without a set-up cell
//
// GoNB runs each cell as a program of its own. At its start it calls
// `go mod init` in a temporary folder, and before each build `go get`, which
// looks for the newest version of every new import. GoNB has no setting for
// either, so the kernel puts a small `go` of its own first on GoNB's PATH: in
// GoNB's folder, and only there, `go mod init` answers with the prepared
// workspace, a bare `go get` does nothing, and builds stay off the network.
// Every other call goes to the real go unchanged, so `!*go get PATH` in a cell
// adds a module as usual.
//
// # Whose folders
//
// An installation may belong to another user, as on a hub: what this user can't
// write there is laid below a folder of their own, by links (overlay.go). Settings
// of Go or Python that were exported for other work don't reach cells, and a
// TMPDIR that is not usable is replaced (environment.go, build.CleanEnv).
//
// # How a kernel ends
//
// Jupyter starts `tlkernel run`, which gives GoNB a temporary folder of its own
// and marks all that runs below with TLKIT_KERNEL_DIR. A second small process,
// the janitor, waits until `tlkernel run` is gone, by whatever cause, then ends
// what still carries the mark and removes the folder.
package kernel
