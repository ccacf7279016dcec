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

// peerClocks are Python programs that run the peer's script given as the first argument; "cpu" replaces time.time. The
// CPU time is that of the process and of its finished children, which load the images; and there is one thread.
var peerClocks = map[string]string{
	"wall": `import runpy, sys, os
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")`,
	"cpu": `import runpy, sys, os, time, torch
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
torch.set_num_threads(1)
torch.set_num_threads = lambda n: None
time.time = lambda: time.process_time() + sum(os.times()[2:4])
runpy.run_path(sys.argv[0], run_name="__main__")`,
}
