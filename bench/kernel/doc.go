// Command kernel times the same cells in the live kernel and in GoNB, in turn:
//
//	go run ./bench/kernel -rounds 10
//
// It needs an installation (./install.sh, or TLKIT_HOME) with both kernels and prints two JSON lines per case: the
// median seconds of each kernel, from the request until the kernel is idle again, and the ratio live/GoNB. "changed" is
// the cell with a different number each time, as when a user edits and runs it; both kernels must compile and link it.
// "again" is the cell as it was before: GoNB finds its program built, and the live kernel the code loaded.
//
// The cases are printing hello, a small GoMLX graph, loading a model, and three training steps on a model that, in the
// live kernel, an earlier cell has loaded and compiled; GoNB's cell must do both again, as it keeps no values. Every
// cell has run once before it is timed, so the packages that it imports are compiled.
//
// README.md has the output.
package main
