//go:build linux

package rt

import (
	"os"
	"strconv"
	"syscall"
)

// writePackets makes the process write to the pipe of gonbui in packets, each of which the kernel reads by itself: so
// what is shown stays in order with what is printed. Where the system has no such FIFOs, nothing changes.
func writePackets() {
	var pipe, file syscall.Stat_t
	if syscall.Stat(os.Getenv("GONB_PIPE"), &pipe) != nil {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || syscall.Fstat(fd, &file) != nil || file.Ino != pipe.Ino || file.Dev != pipe.Dev {
			continue
		}
		if flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0); errno == 0 {
			syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, flags|syscall.O_DIRECT)
		}
	}
}
