#include "vt_inline.h"
#include "vt_train.h"

VT_INLINE float divergence(double *restrict statistics, const float *restrict mean,
                           const float *restrict logvar, size_t latent) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < latent; i++) {
    float m = mean[i], v = clamp_logvar(logvar[i]);
    float kl = 0.5f * (exp_f32(v) - 1 - v + m * m);
    sum += kl;
    statistics[i] += m;
    statistics[latent + i] += m * m;
    statistics[2 * latent + i] += kl;
  }
  return sum;
}

VT_CLONES void vt_reparameterise(void *restrict z, int bf16, double *restrict kl,
                                 double *restrict statistics, const float *restrict heads,
                                 const float *restrict noise, size_t rows, size_t latent,
                                 size_t particles) {
  for (size_t r = 0; r < rows; r++) {
    const float *mean = heads + r * 2 * latent, *logvar = mean + latent;
    kl[r] = divergence(statistics, mean, logvar, latent);
    for (size_t k = r * particles; k < (r + 1) * particles; k++) {
      const float *eps = noise + k * latent;
      for (size_t i = 0; i < latent; i++) {
        float deviation = exp_f32(clamp_logvar(logvar[i]) * 0.5f);
        store(z, bf16, k * latent + i, mean[i] + deviation * eps[i]);
      }
    }
  }
}

/// dv is 0 where the log-variance was clamped.
VT_INLINE void store_heads(void *restrict delta, int bf16, size_t at, size_t latent, size_t i,
                           float raw, float dmean, float dv) {
  store(delta, bf16, at + i, dmean);
  store(delta, bf16, at + latent + i, raw == clamp_logvar(raw) ? dv : 0);
}

// Bodies are inlined twice: with one particle, the usual case, the inner loop goes away and the
// outer one vectorises.

VT_INLINE void reparameterise_backward(void *restrict heads_delta, int bf16,
                                       const float *restrict dz, const float *restrict heads,
                                       const float *restrict noise, const float *restrict gate,
                                       size_t r, size_t latent, size_t particles, float weight) {
  const float *mean = heads + r * 2 * latent, *logvar = mean + latent;
  for (size_t i = 0; i < latent; i++) {
    float raw = logvar[i], v = clamp_logvar(raw), w = gate ? weight * gate[i] : weight;
    float half_deviation = 0.5f * exp_f32(v * 0.5f);
    float dmean = w * mean[i], dv = 0.5f * w * (exp_f32(v) - 1);
    for (size_t k = r * particles; k < (r + 1) * particles; k++) {
      float g = dz[k * latent + i];
      dmean += g;
      dv += g * noise[k * latent + i] * half_deviation;
    }
    store_heads(heads_delta, bf16, r * 2 * latent, latent, i, raw, dmean, dv);
  }
}

// Rows are narrow and do not fill vectors: with one particle and one weight for all, as is usual,
// as many as fit are laid one behind the other first.
enum { FLAT = 1024 };

VT_INLINE void reparameterise_backward_flat(void *restrict heads_delta, int bf16,
                                            const float *restrict dz, const float *restrict heads,
                                            const float *restrict noise, size_t rows,
                                            size_t latent, float w) {
  float mean[FLAT], raw[FLAT], dmean[FLAT], dv[FLAT];
  vt_bf16 narrow[2 * FLAT];
  size_t n = rows * latent;
  for (size_t r = 0; r < rows; r++) {
    memcpy(mean + r * latent, heads + 2 * r * latent, latent * sizeof(float));
    memcpy(raw + r * latent, heads + (2 * r + 1) * latent, latent * sizeof(float));
  }
  for (size_t i = 0; i < n; i++) {
    float v = clamp_logvar(raw[i]), half_deviation = 0.5f * exp_f32(v * 0.5f);
    dmean[i] = w * mean[i] + dz[i];
    float d = 0.5f * w * (exp_f32(v) - 1) + dz[i] * noise[i] * half_deviation;
    dv[i] = raw[i] == v ? d : 0;
  }
  for (size_t i = 0; bf16 && i < n; i++) {
    narrow[i] = to_bf16(dmean[i]);
    narrow[FLAT + i] = to_bf16(dv[i]);
  }
  size_t size = latent * (bf16 ? sizeof(vt_bf16) : sizeof(float));
  const char *first = bf16 ? (const char *)narrow : (const char *)dmean;
  const char *second = bf16 ? (const char *)(narrow + FLAT) : (const char *)dv;
  for (size_t r = 0; r < rows; r++) {
    memcpy((char *)heads_delta + 2 * r * size, first + r * size, size);
    memcpy((char *)heads_delta + (2 * r + 1) * size, second + r * size, size);
  }
}

