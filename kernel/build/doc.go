// Package build compiles the cells of a live kernel. Each cell becomes a Go package, nb/r<n>, and a plugin that the
// worker opens.
//
// # Why not go build
//
// Most of the wait for a cell would be the go command finding out, again, that nothing else has changed. The builder
// runs it once per new import (go list -export) to learn where the compiled packages are, keeps the result, and calls
// the compiler and the linker itself.
//
// # Plugins of 20 KB
//
// A plugin usually holds all packages that it uses: 3 MB for a hello, 43 MB for a cell that imports a library with
// weights in it, linked and mapped again for each cell. Here all packages of the workspace are linked once into a Go
// shared library (-buildmode=shared), which the worker loads at its start; it is kept in Config.Cache until something
// in it changes. Plugins are linked against it (-linkshared) and hold their own code only. Five things make that work:
//
//   - A stub. The linkers would read the library's some hundred thousand symbols
//     for each cell; they get an ELF file with only those that the cell refers to
//     (shared.go), which takes milliseconds.
//   - Package nb/amd. Go's linker omits the code of runtime.addmoduledata from a plugin that is linked against a
//     shared runtime.
//   - A script as external linker (extld.go). Go's linker would have the C compiler compile three programs per link,
//     to find out which flags it knows.
//   - Package nb/undef. A library holds all methods of its types, also those of
//     package simd that have no body.
//   - Corrected loads (hostlink.go). Go's linker describes an address of the runtime wrongly in a shared library, and
//     the garbage collector would take numbers for pointers.
//
// If any of it fails, because Go is not as expected, the builder logs that and links plugins whole. All packages of the
// library are initialised when the worker starts, not when a cell first imports them. So GoMLX's compute.New, which
// takes the first engine that registered itself, sees all engines; to choose one, name it (GOMLX_BACKEND=go, or
// gobackend.New).
//
// # What keeps plugins and worker together
//
// All packages come from one build cache with one set of flags (-trimpath, -buildmode=plugin) and one environment,
// taken from go env when the builder starts and never changed after. A run's number is never used twice: the runtime
// would return the old code. Cells are compiled with -d=wrapglobalmapctl=1: otherwise the linker drops a map literal
// that its own plugin does not use, and later cells would see it empty. The session tests that at its start.
//
// The package of a cell is itself the plugin's main package as the linker sees it: -pluginpath equals the import path,
// so later cells can import it.
package build
