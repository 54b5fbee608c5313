#include "vt_student.h"

#include <math.h>

#include "vt_inline.h"

enum { CHUNK = 512 };

VT_INLINE float softplus(float x) { return (x > 0 ? x : 0) + log1p_unit(exp_f32(x > 0 ? -x : x)); }

VT_INLINE float sigmoid(float x) {
  float e = exp_f32(x > 0 ? -x : x), inverse = 1 / (1 + e);
  return x < 0 ? e * inverse : inverse;
}

/// ln(1 + x) for x ≥ 0.
VT_INLINE float log1p_f32(float x) {
  float small = log1p_unit(x < 1 ? x : 1), large = log_f32(1 + x);
  return x < 1 ? small : large;
}

/// ½ ln(νπ) + ln Γ(a) − ln Γ(a + ½) for a = ν/2 ≥ 1.5, and its derivative by ν: Stirling's series
/// for the ratio of two Γ half a step apart, at b = a + 4 (error below 1e−9), brought back to a by
/// Γ(x + 1) = xΓ(x). The large logarithms of ν cancel on paper, not in floats.
VT_INLINE float normaliser(float nu, float *derivative) {
  float a = 0.5f * nu, b = a + 4, w = 1 / b, w2 = w * w;
  float series = w * (0.125f - w2 * (1 / 192.0f - w2 * (1 / 640.0f - w2 * (17 / 14336.0f))));
  float numerator = (a + 0.5f) * (a + 1.5f) * (a + 2.5f) * (a + 3.5f);
  float denominator = a * (a + 1) * (a + 2) * (a + 3);
  float back = log1p_f32((numerator - denominator) / denominator);
  // d/da of series, of back and of ½ ln(a / b), halved.
  float slope = -w2 * (0.125f - w2 * (3 / 192.0f - w2 * (5 / 640.0f - w2 * (119 / 14336.0f))));
  float steps = 0;
  for (int j = 0; j < 4; j++) steps += 0.5f / ((a + (float)j) * (a + (float)j + 0.5f));
  *derivative = 0.5f * (slope - steps + 0.5f * 4 / (a * b));
  return 0.918938533f + series + back - 0.5f * log1p_f32(4 / a);
}

VT_INLINE float values(void *restrict delta, int bf16, int backward, const float *restrict output,
                       const float *restrict x, size_t n, size_t width, float scale) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float s = output[width + i], d = output[2 * width + i];
    float sigma = softplus(s) + 1e-3f, nu = 3 + softplus(d), inverse = 1 / sigma;
    float t = (x[i] - output[i]) * inverse, q = t * t / nu;
    float by_nu, constant = normaliser(nu, &by_nu), tail = log1p_f32(q);
    sum += log_f32(sigma) + constant + 0.5f * (nu + 1) * tail;
    if (backward) {
      float weight = (nu + 1) / (nu * (1 + q));
      store(delta, bf16, i, -weight * t * inverse * scale);
      store(delta, bf16, width + i, (1 - weight * t * t) * inverse * sigmoid(s) * scale);
      store(delta, bf16, 2 * width + i,
            (by_nu + 0.5f * tail - 0.5f * weight * q) * sigmoid(d) * scale);
    }
  }
  return sum;
}

VT_CLONES void vt_student(double *restrict loss, void *restrict delta, int bf16,
                          const float *restrict output, const float *restrict targets, size_t rows,
                          size_t repeat, size_t width, float scale) {
  size_t element = bf16 ? sizeof(vt_bf16) : sizeof(float);
  for (size_t r = 0; r < rows; r++) {
    const float *own = output + 3 * r * width, *x = targets + r / repeat * width;
    char *to = delta ? (char *)delta + 3 * r * width * element : 0;
    double sum = 0;
    for (size_t i = 0; i < width; i += CHUNK) {
      size_t n = width - i < CHUNK ? width - i : CHUNK;
      sum += delta ? values(to + i * element, bf16, 1, own + i, x + i, n, width, scale)
                   : values(0, 0, 0, own + i, x + i, n, width, scale);
    }
    loss[r] = sum;
  }
}

VT_CLONES void vt_student_parameters(float *restrict sigma, float *restrict nu,
                                     const float *restrict s, const float *restrict d, size_t n) {
  for (size_t i = 0; i < n; i++) {
    sigma[i] = softplus(s[i]) + 1e-3f;
    nu[i] = 3 + softplus(d[i]);
  }
}

/// The continued fraction of the incomplete beta function, by Lentz's method (NIST DLMF 8.17.22).
static double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 - (a + b) * x / (a + 1), result;
  const double tiny = 1e-300;
  if (fabs(d) < tiny) d = tiny;
  result = d = 1 / d;
  for (int m = 1; m < 500; m++) {
    double step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    for (int half = 0; half < 2; half++) {
      d = 1 + step * d;
      c = 1 + step / c;
      if (fabs(d) < tiny) d = tiny;
      if (fabs(c) < tiny) c = tiny;
      d = 1 / d;
      result *= d * c;
      step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    }
    if (fabs(d * c - 1) < 1e-15) break;
  }
  return result;
}

/// P(T > t) for t ≥ 0, half of I_x(ν/2, ½) at x = ν / (ν + t²).
static double upper_tail(double t, double nu, double log_beta) {
  double a = nu / 2, b = 0.5, y = t * t / (nu + t * t), x = nu / (nu + t * t);
  double front = exp(a * log(x) + (t > 0 ? b * log(y) : -INFINITY) - log_beta);
  double both = x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                          : 1 - front * beta_fraction(b, a, y) / b;
  return 0.5 * both;
}

void vt_student_quantiles(float *restrict t, const float *restrict u, const float *restrict nu,
                          size_t n) {
  for (size_t i = 0; i < n; i++) {
    double v = nu[i], p = u[i] < 0.5 ? u[i] : 1 - (double)u[i];
    double log_beta = lgamma(v / 2) + lgamma(0.5) - lgamma(v / 2 + 0.5);
    double low = 0, high = 2;
    while (high < 1e30 && upper_tail(high, v, log_beta) > p) high *= 2;
    double at = 0.5 * high;
    for (int step = 0; step < 100 && high - low > 1e-9 * (1 + high); step++) {
      double excess = upper_tail(at, v, log_beta) - p;
      if (excess > 0) low = at; else high = at;
      double density = exp(-log_beta - 0.5 * log(v) - 0.5 * (v + 1) * log1p(at * at / v));
      double next = at + excess / density;
      at = next > low && next < high ? next : 0.5 * (low + high);
    }
    t[i] = (float)(u[i] < 0.5 ? -at : at);
  }
}
