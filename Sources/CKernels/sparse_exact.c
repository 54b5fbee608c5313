#include <float.h>

#include "sparse_work.h"

// The active set in double precision: w->index, w->exact (codes), w->exact_sign, by slot. The
// factor is upper triangular, RᵀR = G_AA, rows `capacity` apart.

/// Factorises. Returns n, or the first slot whose atom lies in the span of those before it.
VT_INLINE size_t factorise(const vt_dictionary *D, const vt_sparse_work *w, size_t n) {
#pragma clang fp contract(fast)
  const size_t ld = w->capacity;
  double *R = w->factor;
  for (size_t i = 0; i < n; i++) {
    const double *gram = D->exact_gram + (size_t)w->index[i] * D->padded_atoms;
    for (size_t j = i; j < n; j++) R[i * ld + j] = gram[w->index[j]];
  }
  for (size_t i = 0; i < n; i++) {
    double *restrict row = R + i * ld, own = D->exact_gram[(size_t)w->index[i] *
                                                           (D->padded_atoms + 1)];
    if (!(row[i] > 1e-11 * own)) return i;
    double scale = 1 / sqrt(row[i]);
    for (size_t j = i; j < n; j++) row[j] *= scale;
    for (size_t r = i + 1; r < n; r++) {
      double *restrict below = R + r * ld, f = row[r];
      for (size_t j = r; j < n; j++) below[j] -= f * row[j];
    }
  }
  return n;
}

/// Solves Rᵀy = y in place.
VT_INLINE void forward(const vt_sparse_work *w, double *restrict y, size_t n) {
#pragma clang fp contract(fast)
  for (size_t i = 0; i < n; i++) {
    const double *restrict row = w->factor + i * w->capacity;
    double f = y[i] /= row[i];
    for (size_t j = i + 1; j < n; j++) y[j] -= f * row[j];
  }
}

/// Solves Ry = y in place.
VT_INLINE void backward(const vt_sparse_work *w, double *restrict y, size_t n) {
#pragma clang fp contract(fast) reassociate(on)
  for (size_t i = n; i-- > 0;) {
    const double *restrict row = w->factor + i * w->capacity;
    double sum = 0;
    for (size_t j = i + 1; j < n; j++) sum += row[j] * y[j];
    y[i] = (y[i] - sum) / row[i];
  }
}

VT_INLINE size_t remove_slot(const vt_sparse_work *w, size_t n, size_t slot) {
  for (size_t i = slot; i + 1 < n; i++) {
    w->index[i] = w->index[i + 1];
    w->exact[i] = w->exact[i + 1];
    w->exact_sign[i] = w->exact_sign[i + 1];
  }
  return n - 1;
}

/// Moves along `w->change` up to `most`, or to the first code that would change its sign, which
/// leaves the support. Returns the new n.
VT_INLINE size_t move(const vt_sparse_work *w, size_t n, double most) {
  size_t first = n;
  double step = most;
  for (size_t i = 0; i < n; i++) {
    double size = w->exact_sign[i] * w->exact[i], speed = w->exact_sign[i] * w->change[i];
    if (speed < 0 && size + step * speed <= 0) {
      double to_zero = size > 0 ? -size / speed : 0;
      if (first == n || to_zero < step) {
        first = i;
        step = to_zero;
      }
    }
  }
  for (size_t i = 0; i < n; i++) w->exact[i] += step * w->change[i];
  return first < n ? remove_slot(w, n, first) : n;
}

VT_INLINE void correlations(const vt_dictionary *D, const vt_sparse_work *w) {
#pragma clang fp contract(fast)
  double *restrict c = w->correlation;
  for (size_t j = 0; j < D->padded_atoms; j++) c[j] = 0;
  for (size_t p = 0; p < D->width; p++) {
    const float *restrict column = D->columns + p * D->padded_atoms;
    double f = w->residual[p];
    for (size_t j = 0; j < D->padded_atoms; j++) c[j] += f * (double)column[j];
  }
}

/// Rounds the codes one after the other, the largest first, each as near as the errors already
/// made allow: so the residual feels the spacing of the smallest code, not of the largest (Babai's
/// nearest plane). Expects the factor of the final support, its slots by rising size.
VT_INLINE void round_codes(const vt_sparse_work *w, size_t n) {
#pragma clang fp contract(fast) reassociate(on)
  for (size_t i = n; i-- > 0;) {
    const double *restrict row = w->factor + i * w->capacity;
    double sum = 0;
    for (size_t j = i + 1; j < n; j++) sum += row[j] * w->change[j];
    double wanted = w->exact[i] - sum / row[i];
    float rounded = (float)wanted;
    if ((double)rounded * w->exact_sign[i] <= 0) rounded = (float)w->exact[i];
    w->change[i] = (double)rounded - w->exact[i];
  }
  for (size_t i = 0; i < n; i++) w->exact[i] += w->change[i];
}

VT_INLINE void sort_by_size(const vt_sparse_work *w, size_t n) {
  for (size_t i = 1; i < n; i++) {
    int32_t index = w->index[i];
    double a = w->exact[i], sign = w->exact_sign[i];
    size_t j = i;
    for (; j > 0 && fabs(w->exact[j - 1]) > fabs(a); j--) {
      w->index[j] = w->index[j - 1];
      w->exact[j] = w->exact[j - 1];
      w->exact_sign[j] = w->exact_sign[j - 1];
    }
    w->index[j] = index;
    w->exact[j] = a;
    w->exact_sign[j] = sign;
  }
}

