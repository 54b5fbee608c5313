#include "sparse_work.h"

VT_CLONES void vt_fade(float *restrict sum, const float *restrict added, float keeping,
                       size_t count) {
#pragma clang fp contract(fast)
  for (size_t i = 0; i < count; i++) sum[i] = sum[i] * keeping + added[i];
}

/// to ← from/‖from‖, of its positive part for `nonnegative`. 0 where that is zero.
VT_INLINE int normalise(float *to, const float *from, size_t width, int nonnegative) {
#pragma clang fp reassociate(on) contract(fast)
  double square = 0;
  for (size_t p = 0; p < width; p++) {
    double value = nonnegative && from[p] < 0 ? 0 : (double)from[p];
    square += value * value;
  }
  if (!(square > 0)) return 0;
  double scale = 1 / sqrt(square);
  for (size_t p = 0; p < width; p++)
    to[p] = (float)((nonnegative && from[p] < 0 ? 0 : (double)from[p]) * scale);
  return 1;
}

VT_CLONES int vt_unit_atom(float *to, const float *from, size_t width, int nonnegative) {
  return normalise(to, from, width, nonnegative);
}

VT_CLONES void vt_update_atom(float *restrict atom, const float *atoms, size_t stride,
                              const float *restrict a, const float *restrict b, size_t own,
                              size_t count, size_t width, int nonnegative,
                              float *restrict v) {
#pragma clang fp contract(fast)
  // v = b − Σ_{i≠j} A_ji d_i, whose direction is the minimum over the sphere.
  for (size_t p = 0; p < width; p++) v[p] = b[p];
  for (size_t i = 0; i < count; i++) {
    if (i == own || a[i] == 0) continue;
    const float *restrict other = atoms + i * stride;
    float f = a[i];
    for (size_t p = 0; p < width; p++) v[p] -= f * other[p];
  }
  normalise(atom, v, width, nonnegative);
}

VT_CLONES double vt_largest_correlation(const vt_dictionary *D, const float *x, int nonnegative) {
#pragma clang fp contract(fast)
  double largest = 0;
  for (size_t j = 0; j < D->padded_atoms; j += 64) {
    double c[64] = {0};
    for (size_t p = 0; p < D->width; p++) {
      const float *restrict column = D->columns + p * D->padded_atoms + j;
      for (int l = 0; l < 64; l++) c[l] += (double)x[p] * (double)column[l];
    }
    for (int l = 0; l < 64; l++) largest = fmax(largest, nonnegative ? c[l] : fabs(c[l]));
  }
  return largest;
}

VT_CLONES void vt_sparse_decode(const vt_dictionary *D, const float *codes, size_t rows,
                                float *x) {
#pragma clang fp contract(fast)
  for (size_t r = 0; r < rows; r++) {
    float *restrict to = x + r * D->width;
    for (size_t p = 0; p < D->width; p++) to[p] = 0;
    for (size_t j = 0; j < D->atoms; j++) {
      float a = codes[r * D->atoms + j];
      if (a == 0) continue;
      const float *restrict atom = D->rows + j * D->padded_width;
      for (size_t p = 0; p < D->width; p++) to[p] += a * atom[p];
    }
  }
}
