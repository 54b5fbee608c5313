#include "vt_inline.h"
#include "vt_train.h"

VT_INLINE double adam(float *restrict p, float *restrict m, float *restrict v,
                      vt_bf16 *restrict copy, int copying, const float *restrict gradient,
                      size_t n, vt_adam_step s) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    float g = gradient[i];
    sum += g * g;
    m[i] += (1 - s.beta1) * (g - m[i]);
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g;
    p[i] -= s.step_size * m[i] / (vt_sqrt(v[i]) * s.inverse_root + s.epsilon);
    if (copying) copy[i] = to_bf16(p[i]);
  }
  return sum;
}

VT_CLONES double vt_adam(float *restrict p, float *restrict m, float *restrict v,
                         vt_bf16 *restrict copy, const float *restrict gradient, size_t n,
                         vt_adam_step s) {
  return copy ? adam(p, m, v, copy, 1, gradient, n, s) : adam(p, m, v, copy, 0, gradient, n, s);
}
