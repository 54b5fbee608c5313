#include "vt_inline.h"
#include "vt_train.h"

VT_CLONES void vt_relu_backward(void *restrict out, const float *restrict x,
                                const void *restrict activation, int bf16, size_t n) {
  if (bf16) {
    vt_bf16 *to = out;
    const vt_bf16 *h = activation;
    // A rectified bf16 is positive where its bits, read as a whole number, are.
    for (size_t i = 0; i < n; i++) to[i] = (int16_t)h[i] > 0 ? to_bf16(x[i]) : 0;
  } else {
    float *to = out;
    const float *h = activation;
    for (size_t i = 0; i < n; i++) to[i] = h[i] > 0 ? x[i] : 0;
  }
}

VT_CLONES void vt_column_sums(float *restrict out, const void *restrict x, int bf16, size_t rows,
                              size_t columns, size_t stride) {
  for (size_t c = 0; c < columns; c++) out[c] = 0;
  for (size_t r = 0; r < rows; r++) {
    if (bf16) {
      const vt_bf16 *row = (const vt_bf16 *)x + r * stride;
      for (size_t c = 0; c < columns; c++) out[c] += from_bf16(row[c]);
    } else {
      const float *row = (const float *)x + r * stride;
      for (size_t c = 0; c < columns; c++) out[c] += row[c];
    }
  }
}
