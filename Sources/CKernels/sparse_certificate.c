#include "sparse_work.h"

/// Rows `first`..<`last` of the Gram matrix, summed in double precision.
VT_CLONES void vt_gram(const vt_dictionary *D, float *gram, double *exact_gram, size_t first,
                       size_t last) {
#pragma clang fp contract(fast)
  for (size_t i = first; i < last; i++) {
    double *restrict row = exact_gram + i * D->padded_atoms;
    for (size_t j = 0; j < D->padded_atoms; j++) row[j] = 0;
    for (size_t p = 0; p < D->width; p++) {
      const float *restrict column = D->columns + p * D->padded_atoms;
      double f = (double)D->rows[i * D->padded_width + p];
      for (size_t j = 0; j < D->padded_atoms; j++) row[j] += f * (double)column[j];
    }
    float *restrict single = gram + i * D->padded_atoms;
    for (size_t j = 0; j < D->padded_atoms; j++) single[j] = (float)row[j];
  }
}

enum { TILE_ROWS = 4, TILE_ATOMS = 32 };

/// The largest |⟨r, d_j⟩| (or ⟨r, d_j⟩) of each of four residuals, which lie `padded_width` apart.
VT_INLINE void largest_correlations(const vt_dictionary *D, const double *restrict r,
                                    int nonnegative, double *restrict largest) {
#pragma clang fp contract(fast)
  for (int t = 0; t < TILE_ROWS; t++) largest[t] = 0;
  for (size_t j = 0; j < D->padded_atoms; j += TILE_ATOMS) {
    double c[TILE_ROWS][TILE_ATOMS] = {{0}};
    for (size_t p = 0; p < D->width; p++) {
      const float *restrict column = D->columns + p * D->padded_atoms + j;
      for (int t = 0; t < TILE_ROWS; t++) {
        double f = r[(size_t)t * D->padded_width + p];
        for (int l = 0; l < TILE_ATOMS; l++) c[t][l] += f * (double)column[l];
      }
    }
    for (int t = 0; t < TILE_ROWS; t++) {
      for (int l = 0; l < TILE_ATOMS; l++) {
        double size = nonnegative ? c[t][l] : fabs(c[t][l]);
        largest[t] = size > largest[t] ? size : largest[t];
      }
    }
  }
}

VT_INLINE double dot(const double *restrict a, const double *restrict b, size_t n) {
#pragma clang fp contract(fast) reassociate(on)
  double sum = 0;
  for (size_t p = 0; p < n; p++) sum += a[p] * b[p];
  return sum;
}

VT_INLINE vt_certificate certificate(const double *restrict x, const double *restrict r, size_t d,
                                     double norm, double c, size_t atoms,
                                     const vt_sparse_options *options) {
#pragma clang fp contract(fast) reassociate(on)
  const double lambda = options->lambda;
  double xx = dot(x, x, d), rx = dot(r, x, d), rr = dot(r, r, d);
  double scale = rr > 0 ? rx / rr : 0;
  double most = c > 0 ? lambda / c : INFINITY, least = options->nonnegative ? 0 : -most;
  scale = scale > most ? most : scale < least ? least : scale;
  double far = 0;
  for (size_t p = 0; p < d; p++) {
    double rest = x[p] - scale * r[p];
    far += rest * rest;
  }
  vt_certificate of = {.energy = 0.5 * xx, .error = 0.5 * rr};
  of.objective = of.error + lambda * norm;
  of.gap = of.objective - of.energy + 0.5 * far;
  // At λ = 0 only Dr = 0 is feasible, and rounding never leaves it there. A Dr that is nothing
  // beside x counts for what it can lower the error by where atoms are not near dependence.
  double left = 0.5 * (double)atoms * c * c;
  if (lambda == 0 && left < of.gap && left <= 1e-9 * of.energy) of.gap = left;
  return of;
}

VT_CLONES void vt_certify(const vt_dictionary *D, vt_sparse_work *w,
                          const vt_sparse_options *options, const float *x, const float *codes,
                          size_t rows, vt_certificate *certificates, double *sums) {
#pragma clang fp contract(fast)
  const size_t d = D->padded_width;
  for (size_t first = 0; first < rows; first += TILE_ROWS) {
    double norm[TILE_ROWS] = {0}, largest[TILE_ROWS];
    size_t nonzeros[TILE_ROWS] = {0};
    for (size_t t = 0; t < TILE_ROWS; t++) {
      double *restrict own = w->tile + t * d, *restrict r = w->tile_residual + t * d;
      if (first + t >= rows) {
        for (size_t p = 0; p < d; p++) r[p] = 0;
        continue;
      }
      const float *row = x + (first + t) * D->width, *code = codes + (first + t) * D->atoms;
      for (size_t p = 0; p < d; p++) own[p] = r[p] = p < D->width ? (double)row[p] : 0;
      size_t n = 0;
      for (size_t j = 0; j < D->atoms; j++) {
        w->found[n] = (int32_t)j;
        n += code[j] != 0;
      }
      for (size_t i = 0; i < n; i++) {
        double a = (double)code[w->found[i]];
        const float *restrict atom = D->rows + (size_t)w->found[i] * d;
        norm[t] += fabs(a);
        for (size_t p = 0; p < d; p++) r[p] -= a * (double)atom[p];
      }
      nonzeros[t] = n;
      if (sums)
        for (size_t p = 0; p < D->width; p++) sums[p] += own[p];
    }
    largest_correlations(D, w->tile_residual, options->nonnegative, largest);
    for (size_t t = 0; t < TILE_ROWS && first + t < rows; t++) {
      certificates[first + t] = certificate(w->tile + t * d, w->tile_residual + t * d, d, norm[t],
                                            largest[t], D->atoms, options);
      certificates[first + t].nonzeros = nonzeros[t];
    }
  }
}

VT_CLONES void vt_count_uses(const float *restrict codes, size_t rows, size_t atoms,
                             uint64_t *restrict uses) {
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < atoms; j++) uses[j] += codes[r * atoms + j] != 0;
}
