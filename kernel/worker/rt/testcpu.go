//go:build ignore

// Package build compiles this file with the others. The constraint hides it from the go command, whose linker would
// refuse the name of another package's variable.

package rt

import (
	_ "testing" // has the variable
	_ "unsafe"  // for go:linkname
)

// cpuList is the list of package testing for -cpu. Each run of tests adds to it.
//
//go:linkname cpuList testing.cpuList
var cpuList []int

func init() { forgetCPUs = func() { cpuList = nil } }
