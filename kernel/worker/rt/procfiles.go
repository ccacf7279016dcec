//go:build linux

package rt

import (
	"bytes"
	"syscall"
	"unsafe"
)

// procFiles reads files and folders of /proc into its own memory: while a cell runs, /proc is read fifty times a
// second, and what the cell measures (testing.AllocsPerRun, -benchmem) counts the allocations of the whole process.
type procFiles struct {
	path, pipe, link, text [256]byte
	entries                [4096]byte
}

// atCurrent is AT_FDCWD, -100: paths begin at the current folder.
const atCurrent = ^uintptr(99)

// name writes the path of an entry of a process, and returns its first byte.
func (p *procFiles) name(process, folder string, entry []byte, file string) *byte {
	path := append(append(append(append(append(p.path[:0], "/proc/"...), process...), folder...), entry...), file...)
	path = append(path, 0)
	return &path[0]
}

// open opens a file or folder; -1 if that can't be.
func (p *procFiles) open(name *byte) int {
	fd, _, errno := syscall.Syscall6(syscall.SYS_OPENAT, atCurrent, uintptr(unsafe.Pointer(name)), syscall.O_RDONLY|syscall.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return -1
	}
	return int(fd)
}

// read returns the beginning of a file; nothing if it can't be read.
func (p *procFiles) read(process, folder string, entry []byte, file string) []byte {
	fd := p.open(p.name(process, folder, entry, file))
	if fd < 0 {
		return nil
	}
	defer syscall.Close(fd)
	n, _ := syscall.Read(fd, p.text[:])
	return p.text[:max(0, n)]
}

// target writes what a link of a process points to, and returns its length; 0 if there is no such link.
func (p *procFiles) target(to []byte, process, folder, link string) int {
	name := p.name(process, folder, nil, link)
	n, _, errno := syscall.Syscall6(syscall.SYS_READLINKAT, atCurrent, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&to[0])), uintptr(len(to)), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// isTarget reports whether a link of a process points to the pipe.
func (p *procFiles) isTarget(pipe []byte, process, folder, link string) bool {
	return bytes.Equal(p.link[:p.target(p.link[:], process, folder, link)], pipe)
}

// contains reports whether a folder of a process has an entry that is wanted.
func (p *procFiles) contains(process, folder string, wanted func(entry []byte) bool) bool {
	fd := p.open(p.name(process, folder, nil, ""))
	if fd < 0 {
		return false
	}
	defer syscall.Close(fd)
	for {
		n, _, errno := syscall.Syscall(syscall.SYS_GETDENTS64, uintptr(fd), uintptr(unsafe.Pointer(&p.entries[0])), uintptr(len(p.entries)))
		if errno != 0 || n == 0 {
			return false
		}
		for rest := p.entries[:n]; len(rest) > 0; {
			d := (*syscall.Dirent)(unsafe.Pointer(&rest[0]))
			entry, _, _ := bytes.Cut(rest[unsafe.Offsetof(d.Name):d.Reclen], []byte{0})
			rest = rest[d.Reclen:]
			if entry[0] != '.' && wanted(entry) {
				return true
			}
		}
	}
}

// digits returns the number that a text is in a base up to 16; -1 for a text that is none.
func digits(text []byte, base int64) (n int64) {
	for _, c := range text {
		d := int64(bytes.IndexByte([]byte("0123456789abcdef"), c))
		if d < 0 || d >= base {
			return -1
		}
		n = n*base + d
	}
	if len(text) == 0 {
		return -1
	}
	return n
}
