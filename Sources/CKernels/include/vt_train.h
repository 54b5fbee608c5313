#pragma once
#include <stddef.h>
#include <stdint.h>

#include "vt_convert.h"

// The elementwise passes of a training step. Matrices are row-major and dense. `bf16` says whether
// the void pointers are vt_bf16 or float. Gradients are of the loss times `scale` (1 / batch).

/// Bernoulli likelihood from logits l [rows × width] and targets x in [0, 1]:
/// loss[r] = Σ max(l, 0) − l·x + ln(1 + e^−|l|), delta = (σ(l) − x)·scale. delta may be null.
void vt_bernoulli(double *restrict loss, void *restrict delta, int bf16,
                  const float *restrict logits, const float *restrict targets, size_t rows,
                  size_t width, float scale);

/// Gaussian likelihood without its constant: loss[r] = ½ Σ (x − μ)²·precision,
/// delta = (μ − x)·precision·scale. delta may be null.
void vt_gaussian(double *restrict loss, void *restrict delta, int bf16,
                 const float *restrict mean, const float *restrict targets, size_t rows,
                 size_t width, float precision, float scale);

/// σ(l) = 1 / (1 + e^−l); in place where out is logits.
void vt_sigmoid(float *out, const float *logits, size_t n);

/// z = μ + e^(v/2)·ε and kl[r] = ½ Σ (e^v − 1 − v + μ²) for heads [rows × 2·latent] = (μ | v),
/// v clamped to [−30, 20]. noise may be null (z = μ).
void vt_reparameterise(void *restrict z, int bf16, double *restrict kl,
                       const float *restrict heads, const float *restrict noise, size_t rows,
                       size_t latent);

/// z = μ + e^(v/2)·z for one row of heads (μ | v); z comes in as standard normals.
void vt_posterior_sample(float *restrict z, const float *restrict heads, size_t latent);

/// The gradient of the heads from dz, the gradient of z: dμ = dz + weight·μ,
/// dv = dz·ε·½e^(v/2) + weight·½(e^v − 1), 0 where v was clamped; weight = β·scale.
void vt_reparameterise_backward(void *restrict heads_delta, int bf16, const float *restrict dz,
                                const float *restrict heads, const float *restrict noise,
                                size_t rows, size_t latent, float weight);

/// out = x where the activation (rectified) is positive, else 0.
void vt_relu_backward(void *restrict out, const float *restrict x, const void *restrict activation,
                      int bf16, size_t n);

/// out[c] = Σ over rows of x[row · stride + c], c < columns.
void vt_column_sums(float *restrict out, const void *restrict x, int bf16, size_t rows,
                    size_t columns, size_t stride);

/// One step of Adam (Kingma and Ba, 2015) as PyTorch writes it, on n parameters:
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p − step_size·m / (√v·inverse_root + ε);
/// step_size = lr / (1−β₁ᵗ), inverse_root = 1 / √(1−β₂ᵗ). Also writes the parameters as bf16
/// where `copy` is not null. Returns Σg², which is not finite where some g was not.
typedef struct {
  float beta1, beta2, step_size, inverse_root, epsilon;
} vt_adam_step;
double vt_adam(float *restrict p, float *restrict m, float *restrict v, vt_bf16 *restrict copy,
               const float *restrict gradient, size_t n, vt_adam_step step);
