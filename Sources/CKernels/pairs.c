#include "vt_pairs.h"

#include "vt_clones.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define INLINE VT_INLINE TARGET
// Tiles live in registers only where every index into them is a constant.
#define UNROLL _Pragma("clang loop unroll(full)")

enum { ROWS = 8, VECTORS = 3, LANES = VT_PAIR_WIDTH, STEP = 2 * LANES };

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t pairs_of(size_t k) { return (k + 1) / 2; }

INLINE __mmask16 first_lanes(size_t n) { return n >= LANES ? 0xFFFF : (__mmask16)((1u << n) - 1); }

INLINE __m512i broadcast_pair(const vt_bf16 *x) {
  int pair;
  __builtin_memcpy(&pair, x, sizeof pair);
  return _mm512_set1_epi32(pair);
}

// One tile of C: up to 8 rows by 3 vectors, all in registers. `rows` and `vectors` are constants
// wherever this is inlined.

/// In assembly, since the compiler's way with the intrinsic keeps some of the sums in memory.
INLINE void multiply_add(__m512 *sum, __m512bh left, __m512bh right) {
  __asm__ volatile("vdpbf16ps %2, %1, %0" : "+v"(*sum) : "v"(left), "v"(right));
}

INLINE void add_pair(__m512 sum[ROWS][VECTORS], const vt_bf16 *a, size_t a_row, const vt_bf16 *b,
                     size_t b_vector, int rows, int vectors, int half) {
  __m512bh right[VECTORS];
  UNROLL for (int v = 0; v < vectors; v++)
    right[v] = (__m512bh)_mm512_loadu_si512(b + v * b_vector);
  UNROLL for (int r = 0; r < rows; r++) {
    const vt_bf16 *at = a + r * a_row;
    __m512bh left = (__m512bh)(half ? _mm512_set1_epi32(*at) : broadcast_pair(at));
    UNROLL for (int v = 0; v < vectors; v++) multiply_add(&sum[r][v], left, right[v]);
    __asm__ volatile("" ::: "memory");  // or all rows are loaded first, in place of sums
  }
}

INLINE void tile(const vt_pair_shape *s, void *c, const vt_bf16 *a, const vt_bf16 *b,
                 const float *bias, const uint32_t *list, size_t row, size_t vector, int rows,
                 int vectors) {
  const size_t a_row = s->a_row, a_pair = s->a_pair, b_pair = s->b_pair, b_vector = s->b_vector;
  __m512 sum[ROWS][VECTORS];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_setzero_ps();
  a += row * a_row;
  b += vector * b_vector;
  const uint32_t *end = list + 1 + *list;
  for (const uint32_t *p = list + 1; p < end; p++)
    add_pair(sum, a + *p * a_pair, a_row, b + *p * b_pair, b_vector, rows, vectors, 0);
  if (a_pair == 2 && s->k % 2)  // the last term of a plain row has no partner
    add_pair(sum, a + s->k - 1, a_row, b + s->k / 2 * b_pair, b_vector, rows, vectors, 1);
  __m512 floor = _mm512_set1_ps(s->relu ? 0 : -INFINITY);
  UNROLL for (int v = 0; v < vectors; v++) {
    size_t column = (vector + v) * LANES;
    __mmask16 lanes = first_lanes(s->n - column);
    __m512 add = bias ? _mm512_maskz_loadu_ps(lanes, bias + column) : _mm512_setzero_ps();
    UNROLL for (int r = 0; r < rows; r++) {
      // The larger of the two is the second where either is not a number: a NaN stays one.
      __m512 x = _mm512_max_ps(floor, _mm512_add_ps(sum[r][v], add));
      size_t at = (row + r) * s->c_row + column;
      if (s->bf16_output)
        _mm256_mask_storeu_epi16((vt_bf16 *)c + at, lanes, (__m256i)_mm512_cvtneps_pbh(x));
      else
        _mm512_mask_storeu_ps((float *)c + at, lanes, x);
    }
  }
}

