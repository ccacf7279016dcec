//go:build ignore

// Package build compiles this file with the others. The constraint hides it from the go command, which would refuse the
// import of an internal package.

package rt

import "internal/runtime/exithook"

// exitHooks is how many goroutines may be inside os.Exit at the same time: each takes one hook away for a moment.
const exitHooks = 16

func init() {
	for range exitHooks {
		addExitHook()
	}
}

func addExitHook() {
	exithook.Add(exithook.Hook{F: func() { exitCalled(addExitHook) }, RunOnFailure: true})
}
