#pragma once
// Vectors of sixteen for the sparse kernels; the compiler splits them where registers are smaller.
// Not imported by Swift. Values of these types never cross a call that is not inlined.
#include <stddef.h>
#include <stdint.h>

#include "vt_clones.h"

typedef float f32v __attribute__((ext_vector_type(16)));
typedef int32_t i32v __attribute__((ext_vector_type(16)));

enum { VT_LANES = 16 };

#define SPLAT(s) ((f32v)(float)(s))
/// Vector `i` of an aligned array.
#define AT(p, i) (((f32v *)(p))[i])
#define CONST_AT(p, i) (((const f32v *)(p))[i])

/// Far beyond any step of a row scaled to one.
#define VT_FAR 1e30f

#define VT_FOLD(x, combine)                                                                  \
  do {                                                                                       \
    f32v y;                                                                                  \
    y = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7); \
    x = combine;                                                                             \
    y = __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11); \
    x = combine;                                                                             \
    y = __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13); \
    x = combine;                                                                             \
    y = __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14); \
    x = combine;                                                                             \
  } while (0)

VT_INLINE float lane_sum(const f32v *v) {
  f32v x = *v;
  VT_FOLD(x, x + y);
  return x[0];
}

VT_INLINE float lane_min(const f32v *v) {
  f32v x = *v;
  VT_FOLD(x, x < y ? x : y);
  return x[0];
}

/// The first index at which `p` holds `value`.
VT_INLINE int32_t index_of(float value, const float *p, size_t vectors) {
  const i32v lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  i32v first = (i32v)(INT32_MAX);
  for (size_t v = 0; v < vectors; v++) {
    i32v index = lanes + (int32_t)(VT_LANES * v);
    i32v found = CONST_AT(p, v) == SPLAT(value) ? index : (i32v)(INT32_MAX);
    first = first < found ? first : found;
  }
  return __builtin_reduce_min(first);
}
