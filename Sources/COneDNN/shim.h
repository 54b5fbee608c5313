#pragma once
// oneDNN's matrix multiplication behind one face for its C APIs 2.x and 3.x. Nothing of oneDNN's
// own API is used elsewhere.

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Hidden by glibc without _GNU_SOURCE, which this module must not define: the other C modules are
// built without it, and types such as fd_set would differ between them.
#ifndef RTLD_DEFAULT
#define RTLD_DEFAULT ((void *)0)
#endif

/// oneDNN runs in the calling thread only, from now on, in this thread. (Its OpenMP workers would
/// spin beside ours.) Found at run time, since oneDNN may be built on another threading library.
static inline void vt_dnnl_single_threaded(void) {
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(1);
}

/// C[m × n] = A[m × k] · B[k × n] (+ bias[n]) (rectified). Strides are in elements: A[i][j] is at
/// i·a_row + j·a_column, and so on; C's columns are adjacent.
typedef struct {
  int64_t m, n, k;
  int64_t a_row, a_column, b_row, b_column, c_row;
  int bf16_inputs, bf16_output, bias, relu;
} vt_matmul_shape;

typedef struct {
  dnnl_memory_t a, b, c, bias, scratch;
  dnnl_stream_t stream;
} vt_matmul_handles;

typedef struct {
  dnnl_engine_t engine;
  dnnl_primitive_t primitive;
  vt_matmul_handles *handles;  // one set a worker: setting a data pointer is not thread-safe
  int workers;
  size_t scratch_size;
} vt_matmul;

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t vt_desc;
typedef const_dnnl_memory_desc_t vt_const_desc;
#define VT_DESC_REF(d) (d)
static inline dnnl_status_t vt_desc_make(vt_desc *d, int rank, const dnnl_dims_t dims,
                                         dnnl_data_type_t type, const dnnl_dims_t strides) {
  return dnnl_memory_desc_create_with_strides(d, rank, dims, type, strides);
}
static inline void vt_desc_free(vt_desc d) {
  if (d) dnnl_memory_desc_destroy(d);
}
#else
typedef dnnl_memory_desc_t vt_desc;
typedef const dnnl_memory_desc_t *vt_const_desc;
#define VT_DESC_REF(d) (&(d))
static inline dnnl_status_t vt_desc_make(vt_desc *d, int rank, const dnnl_dims_t dims,
                                         dnnl_data_type_t type, const dnnl_dims_t strides) {
  return dnnl_memory_desc_init_by_strides(d, rank, dims, type, strides);
}
static inline void vt_desc_free(vt_desc d) { (void)d; }
#endif

static inline void vt_matmul_destroy(vt_matmul *x) {
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

/// Null where oneDNN has no such multiplication on this processor, or no memory.
static inline vt_matmul *vt_matmul_create(vt_matmul_shape s, int workers) {
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
  if (ok && s.relu) ok = dnnl_post_ops_append_eltwise(after, dnnl_eltwise_relu, 0, 0) == dnnl_success;
  ok = ok && dnnl_primitive_attr_set_post_ops(attributes, after) == dnnl_success &&
       dnnl_matmul_primitive_desc_create(&description, x->engine, a, b, s.bias ? bias : NULL, c,
                                         attributes) == dnnl_success;
#else
  dnnl_matmul_desc_t operation;
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

/// Multiplies on the calling thread. `scratch` holds scratch_size bytes. 0 where oneDNN failed.
static inline int vt_matmul_run(vt_matmul *x, int worker, const void *a, const void *b, void *c,
                                const void *bias, void *scratch) {
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
