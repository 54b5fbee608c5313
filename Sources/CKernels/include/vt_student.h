#pragma once
#include <stddef.h>

#include "vt_convert.h"

/// Student's t with a location μ, a scale σ and ν degrees of freedom a value. Output rows are
/// [μ | s | d], each [width]: σ = softplus(s) + 10⁻³, ν = 3 + softplus(d). With t = (x − μ)/σ,
/// loss[r] = Σ ln σ + ½ ln(νπ) + ln Γ(ν/2) − ln Γ((ν + 1)/2) + ½ (ν + 1) ln(1 + t²/ν).
/// Rows, repeats and the gradient delta, times scale, are as in `vt_bernoulli`.
void vt_student(double *restrict loss, void *restrict delta, int bf16,
                const float *restrict output, const float *restrict targets, size_t rows,
                size_t repeat, size_t width, float scale);

/// σ and ν of each value from s and d, as `vt_student` reads them.
void vt_student_parameters(float *restrict sigma, float *restrict nu, const float *restrict s,
                           const float *restrict d, size_t n);

/// The t [n] at which the distribution function of Student's t with ν degrees of freedom is u, for
/// u in (0, 1): Newton's method on the regularised incomplete beta function, kept in a bracket.
void vt_student_quantiles(float *restrict t, const float *restrict u, const float *restrict nu,
                          size_t n);
