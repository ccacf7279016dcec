// The few calls that package onednn makes of oneDNN's C API, joined to what a step needs; library.go includes it. A
// function that can fail returns 0 or another number, and then has written the reason to why. All calls come from one
// thread, but for products, which members of its team compute, too.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// layout_t is a tensor: its dimensions in oneDNN's order, and for each the distance of two values in memory.
typedef struct {
	int rank;
	int64_t dims[5], strides[5];
} layout_t;

// kind_t is which tensor of a convolution is computed from the two others; or products of matrices, y = x w.
typedef enum { forward, input_gradient, kernel_gradient, products } kind_t;

// convolution_t has images x, a kernel w and a result y; index 0 of the pairs is height. dilate is the number of values
// between two taps. low and high are the zeros before and after the images. All tensors are float32; operands is the
// type (f32 or bf16) that the two which are multiplied are rounded to.
typedef struct {
	kind_t kind;
	int operands;
	layout_t x, w, y;
	int64_t stride[2], dilate[2], low[2], high[2];
} convolution_t;

// The parts of oneDNN's C API that are used, by the names, types and numbers of its documentation (oneDNN 3, dnnl.h).
// Functions return 0, or another number for an error. All types but argument_t are pointers to what oneDNN owns.
typedef void *md_t;		   // a memory descriptor: dimensions and layout
typedef void *pd_t;		   // a primitive descriptor: an operation and how it is computed
typedef void *primitive_t; // its code
typedef void *memory_t;	   // a descriptor with values
typedef struct {
	int name;
	memory_t memory;
} argument_t;

enum { no_memory = 1, cpu = 1, in_order = 1, bf16 = 2, f32 = 3, any = 1, direct = 1, training = 64, user_scratchpad = 1 };
enum { query_name = 8, query_scratchpad = 136 };
enum { query_src = 129, query_diff_src = 130, query_weights = 131, query_diff_weights = 132, query_dst = 133, query_diff_dst = 134 };
enum { isa_bf16 = 0x80 }; // the bit of AVX512-BF16 in the numbers of instruction sets
enum { arg_src = 1, arg_dst = 17, arg_weights = 33, arg_scratchpad = 80, arg_diff_src = 129, arg_diff_dst = 145, arg_diff_weights = 161 };

typedef struct {
	int major, minor, patch;
} version_t;

static struct {
	const version_t *(*version)(void);
	int (*engine)(void **, int kind, size_t index);
	int (*stream)(void **, void *engine, unsigned flags);
	int (*md_strides)(md_t *, int rank, const int64_t *dims, int type, const int64_t *strides);
	int (*md_tag)(md_t *, int rank, const int64_t *dims, int type, int tag);
	int (*md_free)(md_t);
	int (*md_equal)(const void *, const void *);
	size_t (*md_size)(const void *);
	int (*attributes)(void **);
	int (*attributes_free)(void *);
	int (*scratchpad_mode)(void *, int mode);
	int (*forward)(pd_t *, void *engine, int prop, int alg, md_t x, md_t w, md_t bias, md_t y, const int64_t *strides,
		const int64_t *dilates, const int64_t *low, const int64_t *high, void *attributes);
	int (*backward_data)(pd_t *, void *engine, int alg, md_t x, md_t w, md_t y, const int64_t *strides, const int64_t *dilates,
		const int64_t *low, const int64_t *high, pd_t hint, void *attributes);
	int (*backward_weights)(pd_t *, void *engine, int alg, md_t x, md_t w, md_t bias, md_t y, const int64_t *strides,
		const int64_t *dilates, const int64_t *low, const int64_t *high, pd_t hint, void *attributes);
	int (*matmul)(pd_t *, void *engine, md_t x, md_t w, md_t bias, md_t y, void *attributes);
	int (*isa)(void);
	int (*reorder)(pd_t *, md_t from, void *from_engine, md_t to, void *to_engine, void *attributes);
	int (*pd_free)(pd_t);
	int (*pd_query)(pd_t, int what, int index, void *result);
	const void *(*pd_md)(pd_t, int what, int index);
	int (*primitive)(primitive_t *, pd_t);
	int (*primitive_free)(primitive_t);
	int (*execute)(primitive_t, void *stream, int n, const argument_t *);
	int (*memory)(memory_t *, const void *md, void *engine, void *values);
	int (*memory_free)(memory_t);
	int (*set_values)(memory_t, void *values);
	int (*sgemm)(char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b,
		int64_t ldb, float beta, float *c, int64_t ldc);
	void (*threads)(int);
	void (*dynamic)(int);
	int (*thread_limit)(void);
	void (*parallel)(void (*f)(void *), void *data, unsigned threads, unsigned flags);
} dnn;

