#include "product_work.h"

#ifdef VT_AMX
#include <math.h>

// Products of bf16 by tiles (AMX): up to 32 rows by 2 vectors of C at once, in tile registers 0 to 3;
// 4 and 5 hold 16 rows of A each, 6 and 7 a vector of B each, both 16 words deep.

#define AMX_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16")))
#define AMX_INLINE VT_INLINE AMX_TARGET

enum { TILE_BYTES = 16 * VECTOR };

/// What the processor keeps of the sizes of the tiles (Intel, Software Developer's Manual, LDTILECFG).
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_sizes;

/// Sets the tiles for `upper` and `lower` rows of A and C, and `words` of A and B; sums are lost.
AMX_INLINE void set_tiles(size_t upper, size_t lower, size_t words) {
  tile_sizes sizes = {.palette = 1};
  for (int t = 0; t < 8; t++) {
    sizes.row_bytes[t] = t == 4 || t == 5 ? (uint16_t)(words * WORD) : VECTOR;
    sizes.rows[t] = t < 6 ? 16 : (uint8_t)words;
  }
  sizes.rows[0] = sizes.rows[1] = sizes.rows[4] = (uint8_t)upper;
  sizes.rows[2] = sizes.rows[3] = sizes.rows[5] = (uint8_t)(lower ? lower : 1);
  _tile_loadconfig(&sizes);
}

/// Rows of one C tile to where they belong.
AMX_INLINE void store_tile(const vt_product_shape *s, void *c, const float *tile, size_t row,
                           size_t rows, size_t vector, const float *bias) {
  size_t column = vector * LANES;
  __mmask16 lanes = first_lanes(s->n - column);
  __m512 floor = _mm512_set1_ps(s->relu ? 0 : -INFINITY);
  __m512 add = bias ? _mm512_maskz_loadu_ps(lanes, bias + column) : _mm512_setzero_ps();
  for (size_t r = 0; r < rows; r++) {
    size_t at = (row + r) * s->c_row + column;
    __m512 x = _mm512_add_ps(_mm512_load_ps(tile + r * LANES), add);
    if (s->add) x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(lanes, (const float *)c + at));
    x = _mm512_max_ps(floor, x);
    if (s->bf16_output)
      _mm256_mask_storeu_epi16((vt_bf16 *)c + at, lanes, (__m256i)_mm512_cvtneps_pbh(x));
    else
      _mm512_mask_storeu_ps((float *)c + at, lanes, x);
  }
}

/// Where the tiles of a factor lie: `rest`, which is filled up with zeros, stands for the last one.
typedef struct {
  const char *base, *rest;
  size_t row, next;
} tile_source;

