#include "product_work.h"

#if defined(__x86_64__)
#include <math.h>

// Tiles live in registers only where every index into them is a constant.
#define UNROLL _Pragma("clang loop unroll(full)")

enum { ROWS = 8, VECTORS = 3 };

// One tile of C: up to 8 rows by 3 vectors, all in registers. `rows`, `vectors`, `bf16` and `half`
// are constants wherever this is inlined.

/// In assembly, since the compiler's way with the intrinsics keeps some of the sums in memory.
INLINE void multiply_add(__m512 *sum, __m512 left, __m512 right, int bf16) {
  if (bf16)
    __asm__ volatile("vdpbf16ps %2, %1, %0" : "+v"(*sum) : "v"(left), "v"(right));
  else
    __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(*sum) : "v"(left), "v"(right));
}

INLINE __m512 broadcast(const char *x, int half) {
  int word = 0;
  __builtin_memcpy(&word, x, half ? 2 : 4);
  return _mm512_castsi512_ps(_mm512_set1_epi32(word));
}

INLINE void add_word(__m512 sum[ROWS][VECTORS], const char *a, size_t a_row, const char *b,
                     size_t b_vector, int rows, int vectors, int bf16, int half) {
  __m512 right[VECTORS];
  UNROLL for (int v = 0; v < vectors; v++) right[v] = _mm512_loadu_ps(b + v * b_vector);
  UNROLL for (int r = 0; r < rows; r++) {
    __m512 left = broadcast(a + r * a_row, half);
    UNROLL for (int v = 0; v < vectors; v++) multiply_add(&sum[r][v], left, right[v], bf16);
    __asm__ volatile("" ::: "memory");  // or all rows are loaded first, in place of sums
  }
}

INLINE void tile(const vt_product_shape *s, void *c, const char *a, const char *b,
                 const float *bias, const uint32_t *list, size_t row, size_t vector, int bf16,
                 int rows, int vectors) {
  const size_t a_row = s->a_row, a_word = s->a_word, b_word = s->b_word, b_vector = s->b_vector;
  __m512 sum[ROWS][VECTORS];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_setzero_ps();
  a += row * a_row;
  b += vector * b_vector;
  const uint32_t *end = list + 1 + *list;
  for (const uint32_t *w = list + 1; w < end; w++)
    add_word(sum, a + *w * a_word, a_row, b + *w * b_word, b_vector, rows, vectors, bf16, 0);
  if (bf16 && a_word == WORD && s->k % 2)  // the last term of a plain row has no partner
    add_word(sum, a + (s->k - 1) * 2, a_row, b + s->k / 2 * b_word, b_vector, rows, vectors, 1, 1);
  __m512 floor = _mm512_set1_ps(s->relu ? 0 : -INFINITY);
  UNROLL for (int v = 0; v < vectors; v++) {
    size_t column = (vector + v) * LANES;
    __mmask16 lanes = first_lanes(s->n - column);
    __m512 add = bias ? _mm512_maskz_loadu_ps(lanes, bias + column) : _mm512_setzero_ps();
    UNROLL for (int r = 0; r < rows; r++) {
      // The larger of the two is the second where either is not a number: a NaN stays one.
      size_t at = (row + r) * s->c_row + column;
      __m512 x = _mm512_add_ps(sum[r][v], add);
      if (s->add) x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(lanes, (const float *)c + at));
      x = _mm512_max_ps(floor, x);
      if (bf16 && s->bf16_output)
        _mm256_mask_storeu_epi16((vt_bf16 *)c + at, lanes, (__m256i)_mm512_cvtneps_pbh(x));
      else
        _mm512_mask_storeu_ps((float *)c + at, lanes, x);
    }
  }
}

#define TILE(rows, vectors) \
  return tile(s, c, a, b, bias, list, row, vector, bf16, rows, vectors)
#define ROW_CASES(vectors)          \
  switch (rows) {                   \
    case 1: TILE(1, vectors);       \
    case 2: TILE(2, vectors);       \
    case 3: TILE(3, vectors);       \
    case 4: TILE(4, vectors);       \
    case 5: TILE(5, vectors);       \
    case 6: TILE(6, vectors);       \
    case 7: TILE(7, vectors);       \
    default: TILE(8, vectors);      \
  }

INLINE void tile_of(const vt_product_shape *s, void *c, const char *a, const char *b,
                    const float *bias, const uint32_t *list, size_t row, size_t vector, int bf16,
                    size_t rows, size_t vectors) {
  switch (vectors) {
    case 1: ROW_CASES(1)
    case 2: ROW_CASES(2)
    default: ROW_CASES(3)
  }
}

TARGET static void tile_of_bf16(const vt_product_shape *s, void *c, const char *a, const char *b,
                                const float *bias, const uint32_t *list, size_t row,
                                size_t vector, size_t rows, size_t vectors) {
  tile_of(s, c, a, b, bias, list, row, vector, 1, rows, vectors);
}

