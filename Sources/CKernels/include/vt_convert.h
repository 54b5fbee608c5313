#pragma once
#include <stddef.h>
#include <stdint.h>

/// bfloat16: the upper half of a float, rounded to nearest even.
typedef uint16_t vt_bf16;

void vt_bf16_from_f32(vt_bf16 *restrict out, const float *restrict x, size_t n);
void vt_f32_from_bf16(float *restrict out, const vt_bf16 *restrict x, size_t n);

/// out[i] = x[i] / 255.
void vt_f32_from_u8(float *restrict out, const uint8_t *restrict x, size_t n);

/// How many of n values are not from low to high; NaN is not.
size_t vt_outside(const float *x, size_t n, float low, float high);

/// Rows index[0..<rows] of a u8 or f32 matrix of `width` columns, as f32 (u8 as value / 255).
void vt_gather_u8(float *restrict out, const uint8_t *restrict source,
                  const uint32_t *restrict index, size_t rows, size_t width);
void vt_gather_f32(float *restrict out, const float *restrict source,
                   const uint32_t *restrict index, size_t rows, size_t width);
