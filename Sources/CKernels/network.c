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

VT_INLINE float activation(vt_activation_kind kind, float x) {
  switch (kind) {
    case vt_identity: return x;
    case vt_relu: return x > 0 ? x : 0;
    case vt_tanh: return tanh_f32(x);
    case vt_silu: return x * sigmoid_f32(x);
    case vt_leaky_relu: return x > 0 ? x : leak * x;
  }
}

/// dx·act′(x).
VT_INLINE float through(vt_activation_kind kind, float dx, float x) {
  switch (kind) {
    case vt_identity: return dx;
    case vt_relu: return x > 0 ? dx : 0;
    case vt_tanh: {
      float t = tanh_f32(x);
      return dx * (1 - t * t);
    }
    case vt_silu: {
      float s = sigmoid_f32(x);
      return dx * (s * (1 + x * (1 - s)));
    }
    case vt_leaky_relu: return x > 0 ? dx : leak * dx;
  }
}

/// `body` with the kind as a constant `K`, so that its loops know it.
#define WITH_KIND(kind, body)                                    \
  switch (kind) {                                                \
    case vt_identity: { enum { K = vt_identity }; body } break;  \
    case vt_relu: { enum { K = vt_relu }; body } break;          \
    case vt_tanh: { enum { K = vt_tanh }; body } break;          \
    case vt_silu: { enum { K = vt_silu }; body } break;          \
    case vt_leaky_relu: { enum { K = vt_leaky_relu }; body } break; \
  }

VT_CLONES void vt_activation(vt_activation_kind kind, float *restrict y, const float *restrict x,
                             size_t n) {
  WITH_KIND(kind, for (size_t i = 0; i < n; i++) y[i] = activation(K, x[i]);)
}

VT_CLONES void vt_activation_backward(vt_activation_kind kind, float *restrict dx,
                                      const float *restrict x, size_t n) {
  WITH_KIND(kind, for (size_t i = 0; i < n; i++) dx[i] = through(K, dx[i], x[i]);)
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

// Columns are taken some at a time, down all rows, so that what is kept of them stays in registers.

enum { TOGETHER = 16 };

/// `body` for groups of columns from `first` on, which are `n`: a constant but for the last.
#define BY_COLUMNS(width, body)                                         \
  size_t first = 0;                                                     \
  for (; first + TOGETHER <= width; first += TOGETHER) {                \
    enum { n = TOGETHER };                                              \
    body                                                                \
  }                                                                     \
  if (first < width) {                                                  \
    size_t n = width - first;                                           \
    body                                                                \
  }

VT_INLINE void product_sums(double *restrict sums, const float *restrict x,
                            const float *restrict y, size_t rows, size_t width, size_t n) {
  double once[TOGETHER] = {0}, twice[TOGETHER] = {0};
  for (size_t r = 0; r < rows; r++, x += width, y += width)
    for (size_t c = 0; c < n; c++) {
      once[c] += x[c];
      twice[c] += (double)x[c] * y[c];
    }
  for (size_t c = 0; c < n; c++) {
    sums[c] = once[c];
    sums[width + c] = twice[c];
  }
}

VT_CLONES void vt_product_sums(double *restrict sums, const float *restrict x,
                               const float *restrict y, size_t rows, size_t width) {
  BY_COLUMNS(width, product_sums(sums + first, x + first, y + first, rows, width, n);)
}

VT_INLINE void normalise(vt_activation_kind kind, void *restrict y, int bf16,
                         const float *restrict x, vt_normal by, size_t rows, size_t width,
                         size_t first, size_t n) {
  for (size_t r = 0, at = first; r < rows; r++, at += width)
    for (size_t c = 0; c < n; c++) {
      float centred = (x[at + c] - by.mean[first + c]) * by.inverse_deviation[first + c];
      store(y, bf16, at + c,
            activation(kind, centred * by.weight[first + c] + by.bias[first + c]));
    }
}

VT_CLONES void vt_normalise(vt_activation_kind kind, void *restrict y, int bf16,
                            const float *restrict x, vt_normal by, size_t rows, size_t width) {
  if (bf16) {
    WITH_KIND(kind, BY_COLUMNS(width, normalise(K, y, 1, x, by, rows, width, first, n);))
  } else {
    WITH_KIND(kind, BY_COLUMNS(width, normalise(K, y, 0, x, by, rows, width, first, n);))
  }
}

VT_INLINE void normalise_sums(vt_activation_kind kind, float *restrict dy, double *restrict sums,
                              const float *restrict gradient, const float *restrict x,
                              vt_normal by, size_t rows, size_t width, size_t first, size_t n) {
  double once[TOGETHER] = {0}, twice[TOGETHER] = {0};
  for (size_t r = 0, at = first; r < rows; r++, at += width)
    for (size_t c = 0; c < n; c++) {
      float centred = (x[at + c] - by.mean[first + c]) * by.inverse_deviation[first + c];
      float d = through(kind, gradient[at + c],
                        centred * by.weight[first + c] + by.bias[first + c]);
      dy[at + c] = d;
      once[c] += d;
      twice[c] += (double)d * centred;
    }
  for (size_t c = 0; c < n; c++) {
    sums[first + c] = once[c];
    sums[width + first + c] = twice[c];
  }
}

VT_CLONES void vt_normalise_sums(vt_activation_kind kind, float *restrict dy,
                                 double *restrict sums, const float *restrict gradient,
                                 const float *restrict x, vt_normal by, size_t rows,
                                 size_t width) {
  WITH_KIND(kind, BY_COLUMNS(width, normalise_sums(K, dy, sums, gradient, x, by, rows, width,
                                                   first, n);))
}

VT_INLINE void normalise_backward(void *restrict dx, int bf16, const float *restrict dy,
                                  const float *restrict x, vt_normal by,
                                  const float *restrict mean_dy, const float *restrict mean_dyx,
                                  size_t rows, size_t width, size_t first, size_t n) {
  for (size_t r = 0, at = first; r < rows; r++, at += width)
    for (size_t c = 0; c < n; c++) {
      size_t i = first + c;
      float centred = (x[at + c] - by.mean[i]) * by.inverse_deviation[i];
      store(dx, bf16, at + c,
            by.weight[i] * by.inverse_deviation[i] *
                (dy[at + c] - mean_dy[i] - centred * mean_dyx[i]));
    }
}

VT_CLONES void vt_normalise_backward(void *restrict dx, int bf16, const float *restrict dy,
                                     const float *restrict x, vt_normal by,
                                     const float *restrict mean_dy,
                                     const float *restrict mean_dyx, size_t rows, size_t width) {
  if (bf16) {
    BY_COLUMNS(width, normalise_backward(dx, 1, dy, x, by, mean_dy, mean_dyx, rows, width, first,
                                         n);)
  } else {
    BY_COLUMNS(width, normalise_backward(dx, 0, dy, x, by, mean_dy, mean_dyx, rows, width, first,
                                         n);)
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
