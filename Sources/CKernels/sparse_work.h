#pragma once
// What the sparse kernels share. Not imported by Swift.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vt_clones.h"
#include "vt_sparse.h"

struct vt_sparse_work {
  size_t most;      // atoms of a support that can be independent
  size_t capacity;  // room for them and one more, a multiple of 16
  float *x;         // the row, scaled: padded_width
  float *c, *u, *blocked, *step;                  // padded_atoms
  float *inverse;                                 // capacity × capacity
  float *a, *direction, *sign, *v, *b;            // capacity
  int32_t *index;                                 // capacity
  double *factor;                                 // capacity × capacity
  double *exact, *exact_sign, *change, *gradient; // capacity
  double *residual;                               // padded_width
  double *correlation, *atoms_a, *atoms_b;        // padded_atoms
  double *tile, *tile_residual;                   // 4 × padded_width
  int32_t *found;                                 // padded_atoms + 1
  void *memory;
};

/// Brings the row's largest entry into [½, 1) by a power of two, so that no sum of squares over-
/// or underflows. Returns the exponent taken off; `*zero` for a row of zeros.
VT_INLINE int scale_row(const vt_dictionary *D, float *to, const float *x, int *zero) {
  uint32_t largest = 0;
  for (size_t i = 0; i < D->width; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    bits &= 0x7FFFFFFFu;
    largest = bits > largest ? bits : largest;
  }
  *zero = largest == 0;
  float top;
  memcpy(&top, &largest, 4);
  int exponent = 0;
  frexpf(top, &exponent);
  if (largest == 0 || largest >= 0x7F800000u) exponent = 0;
  if (exponent > -100 && exponent < 100) {
    float factor = ldexpf(1, -exponent);
    for (size_t i = 0; i < D->width; i++) to[i] = x[i] * factor;
  } else {
    for (size_t i = 0; i < D->width; i++) to[i] = ldexpf(x[i], -exponent);
  }
  return exponent;
}

/// A code back in the row's own units; the largest float where it would overflow.
VT_INLINE float scale_code(double a, int exponent) {
  double value = ldexp(a, exponent);
  const double most = 3.4028234663852886e38;
  return (float)(value > most ? most : value < -most ? -most : value);
}

/// r = x − Σ a_i d_i over the support.
VT_INLINE void residual_of(const vt_dictionary *D, double *restrict r, const float *restrict x,
                           const double *restrict a, const int32_t *index, size_t n) {
#pragma clang fp contract(fast)
  for (size_t p = 0; p < D->padded_width; p++) r[p] = p < D->width ? (double)x[p] : 0;
  for (size_t i = 0; i < n; i++) {
    const float *restrict row = D->rows + (size_t)index[i] * D->padded_width;
    double f = a[i];
    for (size_t p = 0; p < D->padded_width; p++) r[p] -= f * (double)row[p];
  }
}

VT_INLINE double dot_residual(const vt_dictionary *D, const double *restrict r, size_t atom) {
#pragma clang fp contract(fast) reassociate(on)
  const float *restrict row = D->rows + atom * D->padded_width;
  double sum = 0;
  for (size_t p = 0; p < D->padded_width; p++) sum += r[p] * (double)row[p];
  return sum;
}
