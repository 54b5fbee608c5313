#pragma once
#include <stddef.h>
#include <stdint.h>

#include "vt_convert.h"

// The elementwise passes of a training step. Matrices are row-major and dense. `bf16` says whether
// a void pointer is vt_bf16 or float. Gradients are of the loss times `scale` (1 / batch).

// Likelihoods. Row r of the decoder's output belongs to row r / repeat of the targets; delta, the
// gradient by the output, may be null.

/// Bernoulli from logits l [rows × width], targets x in [0, 1]:
/// loss[r] = Σ max(l, 0) − l·x + ln(1 + e^−|l|), delta = (σ(l) − x)·scale.
void vt_bernoulli(double *restrict loss, void *restrict delta, int bf16,
                  const float *restrict logits, const float *restrict targets, size_t rows,
                  size_t repeat, size_t width, float scale);

/// Gaussian without its constant: loss[r] = ½ Σ (x − μ)²·precision, delta = (μ − x)·precision·scale.
void vt_gaussian(double *restrict loss, void *restrict delta, int bf16,
                 const float *restrict mean, const float *restrict targets, size_t rows,
                 size_t repeat, size_t width, float precision, float scale);

/// Gaussian with a log-variance v a value, clamped to [−30, 20], without the constant D/2·ln 2π:
/// output rows are [μ | v], loss[r] = ½ Σ (x − μ)²·e^−v + v.
void vt_gaussian_pixel(double *restrict loss, void *restrict delta, int bf16,
                       const float *restrict output, const float *restrict targets, size_t rows,
                       size_t repeat, size_t width, float scale);

/// σ(l) = 1 / (1 + e^−l); in place where out is logits.
void vt_sigmoid(float *out, const float *logits, size_t n);

/// x[r][·] *= factor[r].
void vt_scale_rows(void *restrict x, int bf16, const float *restrict factor, size_t rows,
                   size_t width);

// Latents. Heads are rows of [μ | v], the log-variance v clamped to [−30, 20]. Noise and z hold
// `particles` rows for each row of heads.

/// z = μ + e^(v/2)·ε and kl[r] = ½ Σ (e^v − 1 − v + μ²). Adds to statistics [3 × latent], over the
/// rows: Σμ, Σμ², Σ of each dimension's divergence.
void vt_reparameterise(void *restrict z, int bf16, double *restrict kl,
                       double *restrict statistics, const float *restrict heads,
                       const float *restrict noise, size_t rows, size_t latent, size_t particles);

/// The gradient of the heads from dz, the gradient of z: dμ = Σ dz + weight·μ,
/// dv = Σ dz·ε·½e^(v/2) + weight·½(e^v − 1), 0 where v was clamped. The divergence of dimension i
/// counts by gate[i] too, where gate is not null.
void vt_reparameterise_backward(void *restrict heads_delta, int bf16, const float *restrict dz,
                                const float *restrict heads, const float *restrict noise,
                                const float *restrict gate, size_t rows, size_t latent,
                                size_t particles, float weight);

/// ratio[r] = ln p(z) − ln q(z | x) = ½ Σ (ε² + v − z²) of each particle r.
void vt_log_ratio(double *restrict ratio, const float *restrict heads,
                  const float *restrict noise, size_t rows, size_t latent, size_t particles);

/// The gradient of the heads where particle r adds −share[r]·weight·ratio[r] to the loss, and dz
/// is the gradient of z by the rest.
void vt_log_ratio_backward(void *restrict heads_delta, int bf16, const float *restrict dz,
                           const float *restrict heads, const float *restrict noise,
                           const float *restrict share, size_t rows, size_t latent,
                           size_t particles, float weight);

/// z = μ + e^(v/2)·z for one row of heads; z comes in as standard normals.
void vt_posterior_sample(float *restrict z, const float *restrict heads, size_t latent);

// Layers

typedef enum { vt_identity, vt_relu, vt_tanh, vt_silu, vt_leaky_relu } vt_activation_kind;

/// y = act(x).
void vt_activation(vt_activation_kind kind, float *restrict y, const float *restrict x, size_t n);

/// dx *= act′(x).
void vt_activation_backward(vt_activation_kind kind, float *restrict dx, const float *restrict x,
                            size_t n);

