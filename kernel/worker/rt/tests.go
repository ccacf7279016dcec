//go:build linux

package rt

import (
	"fmt"
	"runtime"
	"strconv"
	"time"
)

// forgetCPUs empties the list of package testing for -cpu.
var forgetCPUs = func() {}

// Procs returns the default of the flag -parallel.
func Procs() string { return strconv.Itoa(runtime.GOMAXPROCS(0)) }

// RunTests runs the tests of a cell, and returns whether they failed. After timeout, if that is not 0, it ends the
// cell; the alarm of package testing would end the process.
func RunTests(tests interface{ Run() int }, timeout time.Duration) (failed bool) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0)) // package testing sets it
	forgetCPUs()
	if timeout <= 0 {
		return tests.Run() != 0
	}
	alarm := time.AfterFunc(timeout, running.Load().testsTimedOut(timeout))
	failed = tests.Run() != 0
	if !alarm.Stop() {
		C() // the timeout is the cell's failure
	}
	return failed
}

// testsTimedOut returns a function that ends the run because its tests take longer than timeout.
func (c *current) testsTimedOut(timeout time.Duration) func() {
	return func() {
		c.setLabel()
		endCell(&Failure{Kind: "panic", Message: fmt.Sprintf("the tests timed out after %v", timeout)})
	}
}