/// Newton's direction on the support at the current codes, from the true gradient.
VT_INLINE void newton(const vt_dictionary *D, const vt_sparse_work *w, double lambda, size_t n) {
  residual_of(D, w->residual, w->x, w->exact, w->index, n);
  for (size_t i = 0; i < n; i++)
    w->change[i] =
        dot_residual(D, w->residual, (size_t)w->index[i]) - lambda * w->exact_sign[i];
  forward(w, w->change, n);
  backward(w, w->change, n);
}

VT_INLINE int settle(const vt_dictionary *D, const vt_sparse_work *w,
                     const vt_sparse_options *options, double lambda, size_t *support) {
  size_t n = *support;
  double energy = 0;
  for (size_t p = 0; p < D->width; p++) energy += (double)w->x[p] * (double)w->x[p];
  const double enough = 0.02 * options->tolerance * 0.5 * energy;
  size_t stale = 0;
  for (size_t round = 0; round < options->iterations; round++) {
    sort_by_size(w, n);
    size_t independent = factorise(D, w, n);
    if (independent < n) {
      // Along the null vector the fit stays and the norm falls, until an atom is let go.
      size_t p = independent;
      for (size_t i = 0; i < n; i++)
        w->change[i] = i < p ? -D->exact_gram[(size_t)w->index[i] * D->padded_atoms +
                                              (size_t)w->index[p]]
                             : 0;
      forward(w, w->change, p);
      backward(w, w->change, p);
      w->change[p] = 1;
      double slope = 0;
      for (size_t i = 0; i <= p; i++) slope += w->exact_sign[i] * w->change[i];
      if (slope > 0 || (slope == 0 && w->exact_sign[p] > 0))
        for (size_t i = 0; i <= p; i++) w->change[i] = -w->change[i];
      size_t left = move(w, n, DBL_MAX);
      n = left < n ? left : remove_slot(w, n, p);
      continue;
    }
    newton(D, w, lambda, n);
    size_t left = move(w, n, 1);
    if (left < n) {
      n = left;
      continue;
    }
    residual_of(D, w->residual, w->x, w->exact, w->index, n);
    correlations(D, w);
    // The worst violator outside the support, and the gap its presence leaves.
    for (size_t i = 0; i < n; i++) w->gradient[i] = w->correlation[w->index[i]];
    double within = lambda, norm = 0;
    for (size_t i = 0; i < n; i++) {
      double c = w->gradient[i] * w->exact_sign[i];
      within = c > within ? c : within;
      norm += fabs(w->exact[i]);
      w->correlation[w->index[i]] = 0;
    }
    double worst = 0;
    size_t violator = 0;
    for (size_t j = 0; j < D->atoms; j++) {
      double c = options->nonnegative ? w->correlation[j] : fabs(w->correlation[j]);
      if (c > worst) {
        worst = c;
        violator = j;
      }
    }
    // With s = λ/‖Dr‖∞ the gap is ½(1 − s)²‖r‖² + Σ|a|(λ − s·c); both terms are bounded here.
    double top = worst > within ? worst : within, slack = 0, shrink = top > 0 ? lambda / top : 1;
    double square = 0;
    for (size_t p = 0; p < D->width; p++) square += w->residual[p] * w->residual[p];
    for (size_t i = 0; i < n; i++)
      slack += fabs(w->exact[i]) * (lambda - shrink * w->gradient[i] * w->exact_sign[i]);
    double gap = slack + 0.5 * (1 - shrink) * (1 - shrink) * square;
    if (lambda > 0 ? gap <= enough : top * (norm + 1) <= 1e-12 * energy) {
      *support = n;
      return 1;
    }
    if (worst > lambda * (1 + 1e-13) && worst > within && n < w->capacity) {
      double c = D->exact_gram[violator * (D->padded_atoms + 1)];
      if (c > 0) {
        w->index[n] = (int32_t)violator;
        w->exact_sign[n] = w->correlation[violator] < 0 ? -1 : 1;
        w->exact[n] = 0;
        n++;
        stale = 0;
        continue;
      }
    }
    // Only rounding is left; another Newton step takes what can be taken.
    if (++stale > 3) break;
  }
  *support = n;
  return 0;
}

VT_CLONES int vt_finish(const vt_dictionary *D, vt_sparse_work *w,
                        const vt_sparse_options *options, const float *x, float *codes) {
  int zero, exponent = scale_row(D, w->x, x, &zero);
  size_t n = 0;
  if (!zero) {
    for (size_t j = 0; j < D->atoms && n < w->capacity; j++) {
      if (codes[j] == 0 || (options->nonnegative && codes[j] < 0)) continue;
      w->index[n] = (int32_t)j;
      w->exact[n] = ldexp((double)codes[j], -exponent);
      w->exact_sign[n] = codes[j] < 0 ? -1 : 1;
      n++;
    }
  }
  int settled = 1;
  if (!zero) {
    settled = settle(D, w, options, ldexp(options->lambda, -exponent), &n);
    sort_by_size(w, n);
    if (factorise(D, w, n) == n) round_codes(w, n);
  }
  memset(codes, 0, D->atoms * sizeof(float));
  for (size_t i = 0; i < n; i++) codes[w->index[i]] = scale_code(w->exact[i], exponent);
  return settled;
}
