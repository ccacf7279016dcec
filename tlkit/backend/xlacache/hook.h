// The part of PJRT's C API (pjrt_c_api.h, OpenXLA; its binary interface only grows) that the cache calls: the order of
// fields of PJRT_Api, and the arguments of six functions.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
	size_t size;
	void *extension;
} header;

typedef struct {
	header h;
	header version_h;
	int major, minor;
	void *functions[];
} pjrt_api;

// Places in functions.
enum {
	error_destroy = 0,
	error_message = 1,
	client_platform_version = 14,
	client_compile = 20,
	executable_destroy = 40,
	executable_serialize = 49,
	loaded_executable_get_executable = 51,
	executable_deserialize_and_load = 56,
};

typedef struct {
	header h;
	char *code;
	size_t code_size;
	const char *format;
	size_t format_size;
} program;

typedef struct {
	header h;
	void *client;
	const program *program;
	const char *options;
	size_t options_size;
	void *loaded; // out
} compile_args;

// text is a piece of memory that belongs to the plugin.
typedef struct {
	const char *data;
	size_t size;
} text;

// tlkit_xla_hook puts the cache in the place of PJRT_Client_Compile of the plugin that is open at path, and sets api.
// It returns 0, or one of refusals (hook.go).
int tlkit_xla_hook(const char *path, void **api);

// tlkit_xla_compile is the plugin's own PJRT_Client_Compile.
void *tlkit_xla_compile(void *api, compile_args *args);

// tlkit_xla_version returns the client's PJRT_Client_PlatformVersion, empty if it has none.
text tlkit_xla_version(void *api, void *client);

// tlkit_xla_load loads a program that tlkit_xla_serialize wrote. It returns an error's message, which the caller frees,
// or NULL.
char *tlkit_xla_load(void *api, void *client, const void *data, size_t size, void **loaded);

// tlkit_xla_serialize writes a loaded program down; release(backing) frees what it returned. It returns an error's
// message, which the caller frees, or NULL.
char *tlkit_xla_serialize(void *api, void *loaded, text *bytes, void **backing, void **release);

// tlkit_xla_release calls release(backing).
void tlkit_xla_release(void *backing, void *release);