/// `rows` rows of C, by one vector or two.
AMX_INLINE void tiles(const vt_product_shape *s, void *c, const tile_source *a,
                      const tile_source *b, size_t depth, const float *bias, size_t row,
                      size_t rows, size_t vector, int is_tall, int is_wide) {
  // Whole tiles of plain sums begin and end in C itself.
  int is_plain = !bias && !s->relu && !s->bf16_output && (vector + 1 + is_wide) * LANES <= s->n;
  size_t c_row = s->c_row * sizeof(float);
  float *at = (float *)c + row * s->c_row + vector * LANES, *below = at + 16 * s->c_row;
  if (is_plain && s->add) {
    _tile_loadd(0, at, c_row);
    if (is_wide) _tile_loadd(1, at + LANES, c_row);
    if (is_tall) _tile_loadd(2, below, c_row);
    if (is_tall && is_wide) _tile_loadd(3, below + LANES, c_row);
  } else {
    _tile_zero(0);
    if (is_wide) _tile_zero(1);
    if (is_tall) _tile_zero(2);
    if (is_tall && is_wide) _tile_zero(3);
  }
  for (size_t d = 0; d < depth; d++) {
    int is_rest = d + 1 == depth;
    const char *left = is_rest && a->rest ? a->rest : a->base + d * a->next;
    size_t left_row = is_rest && a->rest ? VECTOR : a->row;
    const char *right = is_rest && b->rest ? b->rest : b->base + d * b->next;
    size_t right_row = is_rest && b->rest ? VECTOR : b->row;
    size_t beside = is_rest && b->rest ? TILE_BYTES : s->b_vector;
    _tile_loadd(6, right, right_row);
    _tile_loadd(4, left, left_row);
    _tile_dpbf16ps(0, 4, 6);
    if (is_wide) {
      _tile_loadd(7, right + beside, right_row);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (is_tall) {
      _tile_loadd(5, left + 16 * left_row, left_row);
      _tile_dpbf16ps(2, 5, 6);
      if (is_wide) _tile_dpbf16ps(3, 5, 7);
    }
  }
  if (is_plain) {
    _tile_stored(0, at, c_row);
    if (is_wide) _tile_stored(1, at + LANES, c_row);
    if (is_tall) _tile_stored(2, below, c_row);
    if (is_tall && is_wide) _tile_stored(3, below + LANES, c_row);
    return;
  }
  _Alignas(64) float sums[4][16 * LANES];
  _tile_stored(0, sums[0], VECTOR);
  store_tile(s, c, sums[0], row, least(16, rows), vector, bias);
  if (is_wide) {
    _tile_stored(1, sums[1], VECTOR);
    store_tile(s, c, sums[1], row, least(16, rows), vector + 1, bias);
  }
  if (is_tall) {
    _tile_stored(2, sums[2], VECTOR);
    store_tile(s, c, sums[2], row + 16, rows - 16, vector, bias);
  }
  if (is_tall && is_wide) {
    _tile_stored(3, sums[3], VECTOR);
    store_tile(s, c, sums[3], row + 16, rows - 16, vector + 1, bias);
  }
}

/// Rows [first, first + count) of A, whose words lie apart, as tiles one behind another: 16 words of
/// the first 16 rows, of the next 16 rows, then the next words; zeros where A ends.
AMX_INLINE void gather_tiles(char *out, const vt_product_shape *s, const char *a, size_t row,
                             size_t rows, size_t words) {
  for (size_t word = 0; word < words; word += 16)
    for (size_t half = 0; half < 2; half++, out += TILE_BYTES) {
      if (half * 16 >= rows) continue;
      __mmask16 lanes = first_lanes(rows - half * 16);
      __m512i x[16];
      for (size_t w = 0; w < 16; w++)
        x[w] = word + w < words
                   ? _mm512_maskz_loadu_epi32(
                         lanes, a + (row + half * 16) * s->a_row + (word + w) * s->a_word)
                   : _mm512_setzero_si512();
      transpose(x);
      for (size_t r = 0; r < 16; r++) _mm512_store_si512(out + r * VECTOR, x[r]);
    }
}

/// `words` rows of 64 bytes, `row` bytes apart, and zeros up to 16 of them.
AMX_INLINE void fill_up(char *out, const char *from, size_t row, size_t words, size_t bytes) {
  for (size_t w = 0; w < 16; w++) {
    __mmask64 live = bytes >= VECTOR ? ~0ull : (1ull << bytes) - 1;
    _mm512_store_si512(out + w * VECTOR, w < words ? _mm512_maskz_loadu_epi8(live, from + w * row)
                                                    : _mm512_setzero_si512());
  }
}

size_t vt_tiles_scratch(const vt_product_shape *s) {
  // Room for 32 rows of A, and to begin on a cache line.
  return by_rows(s) ? 0 : (words_of(s->k, 1) + 15) / 16 * 2 * (TILE_BYTES / WORD) + LANES;
}

AMX_TARGET void vt_product_by_tiles(const vt_product_shape *s, void *c, const char *a,
                                    const char *b, const float *bias, char *scratch) {
  size_t vectors = (s->n + LANES - 1) / LANES, words = words_of(s->k, 1);
  size_t depth = (words + 15) / 16, rest = words % 16;
  size_t rest_bytes = s->k * 2 - (depth - 1) * VECTOR, most = 16;
  _Alignas(64) char left_rest[2 * TILE_BYTES], right_rest[2 * TILE_BYTES];
  char *gathered = (char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  if (depth == 1 && s->k % 2 == 0) {
    // Shallow tiles need no filling up.
    most = words;
    rest = 0;
    rest_bytes = VECTOR;
  }
  size_t upper = 0, lower = 0;
  for (size_t row = 0; row < s->m; row += 32) {
    size_t rows = least(32, s->m - row), above = least(16, rows), below = rows - above;
    if (above != upper || below != lower) set_tiles(upper = above, lower = below, most);
    tile_source left = {a + row * s->a_row, NULL, s->a_row, VECTOR};
    if (!by_rows(s)) {
      gather_tiles(gathered, s, a, row, rows, words);
      left = (tile_source){gathered, NULL, VECTOR, 2 * TILE_BYTES};
    } else if (rest_bytes < VECTOR) {
      for (size_t half = 0; half * 16 < rows; half++)
        fill_up(left_rest + half * TILE_BYTES,
                a + (row + half * 16) * s->a_row + (depth - 1) * VECTOR, s->a_row,
                least(16, rows - half * 16), rest_bytes);
      left.rest = left_rest;
    }
    for (size_t v = 0; v < vectors; v += 2) {
      int is_wide = v + 1 < vectors;
      tile_source right = {b + v * s->b_vector, NULL, s->b_word, 16 * s->b_word};
      if (rest) {
        for (int second = 0; second <= is_wide; second++)
          fill_up(right_rest + second * TILE_BYTES,
                  right.base + (depth - 1) * right.next + second * s->b_vector, s->b_word, rest,
                  VECTOR);
        right.rest = right_rest;
      }
      if (below && is_wide)
        tiles(s, c, &left, &right, depth, bias, row, rows, v, 1, 1);
      else if (below)
        tiles(s, c, &left, &right, depth, bias, row, rows, v, 1, 0);
      else if (is_wide)
        tiles(s, c, &left, &right, depth, bias, row, rows, v, 0, 1);
      else
        tiles(s, c, &left, &right, depth, bias, row, rows, v, 0, 0);
    }
  }
  _tile_release();
}
#endif
