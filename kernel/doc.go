// Package kernel connects Jupyter and Go: it builds GoNB and its helpers from the versions pinned in go.mod, puts them
// with a separate JupyterLab under one private folder (the prefix), registers the kernel "Go (TLKit)", and runs, tests
// and removes what it installed.
//
// # Contents of the prefix
//
//	bin/         tlkernel, gonb, goimports, gopls
//	shim/        go: a link to tlkernel, see below
//	src/         a snapshot of this repository's packages, which notebooks compile against
//	workspace/   go.mod and go.sum, with all packages that a notebook may import resolved
//	gocache/     Go's build cache, filled at install
//	jupyter/     a kernelspec for tlkernel's own commands, and the extension of kernel/keep
//	live/        the compiled worker of the live kernel
//	share/       GoNB's script for widgets
//	lib/         ONNX Runtime, if it was installed
//	venv/        JupyterLab, nbclient and nbconvert, pinned in requirements.txt
//	manifest.json the installed parts, their places and sources; uninstall reads it
//	tlkit-uninstalled.txt what uninstall leaves beside files of the user's, so that install takes the prefix again
//
// # How a cell works offline, without a set-up cell
//
// GoNB runs each cell as a separate program. At its start it calls `go mod init` in a temporary folder, and before each
// build `go get`, which looks for the newest version of every new import. GoNB has no setting for either, so the kernel
// puts a small `go` first on GoNB's PATH: in GoNB's folder, and only there, `go mod init` copies the prepared
// workspace, a bare `go get` does nothing, and builds stay off the network. Every other call goes to the real go
// unchanged, so `!*go get PATH` in a cell adds a module as usual.
//
// # Whose folders
//
// An installation may belong to another user, as on a hub. For folders in it that this user can't write, the user gets
// folders of their own, which show the content by links and receive what is written (overlay.go). Settings of Go or
// Python that were exported for other work don't reach cells, and an unusable TMPDIR is replaced (environment.go,
// build.CleanEnv).
//
// # How a kernel ends
//
// Jupyter starts `tlkernel run`, which gives GoNB a separate temporary folder and marks all processes below it with
// TLKIT_KERNEL_DIR. A second small process, the janitor, waits until `tlkernel run` has ended, for whatever reason,
// then ends all processes that still carry the mark and removes the folder.
package kernel
