#include "sparse_vector.h"
#include "sparse_work.h"

// The active set: index, sign, a and the direction da/d(−λ) = (G_AA)⁻¹ sign, all by slot; the
// inverse is kept by bordering, so a step costs O(n² + nk). Padding of the slots' arrays is zero.
typedef struct {
  size_t n;
  int failed;
} active_set;

VT_INLINE void clear_slots(const vt_sparse_work *w) {
  for (size_t q = 0; q < w->capacity / VT_LANES; q++) {
    AT(w->a, q) = SPLAT(0);
    AT(w->direction, q) = SPLAT(0);
    AT(w->sign, q) = SPLAT(0);
  }
}

/// Atom `j` joins with code 0.
VT_INLINE void join(const vt_dictionary *D, const vt_sparse_work *w, active_set *set, size_t j) {
#pragma clang fp contract(fast)
  const size_t n = set->n, ld = w->capacity, vectors = n / VT_LANES + 1;
  float *M = w->inverse, *v = w->v, *b = w->b, *direction = w->direction;
  const float *gram = D->gram + j * D->padded_atoms;
  w->blocked[j] = VT_FAR;
  if (n >= w->most) {
    set->failed = 1;
    return;
  }
  if (n % VT_LANES == 0)
    for (size_t i = 0; i < n; i++) AT(M + i * ld, vectors - 1) = SPLAT(0);
  for (size_t i = 0; i < n; i++) b[i] = gram[w->index[i]];
  for (size_t i = n; i < vectors * VT_LANES; i++) b[i] = 0;
  f32v overlap = SPLAT(0), along = SPLAT(0);
  for (size_t q = 0; q < vectors; q += 2) {
    f32v s0 = SPLAT(0), s1 = SPLAT(0);
    if (q + 1 < vectors) {
      for (size_t i = 0; i < n; i++) {
        s0 += b[i] * AT(M + i * ld, q);
        s1 += b[i] * AT(M + i * ld, q + 1);
      }
      AT(v, q + 1) = s1;
      overlap += s1 * AT(b, q + 1);
      along += AT(direction, q + 1) * AT(b, q + 1);
    } else {
      size_t i = 0;
      for (; i + 1 < n; i += 2) {
        s0 += b[i] * AT(M + i * ld, q);
        s1 += b[i + 1] * AT(M + (i + 1) * ld, q);
      }
      if (i < n) s0 += b[i] * AT(M + i * ld, q);
      s0 += s1;
    }
    AT(v, q) = s0;
    overlap += s0 * AT(b, q);
    along += AT(direction, q) * AT(b, q);
  }
  // The part of the atom outside the span of the active ones.
  float schur = gram[j] - lane_sum(&overlap), sign = w->c[j] < 0 ? -1.0f : 1.0f;
  if (!(schur > 1e-5f * gram[j])) {
    set->failed = 1;
    return;
  }
  float inverse = 1 / schur, grow = (sign - lane_sum(&along)) * inverse;
  v[n] = -1;
  for (size_t q = 0; q < vectors; q++) {
    AT(M + n * ld, q) = SPLAT(0);
    AT(direction, q) -= grow * AT(v, q);
  }
  for (size_t i = 0; i <= n; i++) {
    float f = v[i] * inverse;
    for (size_t q = 0; q < vectors; q++) AT(M + i * ld, q) += f * AT(v, q);
  }
  w->a[n] = 0;
  w->sign[n] = sign;
  w->index[n] = (int32_t)j;
  set->n = n + 1;
}

/// The atom in slot `i` leaves; the last slot takes its place.
VT_INLINE void leave(const vt_sparse_work *w, active_set *set, size_t i) {
#pragma clang fp contract(fast)
  const size_t n = set->n, ld = w->capacity, last = n - 1, vectors = last / VT_LANES + 1;
  float *M = w->inverse, *v = w->v, *direction = w->direction;
  float inverse = 1 / M[i * ld + i], share = direction[i] * inverse;
  for (size_t q = 0; q < vectors; q++) {
    AT(v, q) = AT(M + i * ld, q);
    AT(direction, q) -= share * AT(v, q);
  }
  for (size_t r = 0; r < n; r++) {
    float f = v[r] * inverse;
    for (size_t q = 0; q < vectors; q++) AT(M + r * ld, q) -= f * AT(v, q);
  }
  if (i != last) {
    for (size_t q = 0; q < vectors; q++) AT(M + i * ld, q) = AT(M + last * ld, q);
    for (size_t r = 0; r < last; r++) M[r * ld + i] = M[r * ld + last];
    M[i * ld + i] = M[last * ld + last];
    w->a[i] = w->a[last];
    direction[i] = direction[last];
    w->sign[i] = w->sign[last];
    w->index[i] = w->index[last];
  }
  for (size_t r = 0; r < last; r++) M[r * ld + last] = 0;
  w->a[last] = direction[last] = w->sign[last] = 0;
  set->n = last;
}