VT_CLONES void vt_reparameterise_backward(void *restrict heads_delta, int bf16,
                                          const float *restrict dz, const float *restrict heads,
                                          const float *restrict noise, const float *restrict gate,
                                          size_t rows, size_t latent, size_t particles,
                                          float weight) {
  if (particles == 1 && !gate && latent <= FLAT) {
    size_t element = bf16 ? sizeof(vt_bf16) : sizeof(float), most = FLAT / latent;
    for (size_t r = 0; r < rows; r += most)
      reparameterise_backward_flat((char *)heads_delta + 2 * r * latent * element, bf16,
                                   dz + r * latent, heads + 2 * r * latent, noise + r * latent,
                                   rows - r < most ? rows - r : most, latent, weight);
    return;
  }
  for (size_t r = 0; r < rows; r++) {
    if (particles == 1)
      reparameterise_backward(heads_delta, bf16, dz, heads, noise, gate, r, latent, 1, weight);
    else
      reparameterise_backward(heads_delta, bf16, dz, heads, noise, gate, r, latent, particles,
                              weight);
  }
}

VT_CLONES void vt_log_ratio(double *restrict ratio, const float *restrict heads,
                            const float *restrict noise, size_t rows, size_t latent,
                            size_t particles) {
#pragma clang fp reassociate(on)
  for (size_t k = 0; k < rows * particles; k++) {
    const float *mean = heads + k / particles * 2 * latent, *logvar = mean + latent;
    const float *eps = noise + k * latent;
    float sum = 0;
    for (size_t i = 0; i < latent; i++) {
      float v = clamp_logvar(logvar[i]), z = mean[i] + exp_f32(v * 0.5f) * eps[i];
      sum += eps[i] * eps[i] + v - z * z;
    }
    ratio[k] = 0.5 * sum;
  }
}

VT_INLINE void log_ratio_backward(void *restrict heads_delta, int bf16, const float *restrict dz,
                                  const float *restrict heads, const float *restrict noise,
                                  const float *restrict share, size_t r, size_t latent,
                                  size_t particles, float weight) {
  const float *mean = heads + r * 2 * latent, *logvar = mean + latent;
  for (size_t i = 0; i < latent; i++) {
    float raw = logvar[i], v = clamp_logvar(raw), deviation = exp_f32(v * 0.5f);
    float dmean = 0, dv = 0;
    for (size_t k = r * particles; k < (r + 1) * particles; k++) {
      float eps = noise[k * latent + i], w = share[k] * weight;
      float g = dz[k * latent + i] + w * (mean[i] + deviation * eps);
      dmean += g;
      dv += g * eps * 0.5f * deviation - 0.5f * w;
    }
    store_heads(heads_delta, bf16, r * 2 * latent, latent, i, raw, dmean, dv);
  }
}

VT_CLONES void vt_log_ratio_backward(void *restrict heads_delta, int bf16,
                                     const float *restrict dz, const float *restrict heads,
                                     const float *restrict noise, const float *restrict share,
                                     size_t rows, size_t latent, size_t particles, float weight) {
  for (size_t r = 0; r < rows; r++) {
    if (particles == 1)
      log_ratio_backward(heads_delta, bf16, dz, heads, noise, share, r, latent, 1, weight);
    else
      log_ratio_backward(heads_delta, bf16, dz, heads, noise, share, r, latent, particles, weight);
  }
}

VT_CLONES void vt_posterior_sample(float *restrict z, const float *restrict heads, size_t latent) {
  for (size_t i = 0; i < latent; i++)
    z[i] = heads[i] + exp_f32(clamp_logvar(heads[latent + i]) * 0.5f) * z[i];
}
