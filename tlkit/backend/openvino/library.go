//go:build cgo && (linux || darwin)

package openvino

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The parts of OpenVINO's C API that are used, by the names and types of its documentation (docs.openvino.ai, "OpenVINO
// Runtime C API"). Functions return 0, or a negative number for an error.
typedef struct { int64_t rank; int64_t *dims; } shape_t;
typedef struct { const char *key; const void *value; } property_t;
typedef struct { const char *number, *description; } version_t;

static struct {
	int (*get_version)(version_t *);
	void (*version_free)(version_t *);
	int (*core_create)(void **);
	void (*core_free)(void *);
	int (*property)(const void *core, const char *device, const char *key, char **value);
	int (*read)(const void *core, const char *model, size_t n, const void *weights, void **out);
	void (*model_free)(void *);
	int (*compile)(const void *core, const void *model, const char *device, size_t n, const property_t *, void **out);
	void (*compiled_free)(void *);
	int (*request)(const void *compiled, void **out);
	void (*request_free)(void *);
	int (*infer)(void *request);
	int (*set_input)(void *request, size_t i, const void *tensor);
	int (*set_output)(void *request, size_t i, const void *tensor);
	int (*tensor)(int type, shape_t shape, void *values, void **out);
	void (*tensor_free)(void *);
	const char *(*error)(void);
	void (*text_free)(const char *);
} ov;

// explain writes the last error of this thread.
static int explain(int status, char *why, size_t n) {
	const char *text = ov.error ? ov.error() : NULL;
	if (text != NULL && text[0] != 0) snprintf(why, n, "%s", text);
	else snprintf(why, n, "OpenVINO's error %d", status);
	if (text != NULL) ov.text_free(text);
	return status;
}

// load opens the library and finds its functions.
static int load(const char *path, char *why, size_t n) {
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) {
		snprintf(why, n, "%s", dlerror());
		return -1;
	}
	struct { const char *name; void **to; } functions[] = {
		{"ov_get_openvino_version", (void **)&ov.get_version}, {"ov_version_free", (void **)&ov.version_free},
		{"ov_core_create", (void **)&ov.core_create}, {"ov_core_free", (void **)&ov.core_free},
		{"ov_core_get_property", (void **)&ov.property},
		{"ov_core_read_model_from_memory_buffer", (void **)&ov.read}, {"ov_model_free", (void **)&ov.model_free},
		{"ov_core_compile_model_props", (void **)&ov.compile}, {"ov_compiled_model_free", (void **)&ov.compiled_free},
		{"ov_compiled_model_create_infer_request", (void **)&ov.request}, {"ov_infer_request_free", (void **)&ov.request_free},
		{"ov_infer_request_infer", (void **)&ov.infer},
		{"ov_infer_request_set_input_tensor_by_index", (void **)&ov.set_input},
		{"ov_infer_request_set_output_tensor_by_index", (void **)&ov.set_output},
		{"ov_tensor_create_from_host_ptr", (void **)&ov.tensor}, {"ov_tensor_free", (void **)&ov.tensor_free},
		{"ov_get_last_err_msg", (void **)&ov.error}, {"ov_free", (void **)&ov.text_free},
	};
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
		*functions[i].to = dlsym(lib, functions[i].name);
		if (*functions[i].to == NULL) {
			snprintf(why, n, "it has no function %s", functions[i].name);
			memset(&ov, 0, sizeof ov);
			dlclose(lib);
			return -1;
		}
	}
	return 0;
}

static int version(char *text, size_t n) {
	version_t v;
	int status = ov.get_version(&v);
	if (status != 0) return explain(status, text, n);
	snprintf(text, n, "%s", v.number);
	ov.version_free(&v);
	return 0;
}

static int new_core(void **core, char *why, size_t n) {
	int status = ov.core_create(core);
	return status == 0 ? 0 : explain(status, why, n);
}

static void free_core(void *core) { ov.core_free(core); }

// computes_bfloat16 reports whether OpenVINO lists bfloat16 among the processor's types.
static int computes_bfloat16(const void *core) {
	char *types = NULL;
	if (ov.property(core, "CPU", "OPTIMIZATION_CAPABILITIES", &types) != 0 || types == NULL) return 0;
	int has = strstr(types, "BF16") != NULL;
	ov.text_free(types);
	return has;
}

// compile reads an ONNX model and compiles it for the processor, with one request that runs it.
static int compile(void *core, const char *model, size_t size, const char *threads, const char *precision, void **compiled, void **request,
		char *why, size_t n) {
	void *read = NULL;
	int status = ov.read(core, model, size, NULL, &read);
	if (status != 0) return explain(status, why, n);
	// LATENCY has all threads work on one batch. OpenVINO would take bfloat16 without the hint. Threads are not bound
	// to cores, since two programs would bind theirs to the same ones.
	property_t properties[] = {
		{"PERFORMANCE_HINT", "LATENCY"}, {"INFERENCE_PRECISION_HINT", precision}, {"INFERENCE_NUM_THREADS", threads},
		{"ENABLE_CPU_PINNING", "NO"},
	};
	status = ov.compile(core, read, "CPU", sizeof properties / sizeof properties[0], properties, compiled);
	if (status != 0) explain(status, why, n);
	ov.model_free(read);
	if (status != 0) return status;
	status = ov.request(*compiled, request);
	if (status != 0) {
		explain(status, why, n);
		ov.compiled_free(*compiled);
	}
	return status;
}

static void free_compiled(void *compiled, void *request) {
	ov.request_free(request);
	ov.compiled_free(compiled);
}

// port is an input or an output: its type (ov_element_type_e), dimensions, and the values of the run.
typedef struct { int type; shape_t shape; void *values; } port_t;

