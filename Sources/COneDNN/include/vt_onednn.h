#pragma once
// Matrix multiplication by oneDNN, whose own API is used nowhere else. It is loaded at its first use,
// so that only tools that multiply load it (and the OpenMP and OpenCL that it is linked with).

#include <stddef.h>
#include <stdint.h>

/// Loads oneDNN where that was not done yet. NULL, or why it cannot be used. Comes before all else.
const char *vt_dnnl_load(void);

/// C[m × n] = A[m × k] · B[k × n] (+ C where `add`) (+ bias[n]) (rectified). Strides are in
/// elements: A[i][j] is at i·a_row + j·a_column, and so on; C's columns are adjacent.
typedef struct {
  int64_t m, n, k;
  int64_t a_row, a_column, b_row, b_column, c_row;
  int bf16_inputs, bf16_output, add, bias, relu;
} vt_matmul_shape;

typedef struct vt_matmul vt_matmul;

/// Bytes that must be free for oneDNN to make a multiplication. It writes code where it was given no
/// memory.
#define VT_DNNL_ROOM (16 << 20)

/// Whether they are.
int vt_dnnl_has_room(void);

/// A multiplication that as many workers may run at once. Null where oneDNN has no such one on this
/// processor, or no memory.
vt_matmul *vt_matmul_create(vt_matmul_shape shape, int workers);

void vt_matmul_destroy(vt_matmul *x);

/// Bytes of scratch memory that a run needs.
size_t vt_matmul_scratch_size(const vt_matmul *x);

/// Multiplies on the calling thread. `scratch` holds vt_matmul_scratch_size bytes. 0 where oneDNN
/// failed.
int vt_matmul_run(vt_matmul *x, int worker, const void *a, const void *b, void *c, const void *bias,
                  void *scratch);