TARGET static void tile_of_f32(const vt_product_shape *s, void *c, const char *a, const char *b,
                               const float *bias, const uint32_t *list, size_t row, size_t vector,
                               size_t rows, size_t vectors) {
  tile_of(s, c, a, b, bias, list, row, vector, 0, rows, vectors);
}

// Lists of the words that count: how many, then which.

/// Adds those of the sixteen words from `first` on that are used; the new length.
INLINE uint32_t append(uint32_t *list, uint32_t count, __mmask16 used, size_t first) {
  __m512i number = _mm512_add_epi32(
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
      _mm512_set1_epi32((int)first));
  uint32_t more = (uint32_t)__builtin_popcount(used);
  _mm512_mask_storeu_epi32(list + 1 + count, first_lanes(more),
                           _mm512_maskz_compress_epi32(used, number));
  return count + more;
}

INLINE __mmask16 not_zero(__m512i words, int bf16) {
  return _mm512_test_epi32_mask(words, _mm512_set1_epi32(bf16 ? 0x7FFF7FFF : 0x7FFFFFFF));
}

/// Words that are not 0 in all of `rows` rows of A, whose words are adjacent.
TARGET static void list_rows(uint32_t *list, const vt_product_shape *s, const char *a,
                             size_t rows) {
  size_t words = s->bf16 ? s->k / 2 : s->k;
  uint32_t count = 0;
  for (size_t w = 0; w < words; w += LANES) {
    __mmask16 lanes = first_lanes(words - w);
    __m512i any = _mm512_setzero_si512();
    for (size_t r = 0; r < rows; r++)
      any = _mm512_or_si512(any, _mm512_maskz_loadu_epi32(lanes, a + r * s->a_row + w * WORD));
    count = append(list, count, not_zero(any, s->bf16), w);
  }
  list[0] = count;
}

/// Words that are marked in one of `vectors` vectors of B, or all where nothing is marked.
TARGET static void list_vectors(uint32_t *list, const vt_product_shape *s, size_t vector,
                                size_t vectors) {
  size_t words = words_of(s->k, s->bf16), groups = (words + LANES - 1) / LANES;
  uint32_t count = 0;
  for (size_t g = 0; g < groups; g++) {
    __mmask16 used = s->b_used ? 0 : first_lanes(words - g * LANES);
    for (size_t v = vector; s->b_used && v < vector + vectors; v++)
      used |= s->b_used[v * groups + g];
    count = append(list, count, used, g * LANES);
  }
  list[0] = count;
}

static inline size_t tiles_of(const vt_product_shape *s) { return (s->m + ROWS - 1) / ROWS; }

size_t vt_product_scratch(const vt_product_shape *s) {
#ifdef VT_AMX
  if (s->tiles) return vt_tiles_scratch(s);
#endif
  return (by_rows(s) ? tiles_of(s) : 1) * (words_of(s->k, s->bf16) + 2);
}

void vt_product(const vt_product_shape *s, void *c, const void *left, const void *right,
                const float *bias, uint32_t *scratch) {
  const char *a = left, *b = right;
#ifdef VT_AMX
  if (s->tiles) return vt_product_by_tiles(s, c, a, b, bias, (char *)scratch);
#endif
  size_t vectors = (s->n + LANES - 1) / LANES;
  size_t stride = by_rows(s) ? words_of(s->k, s->bf16) + 2 : 0;
  for (size_t t = 0; by_rows(s) && t < tiles_of(s); t++)
    list_rows(scratch + t * stride, s, a + t * ROWS * s->a_row, least(ROWS, s->m - t * ROWS));
  for (size_t v = 0, width; v < vectors; v += width) {
    // Four vectors that are left are two and two: one alone would wait for its sums.
    width = vectors - v == 4 ? 2 : least(VECTORS, vectors - v);
    if (!by_rows(s)) list_vectors(scratch, s, v, width);
    for (size_t t = 0; t < tiles_of(s); t++)
      (s->bf16 ? tile_of_bf16 : tile_of_f32)(s, c, a, b, bias, scratch + t * stride, t * ROWS, v,
                                             least(ROWS, s->m - t * ROWS), width);
  }
}

// Packing.

/// 16 words of a row of floats; what is past `n` floats is 0.
INLINE __m512i load_words(const float *x, size_t n, int bf16) {
  __m512 low = _mm512_maskz_loadu_ps(first_lanes(n), x);
  if (!bf16) return _mm512_castps_si512(low);
  __m512 high = n > LANES ? _mm512_maskz_loadu_ps(first_lanes(n - LANES), x + LANES)
                          : _mm512_setzero_ps();
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

TARGET void vt_pack_transposed(void *out, int bf16, const float *w, size_t rows, size_t columns,
                               size_t first, size_t count) {
  size_t words = words_of(columns, bf16), step = bf16 ? 2 * LANES : LANES;
  for (size_t row = first; row < first + count; row += LANES) {
    size_t live = least(LANES, rows - row);
    char *to = (char *)out + row / LANES * words * VECTOR;
    for (size_t column = 0; column < columns; column += step) {
      __m512i x[16];
      for (size_t r = 0; r < LANES; r++)
        x[r] = r < live ? load_words(w + (row + r) * columns + column, columns - column, bf16)
                        : _mm512_setzero_si512();
      transpose(x);
      size_t at = column / step * LANES, n = least(LANES, words - at);
      for (size_t i = 0; i < n; i++) _mm512_storeu_si512(to + (at + i) * VECTOR, x[i]);
    }
  }
}

/// The two rows side by side, column by column.
INLINE __m512i side_by_side(__m256i low, __m256i high) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

INLINE __m256i load_rounded(const float *x, size_t n) {
  return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(first_lanes(n), x));
}

