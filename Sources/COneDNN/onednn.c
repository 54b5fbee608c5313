// oneDNN's matrix multiplication behind one face for its C APIs 2.x and 3.x. Its functions are called
// by their own names, which are macros for what was found when it was loaded; VT_DNNL_FUNCTIONS
// lists them.

#include "vt_onednn.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define VT_DNNL_TEXT(x) #x
#define VT_DNNL_QUOTED(x) VT_DNNL_TEXT(x)
#ifdef __APPLE__
#define VT_DNNL_LIBRARY "libdnnl." VT_DNNL_QUOTED(DNNL_VERSION_MAJOR) ".dylib"
#else
#define VT_DNNL_LIBRARY "libdnnl.so." VT_DNNL_QUOTED(DNNL_VERSION_MAJOR)
#endif

#if DNNL_VERSION_MAJOR >= 3
#define VT_DNNL_VERSIONED(F) \
  F(dnnl_matmul_primitive_desc_create) F(dnnl_memory_desc_create_with_strides) \
  F(dnnl_memory_desc_destroy)
#else
#define VT_DNNL_VERSIONED(F) \
  F(dnnl_matmul_desc_init) F(dnnl_memory_desc_init_by_strides) F(dnnl_primitive_desc_create)
#endif
#define VT_DNNL_FUNCTIONS(F) \
  F(dnnl_engine_create) F(dnnl_engine_destroy) F(dnnl_memory_create) \
  F(dnnl_memory_desc_get_size) F(dnnl_memory_destroy) F(dnnl_memory_set_data_handle) \
  F(dnnl_post_ops_append_eltwise) F(dnnl_post_ops_append_sum) F(dnnl_post_ops_create) F(dnnl_post_ops_destroy) \
  F(dnnl_primitive_attr_create) F(dnnl_primitive_attr_destroy) \
  F(dnnl_primitive_attr_set_post_ops) F(dnnl_primitive_attr_set_scratchpad_mode) \
  F(dnnl_primitive_create) F(dnnl_primitive_desc_destroy) F(dnnl_primitive_desc_query_md) \
  F(dnnl_primitive_destroy) F(dnnl_primitive_execute) F(dnnl_stream_create) \
  F(dnnl_stream_destroy) \
  VT_DNNL_VERSIONED(F)

#define VT_DNNL_MEMBER(name) __typeof__(name) *name;
typedef struct {
  VT_DNNL_FUNCTIONS(VT_DNNL_MEMBER)
  void (*omp_set_num_threads)(int);
} vt_dnnl_functions;
#undef VT_DNNL_MEMBER

static vt_dnnl_functions vt_dnnl;
static char vt_dnnl_failure[256];

static void vt_dnnl_find(void) {
  void *library = dlopen(VT_DNNL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
#ifdef __APPLE__
  if (!library) library = dlopen("/opt/homebrew/lib/" VT_DNNL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
#endif
#define VT_DNNL_FIND(name) ok = ok && (vt_dnnl.name = (__typeof__(name) *)dlsym(library, #name));
  int ok = library != NULL;
  VT_DNNL_FUNCTIONS(VT_DNNL_FIND)
#undef VT_DNNL_FIND
  // Not there where oneDNN is built on another threading library.
  if (ok) vt_dnnl.omp_set_num_threads = (void (*)(int))dlsym(library, "omp_set_num_threads");
  const char *reason = ok ? NULL : dlerror();
  if (!ok) snprintf(vt_dnnl_failure, sizeof vt_dnnl_failure, "%s", reason ? reason : "not found");
}

const char *vt_dnnl_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, vt_dnnl_find);
  return *vt_dnnl_failure ? vt_dnnl_failure : NULL;
}

