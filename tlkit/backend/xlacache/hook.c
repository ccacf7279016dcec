//go:build linux || darwin

#define _GNU_SOURCE
#include "hook.h"
#include "_cgo_export.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *(*call)(void *args);

// MAX is the number of plugins of one process whose compiler is replaced.
#define MAX 8
static struct {
	pjrt_api *api;
	call compile;
} hooked[MAX];
static int count;

#define ARGS(fields) struct { header h; fields }
#define INIT(a) memset(&(a), 0, sizeof(a)); (a).h.size = sizeof(a)

static call function(void *api, int i) { return (call)((pjrt_api *)api)->functions[i]; }

// message copies the text of an error and frees the error.
static char *message(void *api, void *err) {
	ARGS(void *error; const char *text; size_t size;) m;
	INIT(m);
	m.error = err;
	function(api, error_message)(&m);
	char *copy = strndup(m.text ? m.text : "unknown error", m.text ? m.size : 13);
	ARGS(void *error;) d;
	INIT(d);
	d.error = err;
	function(api, error_destroy)(&d);
	return copy;
}

// compile_N is called as PJRT_Client_Compile of plugin N: its arguments do not say which plugin is meant.
#define COMPILE(n) static void *compile_##n(void *args) { return tlkitXLACompile(hooked[n].api, args); }
COMPILE(0) COMPILE(1) COMPILE(2) COMPILE(3) COMPILE(4) COMPILE(5) COMPILE(6) COMPILE(7)
static const call compilers[MAX] = {compile_0, compile_1, compile_2, compile_3, compile_4, compile_5, compile_6, compile_7};

int tlkit_xla_hook(const char *path, void **out) {
	void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	if (!library) return 1;
	pjrt_api *(*get)(void) = (pjrt_api *(*)(void))dlsym(library, "GetPjrtApi");
	if (!get) return 2;
	pjrt_api *api = get();
	size_t needed = sizeof(pjrt_api) + (executable_deserialize_and_load + 1) * sizeof(void *);
	if (!api || api->major != 0 || api->h.size < needed) return 3;
	*out = api;
	for (int i = 0; i < count; i++)
		if (hooked[i].api == api) return 0;
	if (count == MAX) return 4;
	void **place = &api->functions[client_compile];
	size_t page = sysconf(_SC_PAGESIZE);
	void *from = (void *)((uintptr_t)place & ~(page - 1));
	if (mprotect(from, page, PROT_READ | PROT_WRITE)) return 5;
	hooked[count].api = api;
	hooked[count].compile = (call)*place;
	*place = (void *)compilers[count++];
	return 0;
}

void *tlkit_xla_compile(void *api, compile_args *args) {
	for (int i = 0; i < count; i++)
		if (hooked[i].api == api) return hooked[i].compile(args);
	abort(); // tlkitXLACompile is called with a hooked plugin alone
}

text tlkit_xla_version(void *api, void *client) {
	ARGS(void *client; const char *version; size_t size;) a;
	INIT(a);
	a.client = client;
	void *err = function(api, client_platform_version)(&a);
	if (err) {
		free(message(api, err));
		return (text){NULL, 0};
	}
	return (text){a.version, a.size};
}

char *tlkit_xla_load(void *api, void *client, const void *data, size_t size, void **loaded) {
	ARGS(void *client; const void *data; size_t size; void *loaded; const char *options; size_t options_size;) a;
	INIT(a);
	a.client = client;
	a.data = data;
	a.size = size;
	void *err = function(api, executable_deserialize_and_load)(&a);
	if (err) return message(api, err);
	*loaded = a.loaded;
	return NULL;
}

char *tlkit_xla_serialize(void *api, void *loaded, text *bytes, void **backing, void **release) {
	ARGS(void *loaded; void *executable;) g;
	INIT(g);
	g.loaded = loaded;
	void *err = function(api, loaded_executable_get_executable)(&g);
	if (err) return message(api, err);
	ARGS(const void *executable; const char *data; size_t size; void *backing; void *release;) s;
	INIT(s);
	s.executable = g.executable;
	err = function(api, executable_serialize)(&s);
	ARGS(void *executable;) d;
	INIT(d);
	d.executable = g.executable;
	void *ignored = function(api, executable_destroy)(&d);
	if (ignored) free(message(api, ignored));
	if (err) return message(api, err);
	*bytes = (text){s.data, s.size};
	*backing = s.backing;
	*release = s.release;
	return NULL;
}

void tlkit_xla_release(void *backing, void *release) { ((void (*)(void *))release)(backing); }