#define ROW_CASES(vectors)                                                                \
  switch (rows) {                                                                         \
    case 1: return tile(s, c, a, b, bias, list, row, vector, 1, vectors);                 \
    case 2: return tile(s, c, a, b, bias, list, row, vector, 2, vectors);                 \
    case 3: return tile(s, c, a, b, bias, list, row, vector, 3, vectors);                 \
    case 4: return tile(s, c, a, b, bias, list, row, vector, 4, vectors);                 \
    case 5: return tile(s, c, a, b, bias, list, row, vector, 5, vectors);                 \
    case 6: return tile(s, c, a, b, bias, list, row, vector, 6, vectors);                 \
    case 7: return tile(s, c, a, b, bias, list, row, vector, 7, vectors);                 \
    default: return tile(s, c, a, b, bias, list, row, vector, 8, vectors);                \
  }

TARGET static void tile_of(const vt_pair_shape *s, void *c, const vt_bf16 *a, const vt_bf16 *b,
                           const float *bias, const uint32_t *list, size_t row, size_t vector,
                           size_t rows, size_t vectors) {
  switch (vectors) {
    case 1: ROW_CASES(1)
    case 2: ROW_CASES(2)
    default: ROW_CASES(3)
  }
}

// Lists of the pairs that count: how many, then which.

/// Adds those of the sixteen pairs from `first` on that are used; the new length.
INLINE uint32_t append(uint32_t *list, uint32_t count, __mmask16 used, size_t first) {
  __m512i number = _mm512_add_epi32(
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
      _mm512_set1_epi32((int)first));
  uint32_t more = (uint32_t)__builtin_popcount(used);
  _mm512_mask_storeu_epi32(list + 1 + count, first_lanes(more),
                           _mm512_maskz_compress_epi32(used, number));
  return count + more;
}

/// Pairs that are not 0 in all of `rows` rows of A, whose pairs are adjacent.
TARGET static void list_rows(uint32_t *list, const vt_pair_shape *s, const vt_bf16 *a,
                             size_t rows) {
  size_t pairs = s->k / 2;
  uint32_t count = 0;
  for (size_t p = 0; p < pairs; p += LANES) {
    __mmask16 lanes = first_lanes(pairs - p);
    __m512i any = _mm512_setzero_si512();
    for (size_t r = 0; r < rows; r++)
      any = _mm512_or_si512(any, _mm512_maskz_loadu_epi32(lanes, a + r * s->a_row + 2 * p));
    __mmask16 used = _mm512_test_epi32_mask(any, _mm512_set1_epi32(0x7FFF7FFF));
    count = append(list, count, used, p);
  }
  list[0] = count;
}

/// Pairs that are marked in one of `vectors` vectors of B.
TARGET static void list_vectors(uint32_t *list, const vt_pair_shape *s, size_t vector,
                                size_t vectors) {
  size_t groups = (s->k + 2 * LANES - 1) / (2 * LANES);
  uint32_t count = 0;
  for (size_t g = 0; g < groups; g++) {
    __mmask16 used = 0;
    for (size_t v = vector; v < vector + vectors; v++) used |= s->b_used[v * groups + g];
    count = append(list, count, used, g * LANES);
  }
  list[0] = count;
}

static inline size_t tiles_of(const vt_pair_shape *s) { return (s->m + ROWS - 1) / ROWS; }

size_t vt_pair_scratch(const vt_pair_shape *s) {
  return (s->b_used ? 1 : tiles_of(s)) * (pairs_of(s->k) + 2);
}

void vt_pair_multiply(const vt_pair_shape *s, void *c, const vt_bf16 *a, const vt_bf16 *b,
                      const float *bias, uint32_t *scratch) {
  size_t vectors = (s->n + LANES - 1) / LANES, stride = pairs_of(s->k) + 2;
  if (!s->b_used)
    for (size_t t = 0; t < tiles_of(s); t++)
      list_rows(scratch + t * stride, s, a + t * ROWS * s->a_row, least(ROWS, s->m - t * ROWS));
  for (size_t v = 0, width; v < vectors; v += width) {
    // Four vectors that are left are two and two: one alone would wait for its sums.
    width = vectors - v == 4 ? 2 : least(VECTORS, vectors - v);
    if (s->b_used) list_vectors(scratch, s, v, width);
    for (size_t t = 0; t < tiles_of(s); t++)
      tile_of(s, c, a, b, bias, s->b_used ? scratch : scratch + t * stride, t * ROWS, v,
              least(ROWS, s->m - t * ROWS), width);
  }
}