int vt_dnnl_has_room(void) {
  void *room = mmap(NULL, VT_DNNL_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (room == MAP_FAILED) return 0;
  munmap(room, VT_DNNL_ROOM);
  return 1;
}

#define dnnl_engine_create (vt_dnnl.dnnl_engine_create)
#define dnnl_engine_destroy (vt_dnnl.dnnl_engine_destroy)
#define dnnl_memory_create (vt_dnnl.dnnl_memory_create)
#define dnnl_memory_desc_get_size (vt_dnnl.dnnl_memory_desc_get_size)
#define dnnl_memory_destroy (vt_dnnl.dnnl_memory_destroy)
#define dnnl_memory_set_data_handle (vt_dnnl.dnnl_memory_set_data_handle)
#define dnnl_post_ops_append_eltwise (vt_dnnl.dnnl_post_ops_append_eltwise)
#define dnnl_post_ops_append_sum (vt_dnnl.dnnl_post_ops_append_sum)
#define dnnl_post_ops_create (vt_dnnl.dnnl_post_ops_create)
#define dnnl_post_ops_destroy (vt_dnnl.dnnl_post_ops_destroy)
#define dnnl_primitive_attr_create (vt_dnnl.dnnl_primitive_attr_create)
#define dnnl_primitive_attr_destroy (vt_dnnl.dnnl_primitive_attr_destroy)
#define dnnl_primitive_attr_set_post_ops (vt_dnnl.dnnl_primitive_attr_set_post_ops)
#define dnnl_primitive_attr_set_scratchpad_mode (vt_dnnl.dnnl_primitive_attr_set_scratchpad_mode)
#define dnnl_primitive_create (vt_dnnl.dnnl_primitive_create)
#define dnnl_primitive_desc_destroy (vt_dnnl.dnnl_primitive_desc_destroy)
#define dnnl_primitive_desc_query_md (vt_dnnl.dnnl_primitive_desc_query_md)
#define dnnl_primitive_destroy (vt_dnnl.dnnl_primitive_destroy)
#define dnnl_primitive_execute (vt_dnnl.dnnl_primitive_execute)
#define dnnl_stream_create (vt_dnnl.dnnl_stream_create)
#define dnnl_stream_destroy (vt_dnnl.dnnl_stream_destroy)
#if DNNL_VERSION_MAJOR >= 3
#define dnnl_matmul_primitive_desc_create (vt_dnnl.dnnl_matmul_primitive_desc_create)
#define dnnl_memory_desc_create_with_strides (vt_dnnl.dnnl_memory_desc_create_with_strides)
#define dnnl_memory_desc_destroy (vt_dnnl.dnnl_memory_desc_destroy)
#else
#define dnnl_matmul_desc_init (vt_dnnl.dnnl_matmul_desc_init)
#define dnnl_memory_desc_init_by_strides (vt_dnnl.dnnl_memory_desc_init_by_strides)
#define dnnl_primitive_desc_create (vt_dnnl.dnnl_primitive_desc_create)
#endif

/// oneDNN runs in the calling thread only, from now on, in this thread. (Its OpenMP workers would
/// spin beside ours.)
static void vt_dnnl_single_threaded(void) {
  static _Thread_local int done = 0;
  if (!done && vt_dnnl.omp_set_num_threads) vt_dnnl.omp_set_num_threads(1);
  done = 1;
}

typedef struct {
  dnnl_memory_t a, b, c, bias, scratch;
  dnnl_stream_t stream;
} vt_matmul_handles;

struct vt_matmul {
  dnnl_engine_t engine;
  dnnl_primitive_t primitive;
  vt_matmul_handles *handles;  // one set a worker: setting a data pointer is not thread-safe
  int workers;
  size_t scratch_size;
};

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t vt_desc;
typedef const_dnnl_memory_desc_t vt_const_desc;
#define VT_DESC_REF(d) (d)
static dnnl_status_t vt_desc_make(vt_desc *d, int rank, const dnnl_dims_t dims,
                                         dnnl_data_type_t type, const dnnl_dims_t strides) {
  return dnnl_memory_desc_create_with_strides(d, rank, dims, type, strides);
}
static void vt_desc_free(vt_desc d) {
  if (d) dnnl_memory_desc_destroy(d);
}
#else
typedef dnnl_memory_desc_t vt_desc;
typedef const dnnl_memory_desc_t *vt_const_desc;
#define VT_DESC_REF(d) (&(d))
static dnnl_status_t vt_desc_make(vt_desc *d, int rank, const dnnl_dims_t dims,
                                         dnnl_data_type_t type, const dnnl_dims_t strides) {
  return dnnl_memory_desc_init_by_strides(d, rank, dims, type, strides);
}
static void vt_desc_free(vt_desc d) { (void)d; }
#endif

void vt_matmul_destroy(vt_matmul *x) {
  if (!x) return;
  for (int i = 0; x->handles && i < x->workers; i++) {
    vt_matmul_handles *h = &x->handles[i];
    if (h->a) dnnl_memory_destroy(h->a);
    if (h->b) dnnl_memory_destroy(h->b);
    if (h->c) dnnl_memory_destroy(h->c);
    if (h->bias) dnnl_memory_destroy(h->bias);
    if (h->scratch) dnnl_memory_destroy(h->scratch);
    if (h->stream) dnnl_stream_destroy(h->stream);
  }
  free(x->handles);
  if (x->primitive) dnnl_primitive_destroy(x->primitive);
  if (x->engine) dnnl_engine_destroy(x->engine);
  free(x);
}

vt_matmul *vt_matmul_create(vt_matmul_shape s, int workers) {
  vt_dnnl_single_threaded();
  vt_matmul *x = (vt_matmul *)calloc(1, sizeof *x);
  if (!x) return NULL;
  dnnl_data_type_t input = s.bf16_inputs ? dnnl_bf16 : dnnl_f32;
  dnnl_data_type_t output = s.bf16_output ? dnnl_bf16 : dnnl_f32;
  dnnl_dims_t a_dims = {s.m, s.k}, b_dims = {s.k, s.n}, c_dims = {s.m, s.n}, bias_dims = {1, s.n};
  dnnl_dims_t a_strides = {s.a_row, s.a_column}, b_strides = {s.b_row, s.b_column};
  dnnl_dims_t c_strides = {s.c_row, 1}, bias_strides = {s.n, 1};
  vt_desc a = {0}, b = {0}, c = {0}, bias = {0};
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t after = NULL;
  dnnl_primitive_desc_t description = NULL;
  int ok = dnnl_engine_create(&x->engine, dnnl_cpu, 0) == dnnl_success &&
           vt_desc_make(&a, 2, a_dims, input, a_strides) == dnnl_success &&
           vt_desc_make(&b, 2, b_dims, input, b_strides) == dnnl_success &&
           vt_desc_make(&c, 2, c_dims, output, c_strides) == dnnl_success &&
           vt_desc_make(&bias, 2, bias_dims, dnnl_f32, bias_strides) == dnnl_success &&
           dnnl_primitive_attr_create(&attributes) == dnnl_success &&
           dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) ==
               dnnl_success &&
           dnnl_post_ops_create(&after) == dnnl_success;
#if DNNL_VERSION_MAJOR >= 3
  if (ok && s.add) ok = dnnl_post_ops_append_sum(after, 1, 0, output) == dnnl_success;
  if (ok && s.relu) ok = dnnl_post_ops_append_eltwise(after, dnnl_eltwise_relu, 0, 0) == dnnl_success;
  ok = ok && dnnl_primitive_attr_set_post_ops(attributes, after) == dnnl_success &&
       dnnl_matmul_primitive_desc_create(&description, x->engine, a, b, s.bias ? bias : NULL, c,
                                         attributes) == dnnl_success;
#else
  dnnl_matmul_desc_t operation;
  if (ok && s.add) ok = dnnl_post_ops_append_sum(after, 1) == dnnl_success;
  if (ok && s.relu)
    ok = dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0) == dnnl_success;
  ok = ok && dnnl_primitive_attr_set_post_ops(attributes, after) == dnnl_success &&
       dnnl_matmul_desc_init(&operation, &a, &b, s.bias ? &bias : NULL, &c) == dnnl_success &&
       dnnl_primitive_desc_create(&description, &operation, attributes, x->engine, NULL) ==
           dnnl_success;
