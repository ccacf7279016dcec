// Package build compiles the cells of a live kernel: each becomes a Go package
// of its own, nb/r<n>, and a plugin that the worker opens.
//
// # Why not go build
//
// Most of the wait for a cell would be the go command finding out, again, that
// nothing else has changed. The builder asks it once per new import (go list
// -export) where the compiled packages are, keeps the answer, and calls the
// compiler and the linker itself.
//
// # What keeps plugins and worker together
//
// All packages come from one build cache with one set of flags (-trimpath,
// -buildmode=plugin) and one environment, taken from go env when the builder
// starts and never changed after. A run's number is never used twice: the
// runtime would answer with the old code. Cells are compiled with
// -d=wrapglobalmapctl=1: else the linker drops a map literal that its own plugin
// does not use, and later cells would see it empty. The session tests that at
// its start.
//
// The package of a cell is itself the plugin's main package as the linker sees
// it: -pluginpath equals the import path, so later cells can import it.
package build
