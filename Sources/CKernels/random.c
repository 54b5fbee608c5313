#include "vt_random.h"

#include <string.h>

#include "vt_clones.h"

#pragma STDC FP_CONTRACT OFF

enum { TILE = 64 };  // blocks of four normals worked on together

/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
VT_INLINE void philox(uint32_t c[4][TILE], uint64_t seed) {
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < TILE; i++) {
      uint64_t p0 = (uint64_t)c[0][i] * 0xD2511F53u, p1 = (uint64_t)c[2][i] * 0xCD9E8D57u;
      uint32_t a = (uint32_t)(p1 >> 32) ^ c[1][i] ^ k0, b = (uint32_t)(p0 >> 32) ^ c[3][i] ^ k1;
      c[0][i] = a;
      c[1][i] = (uint32_t)p1;
      c[2][i] = b;
      c[3][i] = (uint32_t)p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

/// Natural logarithm of u in [2^-33, 1], minimax polynomial on [√½, √2) (Cephes logf).
VT_INLINE float log_unit(float u) {
  uint32_t bits;
  memcpy(&bits, &u, 4);
  int32_t exponent = (int32_t)((bits - 0x3F3504F3u)) >> 23;  // mantissa falls in [√½, √2)
  bits -= (uint32_t)exponent << 23;
  float x;
  memcpy(&x, &bits, 4);
  x -= 1;
  float z = x * x, e = (float)exponent;
  float y = 7.0376836292e-2f;
  y = y * x - 1.1514610310e-1f;
  y = y * x + 1.1676998740e-1f;
  y = y * x - 1.2420140846e-1f;
  y = y * x + 1.4249322787e-1f;
  y = y * x - 1.6668057665e-1f;
  y = y * x + 2.0000714765e-1f;
  y = y * x - 2.4999993993e-1f;
  y = y * x + 3.3333331174e-1f;
  y = y * x * z;
  y = y + e * -2.12194440e-4f;
  y = y - 0.5f * z;
  return x + y + e * 0.693359375f;
}

/// Two normals from two uniform words: √(−2 ln u) · (cos, sin)(2π v).
VT_INLINE void box_muller(uint32_t a, uint32_t b, float *restrict n0, float *restrict n1) {
  float u = (float)a * 0x1p-32f + 0x1p-33f;
  float radius = vt_sqrt(-2 * log_unit(u < 1 ? u : 1));
  uint32_t quadrant = (b + 0x20000000u) >> 30;                   // nearest quarter turn
  float t = (float)(int32_t)(b - (quadrant << 30)) * 0x1.921fb6p-30f;  // the rest, in [−π/4, π/4)
  float z = t * t;
  float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * t + t;
  float c = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) *
                z * z -
            0.5f * z + 1;
  float x = quadrant & 1 ? s : c, y = quadrant & 1 ? c : s;
  *n0 = radius * ((quadrant + 1) & 2 ? -x : x);
  *n1 = radius * (quadrant & 2 ? -y : y);
}

/// The words of TILE blocks from block `start` of a matrix on, whose rows have `per_row` blocks.
VT_INLINE void words(uint32_t c[4][TILE], size_t start, size_t per_row, uint32_t first_block,
                     uint64_t seed, uint8_t purpose, uint32_t step, uint64_t first_row) {
  size_t row = start / per_row, block = start % per_row;
  for (size_t i = 0; i < TILE; i++) {
    uint64_t r = first_row + row;
    c[0][i] = first_block + (uint32_t)block;
    c[1][i] = (uint32_t)r;
    c[2][i] = step;
    c[3][i] = (uint32_t)(r >> 32) << 8 | purpose;
    if (++block == per_row) block = 0, row++;
  }
  philox(c, seed);
}

VT_CLONES void vt_normals(float *restrict out, size_t rows, size_t columns, size_t stride,
                          uint64_t seed, uint8_t purpose, uint32_t step, uint64_t first_row) {
  size_t per_row = (columns + 3) / 4, blocks = rows * per_row;
  for (size_t start = 0; start < blocks; start += TILE) {
    uint32_t c[4][TILE];
    float n[4][TILE];
    words(c, start, per_row, 0, seed, purpose, step, first_row);
    for (int i = 0; i < TILE; i++) {
      box_muller(c[0][i], c[1][i], &n[0][i], &n[1][i]);
      box_muller(c[2][i], c[3][i], &n[2][i], &n[3][i]);
    }
    size_t row = start / per_row, block = start % per_row;
    size_t count = blocks - start < TILE ? blocks - start : TILE;
    for (size_t i = 0; i < count; i++) {
      float *to = out + row * stride + block * 4;
      size_t width = columns - block * 4 < 4 ? columns - block * 4 : 4;
      for (size_t j = 0; j < width; j++) to[j] = n[j][i];
      if (++block == per_row) block = 0, row++;
    }
  }
}

VT_CLONES void vt_uniforms(float *restrict out, size_t rows, size_t columns, uint64_t seed,
                           uint8_t purpose, uint32_t step, uint32_t layer, uint64_t first_row) {
  size_t per_row = (columns + 3) / 4, blocks = rows * per_row;
  for (size_t start = 0; start < blocks; start += TILE) {
    uint32_t c[4][TILE];
    words(c, start, per_row, layer << 24, seed, purpose, step, first_row);
    size_t row = start / per_row, block = start % per_row;
    size_t count = blocks - start < TILE ? blocks - start : TILE;
    for (size_t i = 0; i < count; i++) {
      float *to = out + row * columns + block * 4;
      size_t width = columns - block * 4 < 4 ? columns - block * 4 : 4;
      for (size_t j = 0; j < width; j++) to[j] = (float)(c[j][i] >> 8) * 0x1p-24f;
      if (++block == per_row) block = 0, row++;
    }
  }
}
