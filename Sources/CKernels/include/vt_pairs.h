#pragma once
// Products of bf16 matrices by the instruction that multiplies neighbouring pairs of elements and
// adds both to a float (AVX512-BF16 VDPBF16PS; Intel, "BFLOAT16 – Hardware Numerics Definition",
// 2018). Nothing here may be called where vt_has_pairs() is 0.
//
// The summed dimension runs in pairs: element p of a "pair row" is two bf16 values, the terms 2p
// and 2p + 1.
#include <stddef.h>
#include <stdint.h>

#include "vt_convert.h"

/// Values that one vector holds: packed widths are multiples of it.
enum { VT_PAIR_WIDTH = 16 };

/// C[m × n] = A[m × k] · B[k × n] (+ bias[n]) (rectified). Strides are in elements.
typedef struct {
  size_t m, n, k;
  /// Pair p of A's row i is at i·a_row + p·a_pair.
  size_t a_row, a_pair;
  /// Pair p of B's columns 16·v … 16·v + 15 is at p·b_pair + v·b_vector. May be read up to the end
  /// of the vector.
  size_t b_pair, b_vector;
  size_t c_row;
  /// Which terms are passed over: where null, pairs that are 0 in eight rows of A, whose pairs are
  /// adjacent; else those not marked for any of three vectors of B, as by vt_pair_rows.
  const uint16_t *b_used;
  int bf16_output, relu;
} vt_pair_shape;

/// Elements of `scratch` that such a product needs.
size_t vt_pair_scratch(const vt_pair_shape *shape);

/// Multiplies. The order of each sum is that of k. `bias` may be null.
void vt_pair_multiply(const vt_pair_shape *shape, void *c, const vt_bf16 *a, const vt_bf16 *b,
                      const float *bias, uint32_t *scratch);

/// Rows [first, first + count) of W[rows × columns], for y = x·Wᵀ: k = columns, n = rows,
/// b_pair = 32, b_vector = 32·⌈columns / 2⌉. `first` is a multiple of 16.
void vt_pack_transposed(vt_bf16 *out, const float *w, size_t rows, size_t columns, size_t first,
                        size_t count);

/// Rows [first, first + count) of W[rows × columns], for dx = dy·W: k = rows, n = columns,
/// b_pair = 32, b_vector = 32·⌈rows / 2⌉. `first` is a multiple of 2.
void vt_pack_plain(vt_bf16 *out, const float *w, size_t rows, size_t columns, size_t first,
                   size_t count);

/// Rows [first, first + count) of x[rows × width] side by side: pair row p holds, for each column,
/// rows 2p and 2p + 1; 0 stands for a last row that is missing. `first` is a multiple of 32.
///
/// Bit b of used[v · ⌈rows / 32⌉ + g] says whether pair row 16·g + b has a value other than 0 in
/// columns 16·v … 16·v + 15.
void vt_pair_rows(vt_bf16 *out, uint16_t *used, const vt_bf16 *x, size_t rows, size_t width,
                  size_t first, size_t count);
