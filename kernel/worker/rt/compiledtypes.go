//go:build ignore

// Package build compiles this file with the others. The constraint hides it from the go command, whose linker would
// refuse the reference.

package rt

import "unsafe"

//go:linkname compiledTypelinks reflect.compiledTypelinks
func compiledTypelinks() (first []unsafe.Pointer, plugins [][]unsafe.Pointer)

func init() { compiledTypes = compiledTypelinks }