static void *engine, *stream;

// block is memory that all ops share, one after the other.
typedef struct {
	void *values;
	size_t size;
} block_t;

static block_t scratchpad, converted[3];

// grow makes a block at least n bytes long.
static int grow(block_t *b, size_t n) {
	if (b->size >= n) return 0;
	free(b->values);
	b->size = 0;
	if (posix_memalign(&b->values, 4096, n) != 0) {
		b->values = NULL;
		return no_memory;
	}
	b->size = n;
	return 0;
}

static int find(void *lib, char *why, size_t n) {
	struct {
		const char *name;
		void **to;
	} functions[] = {
		{"dnnl_version", (void **)&dnn.version},
		{"dnnl_engine_create", (void **)&dnn.engine},
		{"dnnl_stream_create", (void **)&dnn.stream},
		{"dnnl_memory_desc_create_with_strides", (void **)&dnn.md_strides},
		{"dnnl_memory_desc_create_with_tag", (void **)&dnn.md_tag},
		{"dnnl_memory_desc_destroy", (void **)&dnn.md_free},
		{"dnnl_memory_desc_equal", (void **)&dnn.md_equal},
		{"dnnl_memory_desc_get_size", (void **)&dnn.md_size},
		{"dnnl_primitive_attr_create", (void **)&dnn.attributes},
		{"dnnl_primitive_attr_destroy", (void **)&dnn.attributes_free},
		{"dnnl_primitive_attr_set_scratchpad_mode", (void **)&dnn.scratchpad_mode},
		{"dnnl_convolution_forward_primitive_desc_create", (void **)&dnn.forward},
		{"dnnl_convolution_backward_data_primitive_desc_create", (void **)&dnn.backward_data},
		{"dnnl_convolution_backward_weights_primitive_desc_create", (void **)&dnn.backward_weights},
		{"dnnl_matmul_primitive_desc_create", (void **)&dnn.matmul},
		{"dnnl_get_effective_cpu_isa", (void **)&dnn.isa},
		{"dnnl_reorder_primitive_desc_create", (void **)&dnn.reorder},
		{"dnnl_primitive_desc_destroy", (void **)&dnn.pd_free},
		{"dnnl_primitive_desc_query", (void **)&dnn.pd_query},
		{"dnnl_primitive_desc_query_md", (void **)&dnn.pd_md},
		{"dnnl_primitive_create", (void **)&dnn.primitive},
		{"dnnl_primitive_destroy", (void **)&dnn.primitive_free},
		{"dnnl_primitive_execute", (void **)&dnn.execute},
		{"dnnl_memory_create", (void **)&dnn.memory},
		{"dnnl_memory_destroy", (void **)&dnn.memory_free},
		{"dnnl_memory_set_data_handle", (void **)&dnn.set_values},
		{"dnnl_sgemm", (void **)&dnn.sgemm},
		// libgomp's, on which the library depends
		{"omp_set_num_threads", (void **)&dnn.threads},
		{"omp_set_dynamic", (void **)&dnn.dynamic},
		{"omp_get_thread_limit", (void **)&dnn.thread_limit},
		{"GOMP_parallel", (void **)&dnn.parallel},
	};
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
		*functions[i].to = dlsym(lib, functions[i].name);
		if (*functions[i].to == NULL) {
			snprintf(why, n, "it has no function %s", functions[i].name);
			return -1;
		}
	}
	return 0;
}

static int is_set(const char *variable) {
	const char *value = getenv(variable);
	return value != NULL && value[0] != 0;
}

// open_brief opens a library whose threads spin for some 20 us while they wait, and then sleep: to wake one takes 30 us
// on a virtual machine, as long as a small operation, and the processors are for other work, too. libgomp reads the
// variable when it is opened for the first time, so that another library's choice stays; the programs that this one
// starts are not to inherit it.
static void *open_brief(const char *path) {
	int asked = is_set("OMP_WAIT_POLICY") || is_set("GOMP_SPINCOUNT");
	if (!asked) setenv("GOMP_SPINCOUNT", "600", 1);
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!asked) unsetenv("GOMP_SPINCOUNT");
	return lib;
}

// count_one adds one to the int that members points to.
static void count_one(void *members) { __atomic_fetch_add((int *)members, 1, __ATOMIC_RELAXED); }

