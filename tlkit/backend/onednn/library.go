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
	path, version  string
	asked, threads int // threads can be fewer than asked for
}

// reason is memory in which C writes why something failed.
type reason [512]byte

func (r *reason) c() (*C.char, C.size_t) { return (*C.char)(unsafe.Pointer(r)), C.size_t(len(r)) }

// String returns the reason in one line.
func (r *reason) String() string {
	text, _, _ := strings.Cut(string(r[:]), "\x00")
	return strings.Join(strings.Fields(text), " ")
}

// open opens libdnnl at path for a number of threads, once for the program. It returns the version and the number of
// threads, which is smaller where OpenMP's environment variables have a limit.
func open(path string, asked int) (version string, threads int, err error) {
	library.Lock()
	defer library.Unlock()
	if library.path != "" {
		if path != library.path || asked != library.asked {
			return "", 0, fmt.Errorf("onednn: %s is open already for GOMAXPROCS=%d, and a program has one library; restart it for %s "+
				"and GOMAXPROCS=%d", library.path, library.asked, path, asked)
		}
		return library.version, library.threads, nil
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var v, r reason
	var used C.int
	failed := false
	onThread(func() {
		text, n := v.c()
		why, size := r.c()
		failed = C.load(name, C.int(asked), &used, text, n, why, size) != 0
	})
	if failed {
		return "", 0, fmt.Errorf("onednn: opening %s: %s", path, &r)
	}
	library.path, library.version, library.asked, library.threads = path, v.String(), asked, int(used)
	return library.version, library.threads, nil
}

// computesBfloat16 reports whether the opened library uses instructions for bfloat16.
func computesBfloat16() (yes bool) {
	onThread(func() { yes = C.computes_bfloat16() != 0 })
	return yes
}

// op is a convolution that the library has prepared.
type op struct{ c *C.op_t }

// prepare makes the op of a convolution. The error says why oneDNN can't compute it, or not fast.
func prepare(c convolution) (*op, error) {
	d := C.convolution_t{kind: C.kind_t(c.kind), operands: C.int(c.operands), x: c.x.c(), w: c.w.c(), y: c.y.c(),
		stride: pair(c.stride), dilate: pair(c.dilate), low: pair(c.low), high: pair(c.high)}
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
	runtime.AddCleanup(o, discard, o.c)
	return o, nil
}

// garbage are ops that nothing refers to any more. The library's thread frees them before its next call, so that no
// cleanup waits for a plan.
var garbage struct {
	sync.Mutex
	ops []*C.op_t
}

func discard(c *C.op_t) {
	garbage.Lock()
	defer garbage.Unlock()
	garbage.ops = append(garbage.ops, c)
}

// freeGarbage runs on the library's thread.
func freeGarbage() {
	garbage.Lock()
	ops := garbage.ops
	garbage.ops = nil
	garbage.Unlock()
	for _, c := range ops {
		C.release(c)
	}
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

// run computes c.
func (p product) run(c, a, b []float32) (err error) {
	onThread(func() { err = p.runHere(c, a, b) })
	return err
}

// runHere computes c on the caller's thread, which must be one of the library's; as a member of a team, it computes
// alone.
func (p product) runHere(c, a, b []float32) error {
	status := C.product(truth(p.transposedA), truth(p.transposedB), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k),
		first(a), first(b), first(c))
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
