//go:build cgo && (linux || darwin)

package xlacache

/*
#cgo linux LDFLAGS: -ldl
#include "hook.h"
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// worthKeeping is the time of a compilation below which the program is compiled again: a file would cost more. It is a
// variable for tests.
var worthKeeping = 200 * time.Millisecond

// compiled and loaded count the programs that this process has compiled, and read from a store instead.
// Tests read them.
var compiled, loaded atomic.Int64

// plugin is a PJRT plugin whose programs are kept.
type plugin struct {
	store    Store
	identity []byte // of the plugin's file and of this machine
	notify   func(error)
}

// plugins holds those of [Enable] by their PJRT_Api.
var plugins struct {
	sync.RWMutex
	byAPI map[unsafe.Pointer]plugin
}

// refusals are the results of tlkit_xla_hook.
var refusals = map[C.int]string{
	1: "no library is open there",
	2: "the library has no GetPjrtApi",
	3: "its PJRT interface is another version, or lacks PJRT_Executable_DeserializeAndLoad",
	4: "too many plugins are open",
	5: "the table of its functions can't be written",
}

// Enable makes the PJRT plugin that go-xla has opened from path keep in store what it compiles, and read it from there.
// notify receives what can't be kept or read, once for each plugin and reason; the program is compiled then. A second
// call for the same plugin changes the store.
func Enable(path string, store Store, notify func(error)) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	cPath := C.CString(path)
	defer C.free(unsafe.Pointer(cPath))
	plugins.Lock()
	defer plugins.Unlock()
	var api unsafe.Pointer
	if code := C.tlkit_xla_hook(cPath, &api); code != 0 {
		return fmt.Errorf("the PJRT plugin %s can't be told to keep them: %s", path, refusals[code])
	}
	if plugins.byAPI == nil {
		plugins.byAPI = map[unsafe.Pointer]plugin{}
	}
	identity := fmt.Appendf(machine(), "%s %d %d", path, info.Size(), info.ModTime().UnixNano())
	plugins.byAPI[api] = plugin{store: store, identity: identity, notify: once(notify)}
	return nil
}

// once passes each text on once.
func once(notify func(error)) func(error) {
	var said sync.Map
	return func(err error) {
		if _, known := said.LoadOrStore(err.Error(), true); !known {
			notify(err)
		}
	}
}

// tlkitXLACompile is PJRT_Client_Compile of a plugin with a store.
//
//export tlkitXLACompile
func tlkitXLACompile(api unsafe.Pointer, arguments unsafe.Pointer) unsafe.Pointer {
	plugins.RLock()
	p := plugins.byAPI[api]
	plugins.RUnlock()
	args := (*C.compile_args)(arguments)
	key := p.key(api, args)
	program, err := p.load(api, args.client, key)
	if err != nil {
		p.notify(err)
	}
	if program != nil {
		loaded.Add(1)
		args.loaded = program
		return nil
	}
	compiled.Add(1)
	began := time.Now()
	failed := C.tlkit_xla_compile(api, args)
	if failed == nil && time.Since(began) >= worthKeeping {
		if err := p.keep(api, args.loaded, key); err != nil {
			p.notify(err)
		}
	}
	return failed
}

// key names a program by all that it depends on: its text, the options, the flags, the plugin, its platform and this
// machine.
func (p plugin) key(api unsafe.Pointer, args *C.compile_args) string {
	version := C.tlkit_xla_version(api, args.client)
	return Key(p.identity, []byte(os.Getenv("XLA_FLAGS")),
		bytesOf(version.data, version.size),
		bytesOf(args.program.format, args.program.format_size),
		bytesOf(args.program.code, args.program.code_size),
		bytesOf(args.options, args.options_size))
}

// bytesOf shows C's memory as a slice.
func bytesOf(data *C.char, size C.size_t) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size))
}

// load returns the loaded program, nil if it is not in the store.
func (p plugin) load(api, client unsafe.Pointer, key string) (unsafe.Pointer, error) {
	program, err := p.store.Get(key)
	if err != nil || program == nil {
		return nil, err
	}
	var result unsafe.Pointer
	message := C.tlkit_xla_load(api, client, unsafe.Pointer(unsafe.SliceData(program)), C.size_t(len(program)), &result)
	if err := failure("the plugin can't load the program of "+p.store.path(key), message); err != nil {
		return nil, errors.Join(err, p.store.Drop(key))
	}
	return result, nil
}

// keep writes a loaded program to the store.
func (p plugin) keep(api, program unsafe.Pointer, key string) error {
	var written C.text
	var backing, release unsafe.Pointer
	if err := failure("the plugin can't write a program down", C.tlkit_xla_serialize(api, program, &written, &backing, &release)); err != nil {
		return err
	}
	defer C.tlkit_xla_release(backing, release)
	return p.store.Put(key, bytesOf(written.data, written.size))
}

// failure makes an error of a message of C's, which it frees.
func failure(what string, message *C.char) error {
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	return fmt.Errorf("%s: %s", what, C.GoString(message))
}