// set_threads makes all teams of threads as large as oneDNN plans for: its kernels wait for each member, and leave out
// what a missing one would compute. OMP_DYNAMIC and OMP_THREAD_LIMIT make smaller ones. It writes the number of threads,
// at most that asked for.
static int set_threads(int asked, int *threads, char *why, size_t n) {
	int limit = dnn.thread_limit(), members = 0;
	*threads = asked < limit ? asked : limit;
	dnn.dynamic(0);
	dnn.threads(*threads);
	dnn.parallel(count_one, &members, *threads, 0);
	if (members == *threads) return 0;
	snprintf(why, n, "OpenMP gives it %d threads instead of %d; unset the environment's variables OMP_*", members, *threads);
	return -1;
}

// tlkitOneDNNMember is Go's function that does tasks as one more member of a team; first is true on the thread that
// forks.
extern void tlkitOneDNNMember(int first);

static _Thread_local int forks; // true while this thread forks

static void member(void *unused) { tlkitOneDNNMember(forks); }

// tlkit_onednn_fork calls member on a number of the library's threads, the caller's among them, and waits for all.
void tlkit_onednn_fork(int threads) {
	forks = 1;
	dnn.parallel(member, NULL, threads, 0);
	forks = 0;
}

// load opens the library for a number of threads, and writes its version and the number of threads that it has.
static int load(const char *path, int asked, int *threads, char *version, size_t versions, char *why, size_t n) {
	void *lib = open_brief(path);
	if (lib == NULL) {
		snprintf(why, n, "%s", dlerror());
		return -1;
	}
	if (find(lib, why, n) != 0) {
		dlclose(lib);
		return -1;
	}
	const version_t *v = dnn.version();
	if (v->major != 3) {
		snprintf(why, n, "it is version %d, and 3 is expected", v->major);
		dlclose(lib);
		return -1;
	}
	snprintf(version, versions, "%d.%d.%d", v->major, v->minor, v->patch);
	if (set_threads(asked, threads, why, n) != 0) return -1; // it stays open: its threads may run
	if (dnn.engine(&engine, cpu, 0) != 0 || dnn.stream(&stream, engine, in_order) != 0) {
		snprintf(why, n, "it has no engine for the processor");
		return -1;
	}
	return 0;
}

// part is one primitive with its arguments.
typedef struct {
	primitive_t code;
	memory_t scratchpad;
	size_t scratchpad_size;
} part_t;

// tensor_t is a tensor as the caller has it, and as oneDNN wants it; wanted is NULL if that is the same.
typedef struct {
	memory_t given, wanted;
	size_t size; // of wanted, in bytes
	part_t reorder;
} tensor_t;

// op_t is a convolution that oneDNN has prepared.
typedef struct {
	kind_t kind;
	part_t convolve;
	tensor_t all[3]; // x, w, y
} op_t;

// result is the index of the tensor that a kind computes; names and queries are oneDNN's numbers for x, w and y.
static const int result[] = {2, 0, 1, 2};
static const int names[][3] = {{arg_src, arg_weights, arg_dst}, {arg_diff_src, arg_weights, arg_diff_dst},
	{arg_src, arg_diff_weights, arg_diff_dst}, {arg_src, arg_weights, arg_dst}};
static const int queries[][3] = {{query_src, query_weights, query_dst}, {query_diff_src, query_weights, query_diff_dst},
	{query_src, query_diff_weights, query_diff_dst}, {query_src, query_weights, query_dst}};

// finish makes the code of a descriptor and its scratchpad.
static int finish(pd_t pd, part_t *p) {
	int status = dnn.primitive(&p->code, pd);
	const void *md = dnn.pd_md(pd, query_scratchpad, 0);
	p->scratchpad_size = md == NULL ? 0 : dnn.md_size(md);
	if (status == 0 && p->scratchpad_size > 0) status = dnn.memory(&p->scratchpad, md, engine, NULL);
	return status;
}

static void free_part(part_t *p) {
	if (p->code != NULL) dnn.primitive_free(p->code);
	if (p->scratchpad != NULL) dnn.memory_free(p->scratchpad);
}

static void release(op_t *op) {
	free_part(&op->convolve);
	for (int i = 0; i < 3; i++) {
		tensor_t *t = &op->all[i];
		free_part(&t->reorder);
		if (t->given != NULL) dnn.memory_free(t->given);
		if (t->wanted != NULL) dnn.memory_free(t->wanted);
	}
	free(op);
}