TARGET void vt_pack_plain(void *out, int bf16, const float *w, size_t rows, size_t columns,
                          size_t first, size_t count) {
  size_t words = words_of(rows, bf16), step = bf16 ? 2 : 1;
  for (size_t row = first; row < first + count; row += step) {
    const float *a = w + row * columns, *b = a + columns;
    for (size_t column = 0; column < columns; column += LANES) {
      size_t n = columns - column;
      char *to = (char *)out + (column / LANES * words + row / step) * VECTOR;
      if (bf16) {
        __m256i high = row + 1 < rows ? load_rounded(b + column, n) : _mm256_setzero_si256();
        _mm512_storeu_si512(to, side_by_side(load_rounded(a + column, n), high));
      } else {
        _mm512_storeu_si512(to, load_words(a + column, n, 0));
      }
    }
  }
}

/// 16 columns of two rows side by side; the second may be missing.
INLINE __m512i pair(const vt_bf16 *x, size_t width, __mmask16 lanes, int has_second) {
  return side_by_side(_mm256_maskz_loadu_epi16(lanes, x),
                      has_second ? _mm256_maskz_loadu_epi16(lanes, x + width)
                                 : _mm256_setzero_si256());
}

/// Two whole rows side by side.
INLINE void pair_whole(vt_bf16 *out, const vt_bf16 *x, size_t width) {
  __m512i low = _mm512_setr_epi32(0x200000, 0x210001, 0x220002, 0x230003, 0x240004, 0x250005,
                                  0x260006, 0x270007, 0x280008, 0x290009, 0x2A000A, 0x2B000B,
                                  0x2C000C, 0x2D000D, 0x2E000E, 0x2F000F);
  __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  size_t column = 0;
  for (; column + 32 <= width; column += 32) {
    __m512i a = _mm512_loadu_si512(x + column), b = _mm512_loadu_si512(x + width + column);
    _mm512_storeu_si512(out + 2 * column, _mm512_permutex2var_epi16(a, low, b));
    _mm512_storeu_si512(out + 2 * column + 32, _mm512_permutex2var_epi16(a, high, b));
  }
  for (; column < width; column += LANES) {
    __mmask16 lanes = first_lanes(width - column);
    _mm512_mask_storeu_epi32(out + 2 * column, lanes, pair(x + column, width, lanes, 1));
  }
}

TARGET void vt_pair_rows(vt_bf16 *out, uint16_t *used, const vt_bf16 *x, size_t rows,
                         size_t width, size_t first, size_t count) {
  size_t groups = (rows + 2 * LANES - 1) / (2 * LANES), end = first + count;
  for (size_t group = first; group < end; group += 2 * LANES) {
    size_t last = least(end, group + 2 * LANES);
    for (size_t row = group; !used && row < last; row += 2) {
      if (row + 1 < rows) {
        pair_whole(out + row * width, x + row * width, width);
        continue;
      }
      for (size_t column = 0; column < width; column += LANES) {
        __mmask16 lanes = first_lanes(width - column);
        _mm512_mask_storeu_epi32(out + row * width + 2 * column, lanes,
                                 pair(x + row * width + column, width, lanes, 0));
      }
    }
    for (size_t column = 0; used && column < width; column += LANES) {
      __mmask16 lanes = first_lanes(width - column);
      uint32_t marks = 0;
      for (size_t row = group; row < last; row += 2) {
        __m512i words = pair(x + row * width + column, width, lanes, row + 1 < rows);
        _mm512_mask_storeu_epi32(out + row * width + 2 * column, lanes, words);
        marks |= (uint32_t)(not_zero(words, 1) != 0) << (row - group) / 2;
      }
      used[column / LANES * groups + group / (2 * LANES)] = (uint16_t)marks;
    }
  }
}

#else

size_t vt_product_scratch(const vt_product_shape *shape) { return 0; }
void vt_product(const vt_product_shape *shape, void *c, const void *a, const void *b,
                const float *bias, uint32_t *scratch) {}
void vt_pack_transposed(void *out, int bf16, const float *w, size_t rows, size_t columns,
                        size_t first, size_t count) {}
void vt_pack_plain(void *out, int bf16, const float *w, size_t rows, size_t columns, size_t first,
                   size_t count) {}
void vt_pair_rows(vt_bf16 *out, uint16_t *used, const vt_bf16 *x, size_t rows, size_t width,
                  size_t first, size_t count) {}

#endif
