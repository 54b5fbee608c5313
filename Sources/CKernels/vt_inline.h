#pragma once
// What the kernels share: conversions and the two transcendental functions, made of operations
// that every vector unit has. Not imported by Swift.
#include <stdint.h>
#include <string.h>

#include "vt_clones.h"
#include "vt_convert.h"

VT_INLINE uint32_t bits_of(float x) {
  uint32_t b;
  memcpy(&b, &x, 4);
  return b;
}

VT_INLINE float float_of(uint32_t b) {
  float x;
  memcpy(&x, &b, 4);
  return x;
}

VT_INLINE vt_bf16 to_bf16(float x) {
  uint32_t b = bits_of(x);
  uint32_t rounded = (b + 0x7FFFu + ((b >> 16) & 1)) >> 16;
  uint32_t quiet = (b >> 16) | 0x40u;  // a NaN stays one
  return (vt_bf16)((b & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
}

VT_INLINE float from_bf16(vt_bf16 x) { return float_of((uint32_t)x << 16); }

/// e^x to 2 units in the last place for x in [−87.3, 88.7]; clamped there, so e^−∞ is 1.2e−38 and
/// not 0. NaN in, NaN out. Polynomial after Cephes' expf.
VT_INLINE float exp_f32(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.7f ? 88.7f : x;
  float n = x * 1.44269504f + 12582912.0f;  // round to nearest by the float's own mantissa
  int32_t k = (int32_t)(bits_of(n) << 10) >> 10;
  n -= 12582912.0f;
  float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1;
  // Two factors, so that k = 128 does not overflow the exponent field.
  int32_t half = k >> 1;
  return p * float_of((uint32_t)(half + 127) << 23) * float_of((uint32_t)(k - half + 127) << 23);
}

/// ln(1 + e) for e in [0, 1], absolute error below 1e−7: ln(1 + e) = 2 artanh(e / (2 + e)), the
/// series of artanh economised over t² in [0, 1/9].
VT_INLINE float log1p_unit(float e) {
  float t = e / (2 + e), z = t * t;
  float p = 0.1161943814f;
  p = p * z + 0.1085167929f;
  p = p * z + 0.1429628989f;
  p = p * z + 0.1999985073f;
  p = p * z + 0.3333333367f;
  return 2 * (t + t * z * p);
}

/// ln x for normal x ≥ 1, as accurate as `log1p_unit`.
VT_INLINE float log_f32(float x) {
  uint32_t b = bits_of(x);
  float exponent = (float)((int32_t)(b >> 23) - 127);
  return exponent * 0.693147181f + log1p_unit(float_of((b & 0x7FFFFF) | 0x3F800000) - 1);
}

/// A log-variance is clamped to [−30, 20] before every use.
VT_INLINE float clamp_logvar(float v) {
  v = v < -30 ? -30 : v;
  return v > 20 ? 20 : v;
}

/// x as element i of bf16 or float memory; `bf16` is a constant where this is inlined, or hoisted.
VT_INLINE void store(void *restrict out, int bf16, size_t i, float x) {
  if (bf16)
    ((vt_bf16 *)out)[i] = to_bf16(x);
  else
    ((float *)out)[i] = x;
}
