package freemem

import (
	"math"

	"golang.org/x/sys/unix"
)

// resourceLimits returns the limits of a process's data and address space, if there are any.
func resourceLimits() (all []int64) {
	for _, resource := range []int{unix.RLIMIT_DATA, unix.RLIMIT_AS} {
		var limit unix.Rlimit
		if err := unix.Getrlimit(resource, &limit); err == nil && limit.Cur < math.MaxInt64 { // not RLIM_INFINITY
			all = append(all, int64(limit.Cur))
		}
	}
	return all
}