/// dx ← 0 where the activation, which is rectified, is not positive; both f32 or bf16.
void vt_relu_backward(void *restrict dx, const void *restrict activation, int bf16, size_t n);

/// The same of a gradient in bf16 and activations in f32.
void vt_relu_backward_mixed(vt_bf16 *restrict dx, const float *restrict activation, size_t n);

/// sum += x.
void vt_add(float *restrict sum, const float *restrict x, size_t n);

/// out[c] = Σ over rows of x[row · stride + c], c < columns.
void vt_column_sums(float *restrict out, const void *restrict x, int bf16, size_t rows,
                    size_t columns, size_t stride);

/// out[c] = Σ over places of x[place · channels + c]: for many places of few channels.
void vt_channel_sums(float *restrict out, const void *restrict x, int bf16, size_t places,
                     size_t channels);

/// sums = [Σ x | Σ x·y] by column, over rows.
void vt_product_sums(double *restrict sums, const float *restrict x, const float *restrict y,
                     size_t rows, size_t width);

/// Batch normalisation by column: x̂ = (x − mean)·inverse_deviation, and x̂·weight + bias.
typedef struct {
  const float *mean, *inverse_deviation, *weight, *bias;
} vt_normal;

/// y = act(x̂·weight + bias), f32 or bf16.
void vt_normalise(vt_activation_kind kind, void *restrict y, int bf16, const float *restrict x,
                  vt_normal by, size_t rows, size_t width);

/// dy = gradient·act′(x̂·weight + bias), and sums = [Σ dy | Σ dy·x̂] by column, over rows.
void vt_normalise_sums(vt_activation_kind kind, float *restrict dy, double *restrict sums,
                       const float *restrict gradient, const float *restrict x, vt_normal by,
                       size_t rows, size_t width);

/// dx = weight·inverse_deviation·(dy − mean_dy − x̂·mean_dyx) by column, f32 or bf16.
void vt_normalise_backward(void *restrict dx, int bf16, const float *restrict dy,
                           const float *restrict x, vt_normal by, const float *restrict mean_dy,
                           const float *restrict mean_dyx, size_t rows, size_t width);

// What is drawn at random, from uniforms u in [0, 1).

/// x ← 0 where u < probability, else x / (1 − probability).
void vt_dropout(float *restrict x, const float *restrict u, size_t n, float probability);

/// x ← 1 where u < x, else 0.
void vt_binarise(float *restrict x, const float *restrict u, size_t n);

// Optimisers, as PyTorch writes them, on n parameters. They also write the parameters as bf16
// where `copy` is not null, multiply the gradient by `scale` first, and return Σ (scale·g)², which
// is not finite where some g was not.

typedef struct {
  float scale, rate, decay;  // decay: of the weights; L2 except in AdamW
} vt_step;

/// Adam (Kingma and Ba, 2015): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²,
/// p ← p − rate·m / (√v·inverse_root + ε); rate = lr / (1−β₁ᵗ), inverse_root = 1 / √(1−β₂ᵗ).
/// AdamW (Loshchilov and Hutter, 2019) where shrink, lr·decay, is not 0: p ← p·(1 − shrink) first.
typedef struct {
  float beta1, beta2, inverse_root, epsilon, shrink;
} vt_adam_constants;
double vt_adam(float *restrict p, float *restrict m, float *restrict v, vt_bf16 *restrict copy,
               const float *restrict gradient, size_t n, vt_step step, vt_adam_constants constants);

/// RMSprop (Hinton, 2012): v ← αv + (1−α)g², p ← p − rate·g / (√v + ε).
double vt_rmsprop(float *restrict p, float *restrict v, vt_bf16 *restrict copy,
                  const float *restrict gradient, size_t n, vt_step step, float alpha,
                  float epsilon);

/// Gradient descent: m ← momentum·m + g (m = g at the first step), p ← p − rate·m, or
/// rate·(g + momentum·m) for Nesterov's.
double vt_sgd(float *restrict p, float *restrict m, vt_bf16 *restrict copy,
              const float *restrict gradient, size_t n, vt_step step, float momentum,
              int nesterov);
