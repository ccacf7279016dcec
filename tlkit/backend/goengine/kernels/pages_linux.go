package kernels

import (
	"syscall"
	"unsafe"
)

// hugePage is the size of a large page of memory on most processors.
const hugePage = 2 << 20

// collapse is MADV_COLLAPSE, of Linux 6.1 and later.
const collapse = 25

// adviseHuge asks for large pages in the 2 MiB around and between the values (madvise(2), transparent huge pages):
// most systems give them only to who asks. Memory that the runtime has used before is on small ones, and is moved. What
// else lies there gets them, too, which changes nothing but its speed. After an error, pages are small, as before.
func adviseHuge(s []float32) {
	first := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	from := first &^ (hugePage - 1)
	to := (first + 4*uintptr(cap(s)) + hugePage - 1) &^ (hugePage - 1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, collapse)
}
