#include "vt_inline.h"
#include "vt_train.h"

/// tanh to a few units in the last place: a polynomial near 0 (Cephes tanhf), else by e^2|x|.
VT_INLINE float tanh_f32(float x) {
  float a = x < 0 ? -x : x, z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  p = p * z * x + x;
  float q = 1 - 2 / (exp_f32(2 * a) + 1);
  return a < 0.625f ? p : x < 0 ? -q : q;
}

VT_INLINE float sigmoid_f32(float x) { return 1 / (1 + exp_f32(-x)); }

static const float leak = 0.01f;

VT_CLONES void vt_activation(vt_activation_kind kind, float *restrict y, const float *restrict x,
                             size_t n) {
  switch (kind) {
    case vt_relu:
      for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
      break;
    case vt_tanh:
      for (size_t i = 0; i < n; i++) y[i] = tanh_f32(x[i]);
      break;
    case vt_silu:
      for (size_t i = 0; i < n; i++) y[i] = x[i] * sigmoid_f32(x[i]);
      break;
    case vt_leaky_relu:
      for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : leak * x[i];
      break;
  }
}

VT_CLONES void vt_activation_backward(vt_activation_kind kind, float *restrict dx,
                                      const float *restrict x, size_t n) {
  switch (kind) {
    case vt_relu:
      for (size_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dx[i] : 0;
      break;
    case vt_tanh:
      for (size_t i = 0; i < n; i++) {
        float t = tanh_f32(x[i]);
        dx[i] *= 1 - t * t;
      }
      break;
    case vt_silu:
      for (size_t i = 0; i < n; i++) {
        float s = sigmoid_f32(x[i]);
        dx[i] *= s * (1 + x[i] * (1 - s));
      }
      break;
    case vt_leaky_relu:
      for (size_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dx[i] : leak * dx[i];
      break;
  }
}

VT_CLONES void vt_relu_backward(void *restrict dx, const void *restrict activation, int bf16,
                                size_t n) {
  if (bf16) {
    vt_bf16 *to = dx;
    const vt_bf16 *h = activation;
    // A rectified bf16 is positive where its bits, read as a whole number, are.
    for (size_t i = 0; i < n; i++) to[i] = (int16_t)h[i] > 0 ? to[i] : 0;
  } else {
    float *to = dx;
    const float *h = activation;
    for (size_t i = 0; i < n; i++) to[i] = h[i] > 0 ? to[i] : 0;
  }
}

VT_CLONES void vt_relu_backward_mixed(vt_bf16 *restrict dx, const float *restrict activation,
                                      size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] = activation[i] > 0 ? dx[i] : 0;
}

VT_CLONES void vt_add(float *restrict sum, const float *restrict x, size_t n) {
  for (size_t i = 0; i < n; i++) sum[i] += x[i];
}

VT_CLONES void vt_column_sums(float *restrict out, const void *restrict x, int bf16, size_t rows,
                              size_t columns, size_t stride) {
  for (size_t c = 0; c < columns; c++) out[c] = 0;
  for (size_t r = 0; r < rows; r++) {
    if (bf16) {
      const vt_bf16 *row = (const vt_bf16 *)x + r * stride;
      for (size_t c = 0; c < columns; c++) out[c] += from_bf16(row[c]);
    } else {
      const float *row = (const float *)x + r * stride;
      for (size_t c = 0; c < columns; c++) out[c] += row[c];
    }
  }
}

VT_CLONES void vt_channel_sums(float *restrict out, const void *restrict x, int bf16,
                               size_t places, size_t channels) {
  enum { MOST = 64 };
  if (channels > MOST / 2) {
    vt_column_sums(out, x, bf16, places, channels, channels);
    return;
  }
  // Several places at once, as many as fill the sums.
  float sums[MOST] = {0};
  size_t together = MOST / channels, width = together * channels, n = places * channels, i = 0;
  if (bf16) {
    const vt_bf16 *values = x;
    for (; i + width <= n; i += width)
      for (size_t c = 0; c < width; c++) sums[c] += from_bf16(values[i + c]);
    for (size_t c = 0; i + c < n; c++) sums[c] += from_bf16(values[i + c]);
  } else {
    const float *values = x;
    for (; i + width <= n; i += width)
      for (size_t c = 0; c < width; c++) sums[c] += values[i + c];
    for (size_t c = 0; i + c < n; c++) sums[c] += values[i + c];
  }
  for (size_t c = 0; c < channels; c++) {
    out[c] = 0;
    for (size_t p = 0; p < together; p++) out[c] += sums[p * channels + c];
  }
}

VT_CLONES void vt_product_sums(double *restrict sums, const float *restrict x,
                               const float *restrict y, size_t rows, size_t width) {
  for (size_t c = 0; c < 2 * width; c++) sums[c] = 0;
  for (size_t r = 0; r < rows; r++) {
    const float *a = x + r * width, *b = y + r * width;
    for (size_t c = 0; c < width; c++) {
      sums[c] += a[c];
      sums[width + c] += (double)a[c] * b[c];
    }
  }
}

VT_CLONES void vt_normalise(float *restrict n, float *y, const float *x,
                            const float *restrict mean, const float *restrict inverse_deviation,
                            const float *restrict weight, const float *restrict bias, size_t rows,
                            size_t width) {
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * width;
    float *a = n + r * width, *b = y + r * width;
    for (size_t c = 0; c < width; c++) {
      a[c] = (from[c] - mean[c]) * inverse_deviation[c];
      b[c] = a[c] * weight[c] + bias[c];
    }
  }
}

VT_CLONES void vt_normalise_backward(float *restrict dx, const float *restrict dy,
                                     const float *restrict x, const float *restrict factor,
                                     const float *restrict mean_dy,
                                     const float *restrict mean_dyx, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++) {
    size_t at = r * width;
    for (size_t c = 0; c < width; c++)
      dx[at + c] = factor[c] * (dy[at + c] - mean_dy[c] - x[at + c] * mean_dyx[c]);
  }
}

VT_CLONES void vt_dropout(float *restrict x, const float *restrict u, size_t n,
                          float probability) {
  float keep = 1 / (1 - probability);
  for (size_t i = 0; i < n; i++) x[i] = u[i] < probability ? 0 : x[i] * keep;
}

VT_CLONES void vt_binarise(float *restrict x, const float *restrict u, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = u[i] < x[i] ? 1.0f : 0.0f;
}
