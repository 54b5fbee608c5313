#include "vt_convert.h"

#include <string.h>

#include "vt_clones.h"
#include "vt_inline.h"

VT_CLONES void vt_bf16_from_f32(vt_bf16 *restrict out, const float *restrict x, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = to_bf16(x[i]);
}

VT_CLONES void vt_f32_from_bf16(float *restrict out, const vt_bf16 *restrict x, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = from_bf16(x[i]);
}

/// x / 255 as float division rounds it, for each of the 256 values, by a multiplication.
VT_INLINE float unit(uint8_t x) { return (float)((double)x * (1.0 / 255.0)); }

VT_CLONES void vt_f32_from_u8(float *restrict out, const uint8_t *restrict x, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = unit(x[i]);
}

VT_CLONES size_t vt_outside(const float *x, size_t n, float low, float high) {
  size_t outside = 0;
  for (size_t i = 0; i < n;) {
    size_t end = n - i < 4096 ? n : i + 4096;
    uint32_t count = 0;
    for (; i < end; i++) count += !(x[i] >= low & x[i] <= high);
    outside += count;
  }
  return outside;
}

VT_CLONES void vt_gather_u8(float *restrict out, const uint8_t *restrict source,
                            const uint32_t *restrict index, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++) {
    const uint8_t *from = source + (size_t)index[r] * width;
    float *to = out + r * width;
    // Rows lie anywhere in memory: the one after the next is asked for in time.
    if (r + 2 < rows)
      for (size_t i = 0; i < width + 64; i += 64)
        __builtin_prefetch(source + (size_t)index[r + 2] * width + i);
    for (size_t i = 0; i < width; i++) to[i] = unit(from[i]);
  }
}

void vt_gather_f32(float *restrict out, const float *restrict source,
                   const uint32_t *restrict index, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++)
    memcpy(out + r * width, source + (size_t)index[r] * width, width * sizeof(float));
}
