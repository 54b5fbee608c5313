#pragma once
// What the files of vt_product.h share. Not imported by Swift.

#include "vt_clones.h"
#include "vt_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define INLINE VT_INLINE TARGET

enum { LANES = VT_LANES, WORD = 4, VECTOR = LANES * WORD };

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t words_of(size_t k, int bf16) { return bf16 ? (k + 1) / 2 : k; }

INLINE __mmask16 first_lanes(size_t n) { return n >= LANES ? 0xFFFF : (__mmask16)((1u << n) - 1); }

/// Whether A's words are adjacent.
static inline int by_rows(const vt_product_shape *s) { return s->a_word == WORD; }

/// Transposes 16 × 16 words in place.
INLINE void transpose(__m512i x[16]) {
  __m512i y[16];
  for (int i = 0; i < 16; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
    y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xDD);
    y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
    y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xDD);
  }
  for (int i = 0; i < 8; i++) {
    x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xDD);
  }
}

#if defined(__linux__)
#define VT_AMX

/// 32-bit words of scratch memory that `vt_product_by_tiles` needs.
size_t vt_tiles_scratch(const vt_product_shape *shape);

/// As `vt_product`, of bf16, by tiles.
void vt_product_by_tiles(const vt_product_shape *shape, void *c, const char *a, const char *b,
                         const float *bias, char *scratch);
#endif

#endif
