#include "vt_inline.h"
#include "vt_train.h"

static const float lowest = -30, highest = 20;  // of a log-variance

VT_INLINE float clamp(float v) {
  v = v < lowest ? lowest : v;
  return v > highest ? highest : v;
}

VT_INLINE float divergence(const float *restrict mean, const float *restrict logvar,
                           size_t latent) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < latent; i++) {
    float v = clamp(logvar[i]);
    sum += exp_f32(v) - 1 - v + mean[i] * mean[i];
  }
  return sum;
}

VT_CLONES void vt_reparameterise(void *restrict z, int bf16, double *restrict kl,
                                 const float *restrict heads, const float *restrict noise,
                                 size_t rows, size_t latent) {
  for (size_t r = 0; r < rows; r++) {
    const float *mean = heads + r * 2 * latent, *logvar = mean + latent;
    kl[r] = 0.5 * divergence(mean, logvar, latent);
    for (size_t i = 0; i < latent; i++) {
      float value = mean[i];
      if (noise) value += exp_f32(clamp(logvar[i]) * 0.5f) * noise[r * latent + i];
      if (bf16)
        ((vt_bf16 *)z)[r * latent + i] = to_bf16(value);
      else
        ((float *)z)[r * latent + i] = value;
    }
  }
}

VT_CLONES void vt_reparameterise_backward(void *restrict heads_delta, int bf16,
                                          const float *restrict dz, const float *restrict heads,
                                          const float *restrict noise, size_t rows, size_t latent,
                                          float weight) {
  for (size_t r = 0; r < rows; r++) {
    const float *mean = heads + r * 2 * latent, *logvar = mean + latent;
    const float *gradient = dz + r * latent;
    size_t to = r * 2 * latent;
    for (size_t i = 0; i < latent; i++) {
      float raw = logvar[i], v = clamp(raw);
      float dmean = gradient[i] + weight * mean[i];
      float dv = 0.5f * weight * (exp_f32(v) - 1);
      if (noise) dv += 0.5f * gradient[i] * noise[r * latent + i] * exp_f32(v * 0.5f);
      dv = raw < lowest || raw > highest ? 0 : dv;
      if (bf16) {
        ((vt_bf16 *)heads_delta)[to + i] = to_bf16(dmean);
        ((vt_bf16 *)heads_delta)[to + latent + i] = to_bf16(dv);
      } else {
        ((float *)heads_delta)[to + i] = dmean;
        ((float *)heads_delta)[to + latent + i] = dv;
      }
    }
  }
}

VT_CLONES void vt_posterior_sample(float *restrict z, const float *restrict heads,
                                   size_t latent) {
  for (size_t i = 0; i < latent; i++)
    z[i] = heads[i] + exp_f32(clamp(heads[latent + i]) * 0.5f) * z[i];
}