// descriptors are what an op is made of: x, w and y as the caller has them, and as oneDNN may have them. hint has the
// types of a forward convolution.
typedef struct {
	md_t given[3], wanted[3], hint[3];
	void *attributes;
} descriptors_t;

static void free_descriptors(descriptors_t *d) {
	for (int i = 0; i < 3; i++) {
		md_t all[] = {d->given[i], d->wanted[i], d->hint[i]};
		for (int k = 0; k < 3; k++)
			if (all[k] != NULL) dnn.md_free(all[k]);
	}
	if (d->attributes != NULL) dnn.attributes_free(d->attributes);
}

// describe_tensor makes the descriptor of tensor i for oneDNN. Kernels get the layout that oneDNN likes best, and so do the
// operands of a kernel gradient that are converted anyway. Others stay in the caller's layout, and so do matrices, which
// oneDNN itself moves faster than its reorders do.
static int describe_tensor(md_t *md, const convolution_t *c, int i, const layout_t *l, int type) {
	int kernel = i == 1 && c->kind != products, converted = c->kind == kernel_gradient && c->operands != f32;
	if (kernel || converted) return dnn.md_tag(md, l->rank, l->dims, type, any);
	return dnn.md_strides(md, l->rank, l->dims, type, l->strides);
}

// describe makes the descriptors.
static int describe(const convolution_t *c, descriptors_t *d) {
	const layout_t *all[] = {&c->x, &c->w, &c->y};
	int status = 0;
	for (int i = 0; i < 3 && status == 0; i++) {
		const layout_t *l = all[i];
		status = dnn.md_strides(&d->given[i], l->rank, l->dims, f32, l->strides);
		if (status == 0) status = describe_tensor(&d->wanted[i], c, i, l, i == result[c->kind] ? f32 : c->operands);
		if (status == 0) status = describe_tensor(&d->hint[i], c, i, l, c->operands);
	}
	if (status == 0) status = dnn.attributes(&d->attributes);
	if (status == 0) status = dnn.scratchpad_mode(d->attributes, user_scratchpad);
	return status;
}

// choose makes the descriptor of a convolution.
static int choose(const convolution_t *c, const descriptors_t *d, pd_t *pd) {
	const md_t *t = d->wanted, *h = c->kind == forward ? d->wanted : d->hint;
	if (c->kind == products) return dnn.matmul(pd, engine, t[0], t[1], NULL, t[2], d->attributes);
	pd_t hint = NULL;
	int status = dnn.forward(&hint, engine, training, direct, h[0], h[1], NULL, h[2], c->stride, c->dilate, c->low, c->high, d->attributes);
	if (status != 0 || c->kind == forward) {
		*pd = hint;
		return status;
	}
	if (c->kind == input_gradient)
		status = dnn.backward_data(pd, engine, direct, t[0], t[1], t[2], c->stride, c->dilate, c->low, c->high, hint, d->attributes);
	else
		status = dnn.backward_weights(pd, engine, direct, t[0], t[1], NULL, t[2], c->stride, c->dilate, c->low, c->high, hint, d->attributes);
	dnn.pd_free(hint);
	return status;
}

// add_tensor makes tensor i of an op, with the reorder between the caller's and that of oneDNN if they differ.
static int add_tensor(op_t *op, int i, const descriptors_t *d, pd_t pd) {
	tensor_t *t = &op->all[i];
	int status = dnn.memory(&t->given, d->given[i], engine, NULL);
	const void *wanted = dnn.pd_md(pd, queries[op->kind][i], 0);
	if (status != 0 || dnn.md_equal(wanted, d->given[i])) return status;
	t->size = dnn.md_size(wanted);
	status = dnn.memory(&t->wanted, wanted, engine, NULL);
	if (status != 0) return status;
	pd_t reorder = NULL;
	if (i == result[op->kind])
		status = dnn.reorder(&reorder, (md_t)wanted, engine, d->given[i], engine, d->attributes);
	else
		status = dnn.reorder(&reorder, d->given[i], engine, (md_t)wanted, engine, d->attributes);
	if (status != 0) return status;
	status = finish(reorder, &t->reorder);
	dnn.pd_free(reorder);
	return status;
}

// fill makes the parts of an op.
static int fill(op_t *op, const descriptors_t *d, pd_t pd) {
	int status = finish(pd, &op->convolve);
	for (int i = 0; i < 3 && status == 0; i++) status = add_tensor(op, i, d, pd);
	return status;
}

