package main

import (
	"syscall"
	"time"
)

// A clock returns the seconds since a fixed time.
type clock func() float64

// clocks are those of --clock. On a machine with other work, wall time includes the effect of that work; then only the
// CPU time of one thread can be compared.
var clocks = map[string]clock{
	"wall": func() float64 { return time.Since(started).Seconds() },
	"cpu": func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	},
}

var started = time.Now()

// peerClocks are the first lines of the Python programs that run a peer; "cpu" replaces time.time. The CPU time is that
// of the process and of its finished children, which load the images; and there is one thread.
var peerClocks = map[string]string{
	"wall": "",
	"cpu": `
import os, time, torch
torch.set_num_threads(1)
torch.set_num_threads = lambda n: None
time.time = lambda: time.process_time() + sum(os.times()[2:4])
`,
}