// Packing.

/// 32 floats as bf16; those past `n` are 0.
INLINE __m512i load_rounded(const float *x, size_t n) {
  __m512 low = _mm512_maskz_loadu_ps(first_lanes(n), x);
  __m512 high = n > LANES ? _mm512_maskz_loadu_ps(first_lanes(n - LANES), x + LANES)
                          : _mm512_setzero_ps();
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/// Transposes 16 × 16 words of 32 bits in place.
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

TARGET void vt_pack_transposed(vt_bf16 *out, const float *w, size_t rows, size_t columns,
                               size_t first, size_t count) {
  size_t pairs = pairs_of(columns);
  for (size_t row = first; row < first + count; row += LANES) {
    size_t live = least(LANES, rows - row);
    vt_bf16 *to = out + row / LANES * pairs * STEP;
    for (size_t column = 0; column < columns; column += STEP) {
      __m512i x[16];
      for (size_t r = 0; r < LANES; r++)
        x[r] = r < live ? load_rounded(w + (row + r) * columns + column, columns - column)
                        : _mm512_setzero_si512();
      transpose(x);
      size_t n = least(LANES, pairs - column / 2);
      for (size_t p = 0; p < n; p++) _mm512_storeu_si512(to + (column / 2 + p) * STEP, x[p]);
    }
  }
}

/// The two rows side by side, column by column: 16 words of 32 bits.
INLINE __m512i side_by_side(__m256i low, __m256i high) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

INLINE __m256i load_rounded_half(const float *x, size_t n) {
  return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(first_lanes(n), x));
}

TARGET void vt_pack_plain(vt_bf16 *out, const float *w, size_t rows, size_t columns, size_t first,
                          size_t count) {
  size_t pairs = pairs_of(rows);
  for (size_t row = first; row < first + count; row += 2) {
    const float *a = w + row * columns, *b = a + columns;
    for (size_t column = 0; column < columns; column += LANES) {
      size_t n = columns - column;
      __m256i low = load_rounded_half(a + column, n);
      __m256i high = row + 1 < rows ? load_rounded_half(b + column, n) : _mm256_setzero_si256();
      _mm512_storeu_si512(out + (column / LANES * pairs + row / 2) * STEP, side_by_side(low, high));
    }
  }
}

TARGET void vt_pair_rows(vt_bf16 *out, uint16_t *used, const vt_bf16 *x, size_t rows,
                         size_t width, size_t first, size_t count) {
  size_t groups = (rows + 2 * LANES - 1) / (2 * LANES), end = first + count;
  for (size_t group = first; group < end; group += 2 * LANES) {
    for (size_t column = 0; column < width; column += LANES) {
      __mmask16 lanes = first_lanes(width - column);
      uint32_t marks = 0;
      for (size_t row = group; row < least(end, group + 2 * LANES); row += 2) {
        const vt_bf16 *at = x + row * width + column;
        __m256i low = _mm256_maskz_loadu_epi16(lanes, at);
        __m256i high =
            row + 1 < rows ? _mm256_maskz_loadu_epi16(lanes, at + width) : _mm256_setzero_si256();
        __m512i pair = side_by_side(low, high);
        _mm512_mask_storeu_epi32(out + row * width + 2 * column, lanes, pair);
        marks |= (uint32_t)(_mm512_test_epi32_mask(pair, _mm512_set1_epi32(0x7FFF7FFF)) != 0)
                 << (row - group) / 2;
      }
      used[column / LANES * groups + group / (2 * LANES)] = (uint16_t)marks;
    }
  }
}

#else

size_t vt_pair_scratch(const vt_pair_shape *shape) { return 0; }
void vt_pair_multiply(const vt_pair_shape *shape, void *c, const vt_bf16 *a, const vt_bf16 *b,
                      const float *bias, uint32_t *scratch) {}
void vt_pack_transposed(vt_bf16 *out, const float *w, size_t rows, size_t columns, size_t first,
                        size_t count) {}
void vt_pack_plain(vt_bf16 *out, const float *w, size_t rows, size_t columns, size_t first,
                   size_t count) {}
void vt_pair_rows(vt_bf16 *out, uint16_t *used, const vt_bf16 *x, size_t rows, size_t width,
                  size_t first, size_t count) {}

#endif
