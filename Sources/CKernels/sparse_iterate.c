#include "sparse_work.h"

VT_INLINE double shrink(double v, double by, int nonnegative) {
  double up = v > by ? v - by : 0, down = !nonnegative && v < -by ? v + by : 0;
  return up + down;
}

VT_INLINE float shrink_single(float v, float by, int nonnegative) {
  float up = v > by ? v - by : 0, down = !nonnegative && v < -by ? v + by : 0;
  return up + down;
}

/// The duality gap from inner products alone: `xx` = ‖x‖², `xa` = ⟨x, aD⟩, `aa` = ‖aD‖²,
/// `norm` = ‖a‖₁, `top` = ‖Dr‖∞.
VT_INLINE double gap_of(double xx, double xa, double aa, double norm, double top, double lambda,
                        int nonnegative) {
  double rr = xx - 2 * xa + aa, rx = xx - xa;
  rr = rr > 0 ? rr : 0;
  double scale = rr > 0 ? rx / rr : 0, most = top > 0 ? lambda / top : INFINITY;
  double least = nonnegative ? 0 : -most;
  scale = scale > most ? most : scale < least ? least : scale;
  return 0.5 * rr + lambda * norm - scale * rx + 0.5 * scale * scale * rr;
}

VT_INLINE void correlate_exactly(const vt_dictionary *D, const float *restrict x,
                                 double *restrict c) {
#pragma clang fp contract(fast)
  for (size_t j = 0; j < D->padded_atoms; j++) c[j] = 0;
  for (size_t p = 0; p < D->width; p++) {
    const float *restrict column = D->columns + p * D->padded_atoms;
    double f = (double)x[p];
    for (size_t j = 0; j < D->padded_atoms; j++) c[j] += f * (double)column[j];
  }
}

/// a ← shrink(a + (c − aG)/L, λ/L), until the gap is a tenth of the tolerance, of the objective
/// where that is the smaller.
VT_INLINE int ista_row(const vt_dictionary *D, const vt_sparse_work *w,
                       const vt_sparse_options *options, double lambda, double lipschitz) {
#pragma clang fp contract(fast) reassociate(on)
  const size_t k = D->atoms;
  double *restrict a = w->atoms_a, *restrict q = w->atoms_b, *restrict c = w->correlation;
  correlate_exactly(D, w->x, c);
  double xx = 0;
  for (size_t p = 0; p < D->width; p++) xx += (double)w->x[p] * (double)w->x[p];
  for (size_t j = 0; j < k; j++) a[j] = 0;
  for (size_t round = 0; round <= options->iterations; round++) {
    for (size_t j = 0; j < k; j++) q[j] = c[j];
    for (size_t i = 0; i < k; i++) {
      if (a[i] == 0) continue;
      const double *restrict gram = D->exact_gram + i * D->padded_atoms;
      double f = a[i];
      for (size_t j = 0; j < k; j++) q[j] -= f * gram[j];
    }
    double xa = 0, aq = 0, norm = 0, top = 0;
    for (size_t j = 0; j < k; j++) {
      double size = options->nonnegative ? q[j] : fabs(q[j]);
      top = size > top ? size : top;
      xa += a[j] * c[j];
      aq += a[j] * q[j];
      norm += fabs(a[j]);
    }
    double gap = gap_of(xx, xa, xa - aq, norm, top, lambda, options->nonnegative);
    double objective = 0.5 * (xx - xa - aq) + lambda * norm;
    double scale = objective < 0.5 * xx ? objective : 0.5 * xx;
    // Below 1e−12 of ‖x‖² the products themselves are no better.
    if (gap <= 0.1 * options->tolerance * scale || gap <= 1e-13 * xx) return 1;
    double step = 1 / lipschitz, by = lambda * step;
    for (size_t j = 0; j < k; j++) a[j] = shrink(a[j] + q[j] * step, by, options->nonnegative);
  }
  return 0;
}

VT_CLONES void vt_ista(const vt_dictionary *D, vt_sparse_work *w, const vt_sparse_options *options,
                       double lipschitz, const float *x, size_t rows, float *codes,
                       uint8_t *status) {
  for (size_t r = 0; r < rows; r++) {
    float *out = codes + r * D->atoms;
    int zero, exponent = scale_row(D, w->x, x + r * D->width, &zero);
    memset(out, 0, D->atoms * sizeof(float));
    status[r] = VT_SPARSE_DONE;
    if (zero) continue;
    int done = ista_row(D, w, options, ldexp(options->lambda, -exponent), lipschitz);
    if (!done) status[r] = VT_SPARSE_LIMIT;
    for (size_t j = 0; j < D->atoms; j++) out[j] = scale_code(w->atoms_a[j], exponent);
  }
}

VT_CLONES int vt_fista_step(const vt_dictionary *D, const vt_sparse_options *options,
                            float lipschitz, const float *restrict c, float *restrict a,
                            float *restrict previous, const float *restrict products,
                            float *restrict previous_products, vt_fista_row *row) {
#pragma clang fp contract(fast) reassociate(on)
  const size_t k = D->atoms;
  const int nonnegative = options->nonnegative;
  double xa = 0, aa = 0, norm = 0;
  float top = 0;
  for (size_t j = 0; j < k; j++) {
    float q = c[j] - products[j], size = nonnegative ? q : fabsf(q);
    top = size > top ? size : top;
    xa += (double)a[j] * (double)c[j];
    aa += (double)a[j] * (double)products[j];
    norm += fabs((double)a[j]);
  }
  row->gap = gap_of(2 * row->energy, xa, aa, norm, (double)top, row->lambda, nonnegative);
  if (row->gap <= options->tolerance * row->energy) return 1;
  double next = 0.5 * (1 + sqrt(1 + 4 * row->momentum * row->momentum));
  float beta = (float)((row->momentum - 1) / next), step = 1 / lipschitz;
  float by = (float)(row->lambda / (double)lipschitz), against = 0;
  for (size_t j = 0; j < k; j++) {
    float y = a[j] + beta * (a[j] - previous[j]);
    float q = c[j] - (products[j] + beta * (products[j] - previous_products[j]));
    float moved = shrink_single(y + q * step, by, nonnegative);
    against += (y - moved) * (moved - a[j]);
    previous[j] = a[j];
    previous_products[j] = products[j];
    a[j] = moved;
  }
  row->momentum = against > 0 ? 1 : next;
  return 0;
}