/// u = G·direction, how the correlations fall as λ does.
VT_INLINE void slopes(const vt_dictionary *D, const vt_sparse_work *w, size_t n, size_t vectors) {
#pragma clang fp contract(fast)
  for (size_t q = 0; q < vectors; q += 4) {
    f32v s0 = SPLAT(0), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < n; i++) {
      const float *g = D->gram + (size_t)w->index[i] * D->padded_atoms + q * VT_LANES;
      float f = w->direction[i];
      s0 += f * CONST_AT(g, 0);
      s1 += f * CONST_AT(g, 1);
      s2 += f * CONST_AT(g, 2);
      s3 += f * CONST_AT(g, 3);
    }
    AT(w->u, q) = s0;
    AT(w->u, q + 1) = s1;
    AT(w->u, q + 2) = s2;
    AT(w->u, q + 3) = s3;
  }
}

/// How far λ may fall until an inactive atom's correlation reaches it; by atom in `w->step`.
VT_INLINE float step_to_join(const vt_sparse_work *w, size_t vectors, float lambda,
                             int nonnegative) {
#pragma clang fp contract(fast)
  f32v least = SPLAT(VT_FAR);
  for (size_t q = 0; q < vectors; q++) {
    f32v c = AT(w->c, q), u = AT(w->u, q);
    if (!nonnegative) {
      // Of +λ and −λ, the one that is met first: the sign of c − λu.
      i32v flip = (i32v)(c - lambda * u) & INT32_MIN;
      c = (f32v)((i32v)c ^ flip);
      u = (f32v)((i32v)u ^ flip);
    }
    f32v distance = lambda - c, speed = 1 - u;
    distance = distance > 0 ? distance : SPLAT(0);
    f32v step = speed > 1e-7f ? distance / speed : SPLAT(VT_FAR);
    step += AT(w->blocked, q);
    AT(w->step, q) = step;
    least = least < step ? least : step;
  }
  return lane_min(&least);
}

/// How far λ may fall until an active code reaches zero; by slot in `w->b`.
VT_INLINE float step_to_leave(const vt_sparse_work *w, size_t n) {
  f32v least = SPLAT(VT_FAR);
  for (size_t q = 0; q * VT_LANES < n; q++) {
    f32v s = AT(w->sign, q), size = s * AT(w->a, q), speed = s * AT(w->direction, q);
    f32v step = size / -speed;
    step = step > 0 ? step : SPLAT(0);
    step = speed < 0 ? step : SPLAT(VT_FAR);
    AT(w->b, q) = step;
    least = least < step ? least : step;
  }
  return lane_min(&least);
}

/// Follows the path; the correlations of the row are in `w->c`.
VT_INLINE active_set follow(const vt_dictionary *D, const vt_sparse_work *w, size_t vectors,
                            float target, int nonnegative, size_t steps) {
#pragma clang fp contract(fast)
  active_set set = {0, 0};
  f32v least = SPLAT(0);
  for (size_t q = 0; q < vectors; q++) {
    f32v c = AT(w->c, q), lowest = nonnegative ? -c : c < 0 ? c : -c;
    AT(w->step, q) = lowest;
    least = least < lowest ? least : lowest;
  }
  float start = lane_min(&least), lambda = -start;
  if (!(lambda > target)) return set;
  clear_slots(w);
  join(D, w, &set, (size_t)index_of(start, w->step, vectors));
  int32_t left = -1;
  for (size_t step = 0; set.n > 0; step++) {
    slopes(D, w, set.n, vectors);
    float to_join = step_to_join(w, vectors, lambda, nonnegative);
    float to_leave = step_to_leave(w, set.n);
    if (left >= 0) w->blocked[left] = 0;
    left = -1;
    float event = to_join < to_leave ? to_join : to_leave, rest = lambda - target;
    int arrived = !(event < rest);
    float move = arrived ? rest : event;
    for (size_t q = 0; q < vectors; q++) AT(w->c, q) -= move * AT(w->u, q);
    for (size_t q = 0; q * VT_LANES < set.n; q++) AT(w->a, q) += move * AT(w->direction, q);
    lambda -= move;
    if (arrived) break;
    if (step >= steps) {
      set.failed = 1;
      break;
    }
    if (to_leave <= to_join) {
      size_t slot = (size_t)index_of(to_leave, w->b, (set.n + VT_LANES - 1) / VT_LANES);
      left = w->index[slot];
      leave(w, &set, slot);
    } else {
      join(D, w, &set, (size_t)index_of(to_join, w->step, vectors));
    }
  }
  if (set.failed || set.n == 0) {
    for (size_t j = 0; j < D->atoms; j++) w->blocked[j] = 0;
  } else {
    for (size_t i = 0; i < set.n; i++) w->blocked[w->index[i]] = 0;
    if (left >= 0) w->blocked[left] = 0;
  }
  return set;
}

