//go:build linux

package rt

import (
	"errors"
	"os"
	"syscall"
)

// standard are the files of descriptors 0, 1 and 2, which cells share with package log and with each other.
var standard = [3]*os.File{os.Stdin, os.Stdout, os.Stderr}

// outputs are copies of descriptors 1 and 2, at other descriptors.
var outputs [3]int

// keepOutputs makes the copies.
func keepOutputs() {
	for fd := 1; fd <= 2; fd++ {
		outputs[fd] = copyOf(fd)
	}
}

// copyOf returns a copy of a descriptor; -1 without one. It is none of the lowest, which a cell may close by number.
func copyOf(fd int) int {
	const lowest = 100
	n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, lowest)
	if errno != 0 {
		return -1
	}
	return int(n)
}

// reopenStandard opens stdin, stdout and stderr again where an earlier cell has closed them, as defer w.Close()
// in a function that is called with os.Stdout does: the next cells would lose their output and input in silence.
func reopenStandard() {
	for fd := 2; fd >= 0; fd-- {
		f := standard[fd]
		_, err := f.Stat()
		taken := inode(fd) != 0
		if err == nil || fd == 0 && taken {
			continue // what reads from descriptor 0 is seen there alone
		}
		at := fd
		switch {
		case fd == 0:
			syscall.Dup3(outputs[1], 0, 0) // else the ends of the new pipe would begin at 0
			input.reopen()
		case taken: // by a file that a cell has opened since
			at = copyOf(outputs[fd])
		default:
			syscall.Dup3(outputs[fd], fd, 0)
		}
		if errors.Is(err, os.ErrClosed) {
			*f = *os.NewFile(uintptr(at), f.Name()) // package log and the cells' variables have this file
		}
	}
	for fd, variable := range []**os.File{&os.Stdin, &os.Stdout, &os.Stderr} {
		if _, err := (*variable).Stat(); errors.Is(err, os.ErrClosed) { // a pipe that took its place
			*variable = standard[fd]
		}
	}
}