// make makes an op of a descriptor.
static int make(kind_t kind, const descriptors_t *d, pd_t pd, op_t **op) {
	op_t *made = calloc(1, sizeof *made);
	if (made == NULL) return no_memory;
	made->kind = kind;
	int status = fill(made, d, pd);
	if (status != 0)
		release(made);
	else
		*op = made;
	return status;
}

// prepare makes an op. It fails, too, if oneDNN has only its reference loops for it.
static int prepare(const convolution_t *c, op_t **op, char *why, size_t n) {
	descriptors_t d = {0};
	pd_t pd = NULL;
	int status = describe(c, &d);
	if (status == 0) status = choose(c, &d, &pd);
	const char *name = "";
	if (status == 0) status = dnn.pd_query(pd, query_name, 0, &name);
	int slow = strncmp(name, "ref", 3) == 0;
	if (status == 0 && !slow) status = make(c->kind, &d, pd, op);
	if (pd != NULL) dnn.pd_free(pd);
	free_descriptors(&d);
	if (status != 0)
		snprintf(why, n, "its error %d", status);
	else if (slow)
		snprintf(why, n, "only its reference loops compute it");
	return status != 0 ? status : -slow;
}

// execute runs a part with its n arguments, after which there is room for the scratchpad.
static int execute(part_t *p, argument_t *all, int n) {
	if (p->scratchpad != NULL) {
		if (grow(&scratchpad, p->scratchpad_size) != 0) return no_memory;
		int status = dnn.set_values(p->scratchpad, scratchpad.values);
		if (status != 0) return status;
		all[n++] = (argument_t){arg_scratchpad, p->scratchpad};
	}
	return dnn.execute(p->code, stream, n, all);
}

static int reorder(tensor_t *t, memory_t from, memory_t to) {
	argument_t all[3] = {{arg_src, from}, {arg_dst, to}};
	return execute(&t->reorder, all, 2);
}

static int convolve(op_t *op) {
	argument_t all[4];
	for (int i = 0; i < 3; i++) {
		tensor_t *t = &op->all[i];
		all[i] = (argument_t){names[op->kind][i], t->wanted == NULL ? t->given : t->wanted};
	}
	return execute(&op->convolve, all, 3);
}

// forget takes from an op the addresses of a run: Go may use that memory for other values, and blocks may move.
static void forget(op_t *op) {
	if (op->convolve.scratchpad != NULL) dnn.set_values(op->convolve.scratchpad, NULL);
	for (int i = 0; i < 3; i++) {
		tensor_t *t = &op->all[i];
		memory_t all[] = {t->given, t->wanted, t->reorder.scratchpad};
		for (int k = 0; k < 3; k++)
			if (all[k] != NULL) dnn.set_values(all[k], NULL);
	}
}

// give sets the addresses of tensor i, and converts it if oneDNN reads another one.
static int give(op_t *op, int i, float *values) {
	tensor_t *t = &op->all[i];
	int status = dnn.set_values(t->given, values);
	if (status != 0 || t->wanted == NULL) return status;
	status = grow(&converted[i], t->size);
	if (status == 0) status = dnn.set_values(t->wanted, converted[i].values);
	if (status == 0 && i != result[op->kind]) status = reorder(t, t->given, t->wanted);
	return status;
}

// run computes the tensor of the op's kind from the two others.
static int run(op_t *op, float *x, float *w, float *y, char *why, size_t n) {
	float *values[] = {x, w, y};
	int status = 0;
	for (int i = 0; i < 3 && status == 0; i++) status = give(op, i, values[i]);
	if (status == 0) status = convolve(op);
	tensor_t *t = &op->all[result[op->kind]];
	if (status == 0 && t->wanted != NULL) status = reorder(t, t->wanted, t->given);
	forget(op);
	if (status != 0) snprintf(why, n, "its error %d", status);
	return status;
}

// computes_bfloat16 reports whether the processor has instructions for bfloat16 that oneDNN uses.
static int computes_bfloat16(void) { return (dnn.isa() & isa_bf16) != 0; }

// product writes a*b to c, [m, n], all in rows. transposed_a: a is [k, m], else [m, k]; transposed_b: b is [n, k], else
// [k, n].
static int product(int transposed_a, int transposed_b, int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c) {
	return dnn.sgemm(transposed_a ? 'T' : 'N', transposed_b ? 'T' : 'N', m, n, k, 1, a, transposed_a ? m : k, b, transposed_b ? k : n, 0, c, n);
}