VT_CLONES int vt_fista_start(const vt_dictionary *D, const vt_sparse_options *options,
                             const float *x, float *scaled, vt_fista_row *row) {
  int zero;
  row->exponent = scale_row(D, scaled, x, &zero);
  double energy = 0;
  for (size_t p = 0; p < D->width; p++) energy += (double)scaled[p] * (double)scaled[p];
  row->energy = 0.5 * energy;
  row->lambda = ldexp(options->lambda, -row->exponent);
  row->momentum = 1;
  row->gap = INFINITY;
  return !zero;
}

VT_CLONES void vt_fista_end(const vt_dictionary *D, const vt_fista_row *row, const float *a,
                            float *codes) {
  for (size_t j = 0; j < D->atoms; j++) codes[j] = scale_code((double)a[j], row->exponent);
}

/// One pass over the atoms in `index`: each code goes to its own minimum. Returns the largest move.
VT_INLINE float sweep(const vt_dictionary *D, const vt_sparse_work *w, float *restrict a,
                      const int32_t *index, size_t n, float lambda, int nonnegative) {
#pragma clang fp contract(fast)
  float *restrict q = w->c, largest = 0;
  for (size_t i = 0; i < n; i++) {
    size_t j = index ? (size_t)index[i] : i;
    const float *restrict gram = D->gram + j * D->padded_atoms;
    float own = gram[j];
    if (!(own > 0)) continue;
    float moved = shrink_single(q[j] + own * a[j], lambda, nonnegative) / own, by = moved - a[j];
    if (by == 0) continue;
    a[j] = moved;
    for (size_t l = 0; l < D->padded_atoms; l++) q[l] -= by * gram[l];
    largest = fmaxf(largest, fabsf(by));
  }
  return largest;
}

/// Passes over all atoms, each followed by passes over those in use until they hardly move; ends
/// when a pass over all changes no sign and the codes stand to a thousandth.
VT_INLINE int descend(const vt_dictionary *D, const vt_sparse_work *w,
                      const vt_sparse_options *options, float lambda) {
  float *a = w->u;
  for (size_t j = 0; j < D->padded_atoms; j++) a[j] = 0;
  size_t passes = 0;
  while (passes < options->iterations) {
    size_t n = 0, changed = 0;
    for (size_t j = 0; j < D->atoms; j++) w->step[j] = a[j];
    float moved = sweep(D, w, a, NULL, D->atoms, lambda, options->nonnegative), largest = 0;
    passes++;
    for (size_t j = 0; j < D->atoms; j++) {
      w->found[n] = (int32_t)j;
      n += a[j] != 0;
      changed += (a[j] > 0) != (w->step[j] > 0) || (a[j] < 0) != (w->step[j] < 0);
      largest = fmaxf(largest, fabsf(a[j]));
    }
    if (changed == 0 && moved <= 1e-3f * largest) return 1;
    for (int pass = 0; pass < 20 && passes < options->iterations; pass++, passes++)
      if (sweep(D, w, a, w->found, n, lambda, options->nonnegative) <= 3e-4f * largest) break;
  }
  return 0;
}

VT_CLONES void vt_coordinate_descent(const vt_dictionary *D, vt_sparse_work *w,
                                     const vt_sparse_options *options, const float *x, size_t rows,
                                     float *codes, uint8_t *status) {
#pragma clang fp contract(fast)
  for (size_t r = 0; r < rows; r++) {
    float *out = codes + r * D->atoms;
    int zero, exponent = scale_row(D, w->x, x + r * D->width, &zero);
    memset(out, 0, D->atoms * sizeof(float));
    status[r] = VT_SPARSE_DONE;
    if (zero) continue;
    float *restrict q = w->c;
    for (size_t j = 0; j < D->padded_atoms; j++) q[j] = 0;
    for (size_t p = 0; p < D->width; p++) {
      const float *restrict column = D->columns + p * D->padded_atoms;
      float f = w->x[p];
      for (size_t j = 0; j < D->padded_atoms; j++) q[j] += f * column[j];
    }
    int done = descend(D, w, options, (float)ldexp(options->lambda, -exponent));
    // Settled signs: the exact solve is vt_finish's.
    status[r] = done ? VT_SPARSE_UNSETTLED : VT_SPARSE_LIMIT;
    for (size_t j = 0; j < D->atoms; j++) out[j] = scale_code((double)w->u[j], exponent);
  }
}

VT_CLONES void vt_threshold(const vt_dictionary *D, vt_sparse_work *w,
                            const vt_sparse_options *options, const float *x, size_t rows,
                            float *codes, uint8_t *status) {
  for (size_t r = 0; r < rows; r++) {
    float *out = codes + r * D->atoms;
    int zero, exponent = scale_row(D, w->x, x + r * D->width, &zero);
    correlate_exactly(D, w->x, w->correlation);
    double lambda = ldexp(options->lambda, -exponent);
    for (size_t j = 0; j < D->atoms; j++)
      out[j] = scale_code(shrink(w->correlation[j], lambda, options->nonnegative), exponent);
    status[r] = VT_SPARSE_DONE;
  }
}
