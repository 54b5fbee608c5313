#include "vt_inline.h"
#include "vt_train.h"

// Sums run in float over CHUNK values, then in double, so that wide rows lose nothing.
enum { CHUNK = 512 };

VT_INLINE void store(void *restrict out, int bf16, size_t i, float x) {
  if (bf16)
    ((vt_bf16 *)out)[i] = to_bf16(x);
  else
    ((float *)out)[i] = x;
}

VT_INLINE float bernoulli_chunk(void *restrict delta, int bf16, int backward,
                                const float *restrict l, const float *restrict x, size_t n,
                                float scale) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float a = l[i], e = exp_f32(a < 0 ? a : -a);
    float positive = a > 0 ? a : 0;
    sum += positive - a * x[i] + log1p_unit(e);
    if (backward) {
      float inverse = 1 / (1 + e);
      float sigmoid = a < 0 ? e * inverse : inverse;
      store(delta, bf16, i, (sigmoid - x[i]) * scale);
    }
  }
  return sum;
}

VT_INLINE float gaussian_chunk(void *restrict delta, int bf16, int backward,
                               const float *restrict mean, const float *restrict x, size_t n,
                               float weight) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float d = mean[i] - x[i];
    sum += d * d;
    if (backward) store(delta, bf16, i, d * weight);
  }
  return sum;
}

VT_INLINE void *at(void *base, int bf16, size_t i) {
  return bf16 ? (void *)((vt_bf16 *)base + i) : (void *)((float *)base + i);
}

// The branches are constants inside each call, so every variant becomes a loop of its own.
#define VARIANTS(chunk, ...)                                   \
  (!delta ? chunk(delta, 0, 0, __VA_ARGS__)                    \
   : bf16 ? chunk(at(delta, 1, i), 1, 1, __VA_ARGS__)          \
          : chunk(at(delta, 0, i), 0, 1, __VA_ARGS__))

VT_CLONES void vt_bernoulli(double *restrict loss, void *restrict delta, int bf16,
                            const float *restrict logits, const float *restrict targets,
                            size_t rows, size_t width, float scale) {
  for (size_t r = 0; r < rows; r++) {
    double sum = 0;
    for (size_t c = 0; c < width; c += CHUNK) {
      size_t n = width - c < CHUNK ? width - c : CHUNK, i = r * width + c;
      sum += VARIANTS(bernoulli_chunk, logits + i, targets + i, n, scale);
    }
    loss[r] = sum;
  }
}

VT_CLONES void vt_gaussian(double *restrict loss, void *restrict delta, int bf16,
                           const float *restrict mean, const float *restrict targets, size_t rows,
                           size_t width, float precision, float scale) {
  for (size_t r = 0; r < rows; r++) {
    double sum = 0;
    for (size_t c = 0; c < width; c += CHUNK) {
      size_t n = width - c < CHUNK ? width - c : CHUNK, i = r * width + c;
      sum += VARIANTS(gaussian_chunk, mean + i, targets + i, n, precision * scale);
    }
    loss[r] = sum * 0.5 * precision;
  }
}

VT_CLONES void vt_sigmoid(float *out, const float *logits, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float a = logits[i], e = exp_f32(a < 0 ? a : -a), inverse = 1 / (1 + e);
    out[i] = a < 0 ? e * inverse : inverse;
  }
}
