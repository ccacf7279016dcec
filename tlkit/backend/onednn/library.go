//go:build cgo && linux && amd64

package onednn

/*
#cgo LDFLAGS: -ldl
#include "onednn.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// library is the state of the opened library. It stays open until the program ends: its threads can't be stopped.
var library struct {
	sync.Mutex
	path, version string
	threads       int
}

// reason is memory in which C writes why something failed.
type reason [512]byte

func (r *reason) c() (*C.char, C.size_t) { return (*C.char)(unsafe.Pointer(r)), C.size_t(len(r)) }

// String returns the reason in one line.
func (r *reason) String() string {
	text, _, _ := strings.Cut(string(r[:]), "\x00")
	return strings.Join(strings.Fields(text), " ")
}

// open opens libdnnl at path for a number of threads, once for the program, and returns its version.
func open(path string, threads int) (version string, err error) {
	library.Lock()
	defer library.Unlock()
	if library.path != "" {
		if path != library.path || threads != library.threads {
			return "", fmt.Errorf("onednn: %s is open already for %d threads, and a program has one; restart it for %s on %d",
				library.path, library.threads, path, threads)
		}
		return library.version, nil
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var v, r reason
	failed := false
	onThread(func() {
		text, n := v.c()
		why, size := r.c()
		failed = C.load(name, C.int(threads), text, n, why, size) != 0
	})
	if failed {
		return "", fmt.Errorf("onednn: opening %s: %s", path, &r)
	}
	library.path, library.version, library.threads = path, v.String(), threads
	return library.version, nil
}

// thread returns the channel of the thread that makes all calls of the library.
var thread = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range calls {
			f()
		}
	}()
	return calls
})

// onThread runs f on the library's thread, and returns when f has ended.
func onThread(f func()) {
	done := make(chan struct{})
	thread() <- func() {
		defer close(done)
		f()
	}
	<-done
}

// op is a convolution that the library has prepared.
type op struct{ c *C.op_t }

// prepare makes the op of a convolution. The error says why oneDNN can't compute it, or not fast.
func prepare(c convolution) (*op, error) {
	d := C.convolution_t{kind: C.kind_t(c.kind), x: c.x.c(), w: c.w.c(), y: c.y.c(), stride: pair(c.stride), dilate: pair(c.dilate),
		low: pair(c.low), high: pair(c.high)}
	o := &op{}
	var r reason
	failed := false
	onThread(func() {
		why, n := r.c()
		failed = C.prepare(&d, &o.c, why, n) != 0
	})
	if failed {
		return nil, errors.New(r.String())
	}
	runtime.AddCleanup(o, func(c *C.op_t) { onThread(func() { C.release(c) }) }, o.c)
	return o, nil
}

func (l layout) c() C.layout_t {
	to := C.layout_t{rank: C.int(len(l.dims))}
	for i := range l.dims {
		to.dims[i], to.strides[i] = C.int64_t(l.dims[i]), C.int64_t(l.strides[i])
	}
	return to
}

func pair(p [2]int) [2]C.int64_t { return [2]C.int64_t{C.int64_t(p[0]), C.int64_t(p[1])} }

// run computes the tensor of the op's kind from the two others.
func (o *op) run(x, w, y []float32) error {
	var r reason
	failed := false
	onThread(func() {
		why, n := r.c()
		failed = C.run(o.c, first(x), first(w), first(y), why, n) != 0
	})
	runtime.KeepAlive(o)
	if failed {
		return errors.New(r.String())
	}
	return nil
}

func first(values []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(values))) }

// product is a product of matrices: c, [m, n], from a, [m, k] or transposed, and b, [k, n] or transposed.
type product struct {
	transposedA, transposedB bool
	m, n, k                  int
}

// run computes c.
func (p product) run(c, a, b []float32) error {
	status := C.int(0)
	onThread(func() {
		status = C.product(truth(p.transposedA), truth(p.transposedB), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k),
			first(a), first(b), first(c))
	})
	if status != 0 {
		return fmt.Errorf("its error %d", status)
	}
	return nil
}

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
