#pragma once
// Matrix products from operands that lie as the vector unit reads them: f32 with AVX-512, and bf16
// with the instructions that multiply neighbouring pairs of elements and add both to a float: of
// vectors (AVX512-BF16 VDPBF16PS) or of tiles (AMX TDPBF16PS; Intel, "BFLOAT16 – Hardware Numerics
// Definition", 2018). Nothing here may be called where vt_best_products(bf16) is vt_no_products.
//
// The summed dimension runs in words of 32 bits: one float, or the pair of terms 2w and 2w + 1.
#include <stddef.h>
#include <stdint.h>

#include "vt_convert.h"

/// Words that one vector holds: packed widths are multiples of it.
enum { VT_LANES = 16 };

/// C[m × n] = A[m × k] · B[k × n] (+ bias[n]) (+ C where `add`, f32) (rectified).
typedef struct {
  size_t m, n, k;
  /// Bytes: word w of A's row i is at i·a_row + w·a_word.
  size_t a_row, a_word;
  /// Bytes: word w of B's columns 16·v … 16·v + 15 is at w·b_word + v·b_vector. May be read up to
  /// the end of the vector.
  size_t b_word, b_vector;
  /// Elements from one row of C to the next.
  size_t c_row;
  /// Words of B to pass over, since they are 0, as vt_pair_rows marks them; null for none. Where
  /// A's words are adjacent, those that are 0 in eight rows of A are passed over instead.
  const uint16_t *b_used;
  int bf16, bf16_output, relu, add;
  /// Whether bf16 is multiplied by tiles; no words are passed over then.
  int tiles;
} vt_product_shape;

/// Elements of `scratch` that such a product needs.
size_t vt_product_scratch(const vt_product_shape *shape);

/// Multiplies. The order of each sum is that of k. `bias` may be null.
void vt_product(const vt_product_shape *shape, void *c, const void *a, const void *b,
                const float *bias, uint32_t *scratch);

/// Rows [first, first + count) of W[rows × columns], for y = x·Wᵀ: k = columns, n = rows,
/// b_word = 64, b_vector = 64 · words of k. `first` is a multiple of 16.
void vt_pack_transposed(void *out, int bf16, const float *w, size_t rows, size_t columns,
                        size_t first, size_t count);

/// Rows [first, first + count) of W[rows × columns], for dx = dy·W: k = rows, n = columns,
/// b_word = 64, b_vector = 64 · words of k. `first` is a multiple of 2.
void vt_pack_plain(void *out, int bf16, const float *w, size_t rows, size_t columns, size_t first,
                   size_t count);

/// Rows [first, first + count) of x[rows × width] side by side: word row p holds, for each column,
/// rows 2p and 2p + 1; 0 stands for a last row that is missing. `first` is a multiple of 32.
///
/// Bit b of used[v · ⌈rows / 32⌉ + g] says whether word row 16·g + b has a value other than 0 in
/// columns 16·v … 16·v + 15; `used` may be null.
void vt_pair_rows(vt_bf16 *out, uint16_t *used, const vt_bf16 *x, size_t rows, size_t width,
                  size_t first, size_t count);
