#include "vt_logistic.h"

#include <math.h>

#include "vt_inline.h"

enum { CHUNK = 512 };

#define LN_DELTA (-5.541263545f)  // ln(1/255)

VT_INLINE float clamp_log_scale(float v) {
  v = v < -8 ? -8 : v;
  return v > 7 ? 7 : v;
}

/// The nearest integer to x, |x| < 2²², by the float's own mantissa. Callers that let sums be
/// reordered do not reorder these.
VT_INLINE float nearest(float x) { return x + 12582912.0f - 12582912.0f; }

/// sinh(x)/x for x in [0, 1), to float precision: its series, which does not cancel.
VT_INLINE float sinhc_unit(float x) {
  float z = x * x, p = 1 / 362880.0f;
  p = p * z + 1 / 5040.0f;
  p = p * z + 1 / 120.0f;
  p = p * z + 1 / 6.0f;
  return p * z + 1;
}

/// −ln p of one value, and its slopes by μ and by v.
typedef struct {
  float loss, by_mean, by_log_scale;
} judgement;

/// Both kinds of bin are computed and one is chosen, so that loops vectorise.
VT_INLINE judgement judge(float mean, float raw, float x) {
  float v = clamp_log_scale(raw), inverse = exp_f32(-v);
  float k = nearest(255 * x);
  int low = k <= 0, open = low | (k >= 255);
  float c = (k * (1 / 255.0f) - mean) * inverse, h = 0.5f / 255 * inverse;
  // An open bin is p = σ(−u); u is infinite where an output is, and so is the loss or not a number.
  float u = (low ? -c : c) - h;
  float distance = u < 0 ? -u : u, m = c < 0 ? -c : c;
  float e = exp_f32(open ? -distance : -m);
  float sigmoid = u < 0 ? e / (1 + e) : 1 / (1 + e);
  float open_loss = (u > 0 ? u : 0) + log1p_unit(e) + 0 * mean;

  // cosh m + cosh h = ½·e^m·d; h ≤ 5.9.
  float up = exp_f32(h), down = 1 / up;
  float d = (1 + up * e) * (1 + down * e), inverse_d = 1 / d;
  int narrow = h < 1;
  float sinhc = narrow ? sinhc_unit(h) : (up - down) / (2 * h);
  // ln(2 sinh h), of which h = ½Δ·e^−v.
  float width = log_f32(narrow ? sinhc : up - down) + (narrow ? LN_DELTA - v : 0);
  // sinh m / (cosh m + cosh h)
  float slope = (m < 1 ? 2 * m * sinhc_unit(m) * e : 1 - e * e) * inverse_d;
  float by_h = 0.5f * (up + down) / sinhc - h * h * sinhc * 2 * e * inverse_d;

  judgement result;
  result.loss = open ? open_loss : m + log_f32(d) - width;
  float by_c = open ? sigmoid : slope;  // away from the mean
  result.by_mean = ((open ? low : c < 0) ? by_c : -by_c) * inverse;
  result.by_log_scale = raw != v ? 0 : open ? -u * sigmoid : by_h - m * slope;
  return result;
}

VT_INLINE float values(void *restrict delta, int bf16, int backward, const float *restrict output,
                       const float *restrict x, size_t n, size_t width, float scale) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    judgement j = judge(output[i], output[width + i], x[i]);
    sum += j.loss;
    if (backward) {
      store(delta, bf16, i, j.by_mean * scale);
      store(delta, bf16, width + i, j.by_log_scale * scale);
    }
  }
  return sum;
}

VT_CLONES void vt_logistic(double *restrict loss, void *restrict delta, int bf16,
                           const float *restrict output, const float *restrict targets,
                           size_t rows, size_t repeat, size_t width, float scale) {
  size_t element = bf16 ? sizeof(vt_bf16) : sizeof(float);
  for (size_t r = 0; r < rows; r++) {
    const float *own = output + 2 * r * width, *x = targets + r / repeat * width;
    char *to = delta ? (char *)delta + 2 * r * width * element : 0;
    double sum = 0;
    for (size_t i = 0; i < width; i += CHUNK) {
      size_t n = width - i < CHUNK ? width - i : CHUNK;
      sum += !delta ? values(0, 0, 0, own + i, x + i, n, width, scale)
             : bf16 ? values(to + i * element, 1, 1, own + i, x + i, n, width, scale)
                    : values(to + i * element, 0, 1, own + i, x + i, n, width, scale);
    }
    loss[r] = sum;
  }
}

void vt_logistic_draw(float *restrict x, const float *restrict u, const float *restrict mean,
                      const float *restrict log_scale, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double scale = exp((double)clamp_log_scale(log_scale[i]));
    double level = nearbyint(255 * (mean[i] + scale * (log(u[i]) - log1p(-(double)u[i]))));
    x[i] = (float)(level > 0 ? level < 255 ? level : 255 : 0) / 255;
  }
}

VT_CLONES size_t vt_off_levels(const float *x, size_t n) {
  size_t off = 0;
  for (size_t i = 0; i < n;) {
    size_t end = n - i < 4096 ? n : i + 4096;
    uint32_t count = 0;
    for (; i < end; i++) {
      float k = nearest(255 * x[i]);
      float distance = x[i] - k * (1 / 255.0f);
      count += !((distance < 0 ? -distance : distance) <= 1e-4f & k >= 0 & k <= 255);
    }
    off += count;
  }
  return off;
}