static void set_port(port_t *p, int i, int type, int64_t *dims, int rank) {
	p[i].type = type;
	p[i].shape.rank = rank;
	p[i].shape.dims = dims;
}

static void set_values(port_t *p, int i, void *values) { p[i].values = values; }

// give makes the request use the values of a port, without a copy.
static int give(void *request, int (*set)(void *, size_t, const void *), size_t i, port_t *p) {
	void *tensor = NULL;
	int status = ov.tensor(p->type, p->shape, p->values, &tensor);
	if (status != 0) return status;
	status = set(request, i, tensor);
	ov.tensor_free(tensor);
	return status;
}

static int run(void *request, port_t *in, int ins, port_t *out, int outs, char *why, size_t n) {
	int status = 0;
	for (int i = 0; i < ins && status == 0; i++) status = give(request, ov.set_input, i, &in[i]);
	for (int i = 0; i < outs && status == 0; i++) status = give(request, ov.set_output, i, &out[i]);
	if (status == 0) status = ov.infer(request);
	return status == 0 ? 0 : explain(status, why, n);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/gomlx/compute/dtypes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/write"
)

// library is the state of the opened library. It stays open until the program ends: its threads can't be stopped.
var library struct {
	sync.Mutex
	path, version string
}

// reason is memory in which C writes why something failed.
type reason [1024]byte

func (r *reason) c() (*C.char, C.size_t) { return (*C.char)(unsafe.Pointer(r)), C.size_t(len(r)) }

// err returns the reason in one line.
func (r *reason) err() error {
	text, _, _ := strings.Cut(string(r[:]), "\x00")
	return errors.New(strings.Join(strings.Fields(text), " "))
}

// open opens libopenvino_c at path, once for the program, and returns its version.
func open(path string) (version string, err error) {
	library.Lock()
	defer library.Unlock()
	if library.path != "" {
		if path != library.path {
			return "", fmt.Errorf("openvino: %s is open already, and a program has one; restart it for %s", library.path, path)
		}
		return library.version, nil
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var r reason
	why, n := r.c()
	if C.load(name, why, n) != 0 {
		return "", fmt.Errorf("openvino: opening %s: %w", path, r.err())
	}
	if C.version(why, n) != 0 {
		return "", fmt.Errorf("openvino: the version of %s: %w", path, r.err())
	}
	library.path, library.version = path, r.err().Error()
	return library.version, nil
}

// newCore returns OpenVINO's core, in which models are compiled.
func newCore() (unsafe.Pointer, error) {
	var core unsafe.Pointer
	var r reason
	why, n := r.c()
	if C.new_core(&core, why, n) != 0 {
		return nil, fmt.Errorf("openvino: starting: %w", r.err())
	}
	return core, nil
}

func freeCore(core unsafe.Pointer) { C.free_core(core) }

func computesBfloat16(core unsafe.Pointer) bool { return C.computes_bfloat16(core) != 0 }

// types are OpenVINO's numbers of types (ov_element_type_e).
var types = map[dtypes.DType]C.int{dtypes.Bool: 1, dtypes.Float32: 4, dtypes.Int32: 9, dtypes.Int64: 10, dtypes.Uint8: 16}

// ports are the inputs or outputs of a compiled model, in C's memory.
type ports struct {
	list *C.port_t
	n    int
}

func newPorts(all []write.Port) ports {
	p := ports{n: len(all)}
	if p.n == 0 {
		return p
	}
	p.list = (*C.port_t)(C.calloc(C.size_t(p.n), C.sizeof_port_t))
	for i, port := range all {
		rank := port.Shape.Rank()
		memory := C.calloc(C.size_t(rank+1), 8)
		for a, d := range port.Shape.Dimensions {
			unsafe.Slice((*int64)(memory), rank)[a] = int64(d)
		}
		C.set_port(p.list, C.int(i), types[port.Shape.DType], (*C.int64_t)(memory), C.int(rank))
	}
	return p
}

func (p ports) free() {
	for _, one := range unsafe.Slice(p.list, p.n) {
		C.free(unsafe.Pointer(one.shape.dims))
	}
	C.free(unsafe.Pointer(p.list))
}

// compiled is a model that OpenVINO has compiled, with the memory of one run.
type compiled struct {
	model, request unsafe.Pointer
	in, out        ports
}

// compile compiles the bytes of an ONNX model.
func compile(core unsafe.Pointer, model []byte, threads int, precision string, in, out []write.Port) (*compiled, error) {
	text, hint := C.CString(strconv.Itoa(threads)), C.CString(precision)
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(hint))
	var r reason
	why, n := r.c()
	c := &compiled{}
	bytes := (*C.char)(unsafe.Pointer(unsafe.SliceData(model)))
	if C.compile(core, bytes, C.size_t(len(model)), text, hint, &c.model, &c.request, why, n) != 0 {
		return nil, r.err()
	}
	c.in, c.out = newPorts(in), newPorts(out)
	return c, nil
}

// free releases all memory of the model.
func (c *compiled) free() {
	C.free_compiled(c.model, c.request)
	c.in.free()
	c.out.free()
}

// run computes out from in, in place: flat slices of the ports' types and sizes.
func (c *compiled) run(in, out []any) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	set := func(p ports, all []any) {
		for i, flat := range all {
			values := unsafe.SliceData(dtypes.UnsafeByteSliceFromAny(flat))
			pin.Pin(values)
			C.set_values(p.list, C.int(i), unsafe.Pointer(values))
		}
	}
	set(c.in, in)
	set(c.out, out)
	var r reason
	why, n := r.c()
	if C.run(c.request, c.in.list, C.int(c.in.n), c.out.list, C.int(c.out.n), why, n) != 0 {
		return r.err()
	}
	return nil
}