/// Newton's step on the support with the gradient in double: the single-precision inverse is good
/// enough to precondition, and one or two steps leave nothing of its error.
VT_INLINE void refine(const vt_dictionary *D, const vt_sparse_work *w, double lambda,
                      active_set *set) {
#pragma clang fp contract(fast)
  const size_t n = set->n, ld = w->capacity, vectors = (n + VT_LANES - 1) / VT_LANES;
  float *g = w->v;
  double *a = w->exact;
  for (size_t i = 0; i < n; i++) a[i] = (double)w->a[i];
  for (int round = 0; round < 2; round++) {
    residual_of(D, w->residual, w->x, a, w->index, n);
    double largest = 0, correction = 0;
    for (size_t i = 0; i < n; i++)
      g[i] = (float)(dot_residual(D, w->residual, (size_t)w->index[i]) -
                     lambda * (double)w->sign[i]);
    for (size_t q = 0; q < vectors; q++) {
      f32v sum = SPLAT(0);
      for (size_t i = 0; i < n; i++) sum += g[i] * AT(w->inverse + i * ld, q);
      AT(w->b, q) = sum;
    }
    for (size_t i = 0; i < n; i++) {
      double change = (double)w->b[i];
      a[i] += change;
      correction = fmax(correction, fabs(change));
      largest = fmax(largest, fabs(a[i]));
    }
    // The next would be smaller again by as much as this one was against the codes.
    if (correction < 1e-5 * largest) break;
  }
  for (size_t i = 0; i < n; i++) {
    if (a[i] * (double)w->sign[i] > 0) continue;
    a[i] = 0;
    set->failed = 1;
  }
}

VT_INLINE void correlate(const vt_dictionary *D, const vt_sparse_work *w) {
#pragma clang fp contract(fast)
  for (size_t q = 0; q < D->padded_atoms / VT_LANES; q += 4) {
    f32v s0 = SPLAT(0), s1 = s0, s2 = s0, s3 = s0;
    for (size_t p = 0; p < D->width; p++) {
      const float *column = D->columns + p * D->padded_atoms + q * VT_LANES;
      float f = w->x[p];
      s0 += f * CONST_AT(column, 0);
      s1 += f * CONST_AT(column, 1);
      s2 += f * CONST_AT(column, 2);
      s3 += f * CONST_AT(column, 3);
    }
    AT(w->c, q) = s0;
    AT(w->c, q + 1) = s1;
    AT(w->c, q + 2) = s2;
    AT(w->c, q + 3) = s3;
  }
}

VT_CLONES void vt_homotopy(const vt_dictionary *D, vt_sparse_work *w,
                           const vt_sparse_options *options, const float *x, size_t rows,
                           float *codes, uint8_t *status) {
  for (size_t j = 0; j < D->padded_atoms; j++) w->blocked[j] = j < D->atoms ? 0 : VT_FAR;
  for (size_t r = 0; r < rows; r++) {
    float *out = codes + r * D->atoms;
    memset(out, 0, D->atoms * sizeof(float));
    status[r] = VT_SPARSE_DONE;
    int zero, exponent = scale_row(D, w->x, x + r * D->width, &zero);
    if (zero) continue;
    correlate(D, w);
    double lambda = ldexp(options->lambda, -exponent);
    // The common sizes get loops of a known length.
    active_set set = D->padded_atoms == 64
                         ? follow(D, w, 4, (float)lambda, options->nonnegative, options->iterations)
                         : follow(D, w, D->padded_atoms / VT_LANES, (float)lambda,
                                  options->nonnegative, options->iterations);
    refine(D, w, lambda, &set);
    if (set.failed) status[r] = VT_SPARSE_UNSETTLED;
    for (size_t i = 0; i < set.n; i++) out[w->index[i]] = scale_code(w->exact[i], exponent);
  }
}
