#include "sparse_work.h"

/// Adds slot `n` for atom `j` to the factor and to y = R⁻ᵀ(c_A). 0 for an atom in the span.
VT_INLINE int extend(const vt_dictionary *D, const vt_sparse_work *w, size_t n, size_t j,
                     const double *c) {
#pragma clang fp contract(fast)
  const size_t ld = w->capacity;
  double *column = w->change, *R = w->factor, *y = w->gradient;
  const double *gram = D->exact_gram + j * D->padded_atoms;
  double square = gram[j], value = c[j];
  for (size_t i = 0; i < n; i++) column[i] = gram[w->index[i]];
  for (size_t i = 0; i < n; i++) {
    const double *restrict row = R + i * ld;
    double f = column[i] /= row[i];
    for (size_t l = i + 1; l < n; l++) column[l] -= f * row[l];
    square -= f * f;
    value -= f * y[i];
  }
  if (!(square > 1e-11 * gram[j])) return 0;
  double root = sqrt(square);
  for (size_t i = 0; i < n; i++) R[i * ld + n] = column[i];
  R[n * ld + n] = root;
  y[n] = value / root;
  w->index[n] = (int32_t)j;
  return 1;
}

/// Batch-OMP (Rubinstein et al. 2008): the atom that fits the residual best joins, all codes are
/// fitted anew, and the residual's correlations come from the Gram matrix.
VT_INLINE size_t pursue(const vt_dictionary *D, const vt_sparse_work *w, size_t most) {
#pragma clang fp contract(fast) reassociate(on)
  const size_t ld = w->capacity;
  double *restrict q = w->atoms_a, *restrict c = w->correlation, *restrict a = w->exact;
  for (size_t j = 0; j < D->padded_atoms; j++) c[j] = 0;
  for (size_t p = 0; p < D->width; p++) {
    const float *restrict column = D->columns + p * D->padded_atoms;
    double f = (double)w->x[p];
    for (size_t j = 0; j < D->padded_atoms; j++) c[j] += f * (double)column[j];
  }
  double first = 0;
  size_t n = 0;
  for (size_t j = 0; j < D->padded_atoms; j++) q[j] = c[j];
  while (n < most && n < ld) {
    double best = 0;
    size_t atom = 0;
    for (size_t j = 0; j < D->atoms; j++) {
      double own = D->exact_gram[j * (D->padded_atoms + 1)];
      double fit = own > 0 ? q[j] * q[j] / own : 0;
      if (fit > best) {
        best = fit;
        atom = j;
      }
    }
    first = n == 0 ? best : first;
    // Nothing is left but rounding.
    if (!(best > 1e-24 * first) || !extend(D, w, n, atom, c)) break;
    n++;
    for (size_t i = n; i-- > 0;) {
      const double *restrict row = w->factor + i * ld;
      double sum = 0;
      for (size_t l = i + 1; l < n; l++) sum += row[l] * a[l];
      a[i] = (w->gradient[i] - sum) / row[i];
    }
    for (size_t j = 0; j < D->padded_atoms; j++) q[j] = c[j];
    for (size_t i = 0; i < n; i++) {
      const double *restrict gram = D->exact_gram + (size_t)w->index[i] * D->padded_atoms;
      double f = a[i];
      for (size_t j = 0; j < D->padded_atoms; j++) q[j] -= f * gram[j];
    }
    for (size_t i = 0; i < n; i++) q[w->index[i]] = 0;
  }
  return n;
}

VT_CLONES void vt_matching_pursuit(const vt_dictionary *D, vt_sparse_work *w,
                                   const vt_sparse_options *options, const float *x, size_t rows,
                                   float *codes, uint8_t *status) {
  for (size_t r = 0; r < rows; r++) {
    float *out = codes + r * D->atoms;
    int zero, exponent = scale_row(D, w->x, x + r * D->width, &zero);
    memset(out, 0, D->atoms * sizeof(float));
    status[r] = VT_SPARSE_DONE;
    if (zero) continue;
    size_t n = pursue(D, w, (size_t)options->sparsity);
    for (size_t i = 0; i < n; i++) out[w->index[i]] = scale_code(w->exact[i], exponent);
  }
}
