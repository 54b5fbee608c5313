#include "vt_inline.h"
#include "vt_train.h"

// Sums run in float over CHUNK values, then in double, so that wide rows lose nothing.
enum { CHUNK = 512, LANES = 16 };

/// Σ ln f over n ≤ CHUNK factors in [1, 2], by one logarithm of a product for CHUNK / LANES of them;
/// `f` is used up.
VT_INLINE float log_product(float *restrict f, size_t n) {
#pragma clang fp reassociate(on)
  size_t count = (n + LANES - 1) / LANES * LANES;
  for (size_t i = n; i < count; i++) f[i] = 1;
  while (count > LANES) {
    size_t half = (count / LANES + 1) / 2 * LANES;
    float *restrict rest = f + half;
    for (size_t i = 0; i < count - half; i++) f[i] *= rest[i];
    count = half;
  }
  float sum = 0;
  for (size_t i = 0; i < LANES; i++) sum += log_f32(f[i]);
  return sum;
}

VT_INLINE float bernoulli(void *restrict delta, int bf16, int backward, const float *restrict l,
                          const float *restrict x, size_t n, size_t width, float scale) {
#pragma clang fp reassociate(on)
  (void)width;
  float sum = 0, factors[CHUNK];
  for (size_t i = 0; i < n; i++) {
    float a = l[i], e = exp_f32(a < 0 ? a : -a);
    float positive = a > 0 ? a : 0;
    sum += positive - a * x[i];
    factors[i] = 1 + e;
    if (backward) {
      float inverse = 1 / (1 + e);
      float sigmoid = a < 0 ? e * inverse : inverse;
      store(delta, bf16, i, (sigmoid - x[i]) * scale);
    }
  }
  return sum + log_product(factors, n);
}

VT_INLINE float squares(void *restrict delta, int bf16, int backward, const float *restrict mean,
                        const float *restrict x, size_t n, size_t width, float weight) {
#pragma clang fp reassociate(on)
  (void)width;
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float d = mean[i] - x[i];
    sum += d * d;
    if (backward) store(delta, bf16, i, d * weight);
  }
  return sum;
}

VT_INLINE float pixels(void *restrict delta, int bf16, int backward, const float *restrict mean,
                       const float *restrict x, size_t n, size_t width, float scale) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float raw = mean[width + i], v = clamp_logvar(raw);
    float d = mean[i] - x[i], precision = exp_f32(-v), square = d * d * precision;
    sum += square + v;
    if (backward) {
      store(delta, bf16, i, d * precision * scale);
      store(delta, bf16, width + i, raw == v ? 0.5f * (1 - square) * scale : 0);
    }
  }
  return sum;
}

// The branches are constants inside each call, so every variant is a loop of its own.
#define VARIANTS(chunk, at, ...)                                                \
  (!delta ? chunk(delta, 0, 0, __VA_ARGS__)                                     \
   : bf16 ? chunk((vt_bf16 *)delta + (at), 1, 1, __VA_ARGS__)                   \
          : chunk((float *)delta + (at), 0, 1, __VA_ARGS__))

// Row by row, chunk by chunk; outputs are `columns` wide.
#define ROWS(chunk, columns, factor, argument)                                          \
  for (size_t r = 0; r < rows; r++) {                                                   \
    double sum = 0;                                                                     \
    const float *x = targets + r / repeat * width;                                      \
    for (size_t c = 0; c < width; c += CHUNK) {                                         \
      size_t n = width - c < CHUNK ? width - c : CHUNK, i = r * (columns) + c;          \
      sum += VARIANTS(chunk, i, output + i, x + c, n, width, argument);                 \
    }                                                                                   \
    loss[r] = sum * (factor);                                                           \
  }

VT_CLONES void vt_bernoulli(double *restrict loss, void *restrict delta, int bf16,
                            const float *restrict output, const float *restrict targets,
                            size_t rows, size_t repeat, size_t width, float scale) {
  ROWS(bernoulli, width, 1, scale)
}

VT_CLONES void vt_gaussian(double *restrict loss, void *restrict delta, int bf16,
                           const float *restrict output, const float *restrict targets,
                           size_t rows, size_t repeat, size_t width, float precision,
                           float scale) {
  ROWS(squares, width, 0.5 * precision, precision * scale)
}

VT_CLONES void vt_gaussian_pixel(double *restrict loss, void *restrict delta, int bf16,
                                 const float *restrict output, const float *restrict targets,
                                 size_t rows, size_t repeat, size_t width, float scale) {
  ROWS(pixels, 2 * width, 0.5, scale)
}

VT_CLONES void vt_sigmoid(float *out, const float *logits, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float a = logits[i], e = exp_f32(a < 0 ? a : -a), inverse = 1 / (1 + e);
    out[i] = a < 0 ? e * inverse : inverse;
  }
}

VT_CLONES void vt_scale_rows(void *restrict x, int bf16, const float *restrict factor, size_t rows,
                             size_t width) {
  for (size_t r = 0; r < rows; r++) {
    float f = factor[r];
    if (bf16) {
      vt_bf16 *row = (vt_bf16 *)x + r * width;
      for (size_t i = 0; i < width; i++) row[i] = to_bf16(from_bf16(row[i]) * f);
    } else {
      float *row = (float *)x + r * width;
      for (size_t i = 0; i < width; i++) row[i] *= f;
    }
  }
}
