#pragma once
#include <stddef.h>

#include "vt_convert.h"

/// The discretised logistic of bytes (Kingma et al., 2016; Salimans et al., "PixelCNN++", 2017):
/// x = k/255 has the probability that a logistic variable with location μ and scale s has of lying
/// in the bin x ± Δ/2, Δ = 1/255; the bins of 0 and 1 reach to −∞ and ∞. Output rows are [μ | v],
/// each [width]: s = e^v with v clamped to [−8, 7], in units in which x goes from 0 to 1.
/// With c = (x − μ)/s and h = Δ/2s,
///   loss[r] = Σ −ln(σ(c + h) − σ(c − h)) = Σ ln(cosh c + cosh h) − ln sinh h,
/// at x = 0 Σ −ln σ(c + h) and at x = 1 Σ −ln σ(h − c). The second form subtracts no two numbers
/// that may be equal, so that no tail underflows. x is rounded to the nearest k/255.
/// Rows, repeats and the gradient delta, times scale, are as in `vt_bernoulli`; the gradient by v is
/// 0 where v was clamped.
void vt_logistic(double *restrict loss, void *restrict delta, int bf16,
                 const float *restrict output, const float *restrict targets, size_t rows,
                 size_t repeat, size_t width, float scale);

/// x [n] at which the distribution function is u in (0, 1), rounded to the nearest of the 256
/// levels, from μ [n] and v [n].
void vt_logistic_draw(float *restrict x, const float *restrict u, const float *restrict mean,
                      const float *restrict log_scale, size_t n);

/// How many of n values are further than 10⁻⁴ from every k/255; NaN is.
size_t vt_off_levels(const float *x, size_t n);