#endif
  ok = ok && dnnl_primitive_create(&x->primitive, description) == dnnl_success;
  if (ok) {
    vt_const_desc scratch =
        dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    x->scratch_size = dnnl_memory_desc_get_size(scratch);
    x->handles = (vt_matmul_handles *)calloc((size_t)workers, sizeof *x->handles);
    x->workers = workers;
    ok = x->handles != NULL;
    for (int i = 0; ok && i < workers; i++) {
      vt_matmul_handles *h = &x->handles[i];
      ok = dnnl_memory_create(&h->a, VT_DESC_REF(a), x->engine, DNNL_MEMORY_NONE) ==
               dnnl_success &&
           dnnl_memory_create(&h->b, VT_DESC_REF(b), x->engine, DNNL_MEMORY_NONE) ==
               dnnl_success &&
           dnnl_memory_create(&h->c, VT_DESC_REF(c), x->engine, DNNL_MEMORY_NONE) ==
               dnnl_success &&
           dnnl_memory_create(&h->bias, VT_DESC_REF(bias), x->engine, DNNL_MEMORY_NONE) ==
               dnnl_success &&
           dnnl_memory_create(&h->scratch, scratch, x->engine, DNNL_MEMORY_NONE) ==
               dnnl_success &&
           dnnl_stream_create(&h->stream, x->engine, dnnl_stream_default_flags) == dnnl_success;
    }
  }
  if (description) dnnl_primitive_desc_destroy(description);
  if (after) dnnl_post_ops_destroy(after);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  vt_desc_free(a);
  vt_desc_free(b);
  vt_desc_free(c);
  vt_desc_free(bias);
  if (!ok) {
    vt_matmul_destroy(x);
    return NULL;
  }
  return x;
}

size_t vt_matmul_scratch_size(const vt_matmul *x) { return x->scratch_size; }

int vt_matmul_run(vt_matmul *x, int worker, const void *a, const void *b, void *c, const void *bias,
                  void *scratch) {
  vt_dnnl_single_threaded();
  vt_matmul_handles *h = &x->handles[worker];
  dnnl_memory_set_data_handle(h->a, (void *)a);
  dnnl_memory_set_data_handle(h->b, (void *)b);
  dnnl_memory_set_data_handle(h->c, c);
  dnnl_memory_set_data_handle(h->scratch, scratch);
  if (bias) dnnl_memory_set_data_handle(h->bias, (void *)bias);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, h->a},
                                 {DNNL_ARG_WEIGHTS, h->b},
                                 {DNNL_ARG_DST, h->c},
                                 {DNNL_ARG_SCRATCHPAD, h->scratch},
                                 {DNNL_ARG_BIAS, h->bias}};
  return dnnl_primitive_execute(x->primitive, h->stream, bias ? 5 : 4, arguments) == dnnl_success;
}
