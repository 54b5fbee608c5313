#include "vt_softmax.h"

#include <math.h>

#include "vt_inline.h"

// Classes are often fewer than a vector holds, so that a tile of rows is worked on side by side.
enum { TILE = 16 };

VT_INLINE void softmax_tile(float *restrict x, double *restrict loss,
                            const uint32_t *restrict label, size_t rows, size_t classes) {
  float most[TILE], sum[TILE], chosen[TILE];
  for (size_t r = 0; r < rows; r++) most[r] = x[r * classes];
  for (size_t k = 1; k < classes; k++)
    for (size_t r = 0; r < rows; r++) {
      float v = x[r * classes + k];
      most[r] = v > most[r] ? v : most[r];
    }
  if (label)
    for (size_t r = 0; r < rows; r++) chosen[r] = x[r * classes + label[r]] - most[r];
  for (size_t r = 0; r < rows; r++) sum[r] = 0;
  for (size_t k = 0; k < classes; k++)
    for (size_t r = 0; r < rows; r++) {
      float e = exp_f32(x[r * classes + k] - most[r]);
      x[r * classes + k] = e;
      sum[r] += e;
    }
  if (label)
    for (size_t r = 0; r < rows; r++) loss[r] = log((double)sum[r]) - chosen[r];
  for (size_t r = 0; r < rows; r++) {
    float inverse = 1 / sum[r];
    for (size_t k = 0; k < classes; k++) x[r * classes + k] *= inverse;
  }
}

VT_CLONES void vt_softmax(float *restrict x, double *restrict loss,
                          const uint32_t *restrict label, size_t rows, size_t classes) {
  size_t r = 0;
  for (; r + TILE <= rows; r += TILE)
    softmax_tile(x + r * classes, loss ? loss + r : 0, label ? label + r : 0, TILE, classes);
  if (r < rows)
    softmax_tile(x + r * classes, loss ? loss + r : 0, label ? label + r : 0, rows - r, classes);
}

VT_CLONES void vt_softmax_delta(void *restrict delta, int bf16, const float *restrict p,
                                const uint32_t *restrict label, size_t rows, size_t classes,
                                float scale) {
  if (bf16)
    for (size_t i = 0; i < rows * classes; i++) ((vt_bf16 *)delta)[i] = to_bf16(p[i] * scale);
  else
    for (size_t i = 0; i < rows * classes; i++) ((float *)delta)[i] = p[i] * scale;
  for (size_t r = 0; r < rows; r++) {
    size_t i = r * classes + label[r];
    store(delta, bf16, i, (p[i] - 1) * scale);
  }
}
