#include "vt_inline.h"
#include "vt_train.h"

// Each rule is written once and made twice: with and without the bf16 copy.
#define TWICE(rule, ...) \
  return copy ? rule(p, copy, 1, __VA_ARGS__) : rule(p, copy, 0, __VA_ARGS__)

VT_INLINE double adam(float *restrict p, vt_bf16 *restrict copy, int copying, float *restrict m,
                      float *restrict v, const float *restrict gradient, size_t n, vt_step s,
                      vt_adam_constants c) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float g = gradient[i] * s.scale;
    sum += g * g;
    g += s.decay * p[i];
    m[i] += (1 - c.beta1) * (g - m[i]);
    v[i] = c.beta2 * v[i] + (1 - c.beta2) * g * g;
    p[i] -= c.shrink * p[i] + s.rate * m[i] / (vt_sqrt(v[i]) * c.inverse_root + c.epsilon);
    if (copying) copy[i] = to_bf16(p[i]);
  }
  return sum;
}

VT_CLONES double vt_adam(float *restrict p, float *restrict m, float *restrict v,
                         vt_bf16 *restrict copy, const float *restrict gradient, size_t n,
                         vt_step step, vt_adam_constants constants) {
  TWICE(adam, m, v, gradient, n, step, constants);
}

VT_INLINE double rmsprop(float *restrict p, vt_bf16 *restrict copy, int copying, float *restrict v,
                         const float *restrict gradient, size_t n, vt_step s, float alpha,
                         float epsilon) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float g = gradient[i] * s.scale;
    sum += g * g;
    g += s.decay * p[i];
    v[i] = alpha * v[i] + (1 - alpha) * g * g;
    p[i] -= s.rate * g / (vt_sqrt(v[i]) + epsilon);
    if (copying) copy[i] = to_bf16(p[i]);
  }
  return sum;
}

VT_CLONES double vt_rmsprop(float *restrict p, float *restrict v, vt_bf16 *restrict copy,
                            const float *restrict gradient, size_t n, vt_step step, float alpha,
                            float epsilon) {
  TWICE(rmsprop, v, gradient, n, step, alpha, epsilon);
}

VT_INLINE double sgd(float *restrict p, vt_bf16 *restrict copy, int copying, float *restrict m,
                     const float *restrict gradient, size_t n, vt_step s, float momentum,
                     int nesterov) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float g = gradient[i] * s.scale;
    sum += g * g;
    g += s.decay * p[i];
    m[i] = momentum * m[i] + g;
    p[i] -= s.rate * (nesterov ? g + momentum * m[i] : m[i]);
    if (copying) copy[i] = to_bf16(p[i]);
  }
  return sum;
}

VT_CLONES double vt_sgd(float *restrict p, float *restrict m, vt_bf16 *restrict copy,
                        const float *restrict gradient, size_t n, vt_step step, float momentum,
                        int nesterov) {
  TWICE(sgd, m, gradient, n, step, momentum, nesterov);
}
