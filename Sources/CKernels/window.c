#include "vt_window.h"

#include <string.h>

#include "vt_clones.h"
#include "vt_convert.h"
#include "vt_inline.h"

typedef float vt_lanes __attribute__((vector_size(64), aligned(4)));
typedef uint32_t vt_words __attribute__((vector_size(64), aligned(4)));
typedef vt_bf16 vt_halves __attribute__((vector_size(32), aligned(2)));
enum { LANES = 16 };

// Copies of runs may go this many bytes beyond their end.
enum { SLACK = 64 };

/// The row that stands for window i of n.
static inline size_t nearest(size_t i, size_t source, size_t n) { return i * source / n; }

static inline int is_shared(const vt_window *w) {
  return w->source_rows != w->rows || w->source_columns != w->columns;
}

static inline size_t padded_width(const vt_window *w) { return w->width + 2 * w->padding_width; }
static inline size_t padded_places(const vt_window *w) {
  return (w->height + 2 * w->padding_height) * padded_width(w);
}

// One side of the sums that windows come to: which values of the rows belong to a place.

typedef struct {
  /// `starts[i]` ..< `starts[i + 1]` of the offsets are those of place i.
  uint32_t *starts, *offsets;
} vt_cover;

/// The windows along a side, and how they lie in memory.
typedef struct {
  size_t size, windows, source, kernel, stride, padding;
  /// Floats from one window to the next, and from one of its places to the next.
  size_t window, place;
} vt_side;

/// Lists the windows that cover each place of a side, in order.
static void list_covers(vt_cover *cover, vt_side s) {
  size_t count = 0;
  for (size_t i = 0; i < s.size; i++) {
    cover->starts[i] = (uint32_t)count;
    size_t at = i + s.padding, first = at < s.kernel ? 0 : (at - s.kernel) / s.stride + 1;
    for (size_t j = first; j < s.windows && j * s.stride <= at; j++)
      cover->offsets[count++] = (uint32_t)(nearest(j, s.source, s.windows) * s.window +
                                           (at - j * s.stride) * s.place);
  }
  cover->starts[s.size] = (uint32_t)count;
}

/// Whether a place has so few channels that sums are made of lines of places, not of channels.
static inline int is_narrow(const vt_window *w) { return w->channels < 16; }

// Sums of few channels are kept apart by line, channel and phase: the remainder of the padded column by
// the stride, so that what neighbouring windows add to lies side by side.

static inline size_t phase_columns(const vt_window *w) {
  size_t columns = (padded_width(w) + w->stride_width - 1) / w->stride_width;
  return (columns + LANES - 1) / LANES * LANES;
}
static inline size_t line_sums(const vt_window *w) {
  return w->channels * w->stride_width * phase_columns(w);
}
/// Of a tap, which has zeros in front: as many windows may begin left of one that still reach it.
static inline size_t tap_lead(const vt_window *w) {
  return (w->kernel_width - 1) / w->stride_width;
}
static inline size_t tap_line(const vt_window *w) { return tap_lead(w) + phase_columns(w); }

static inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }

size_t vt_window_scratch(const vt_window *w) {
  size_t padded = padded_places(w) * w->channels;
  size_t sums = is_shared(w) ? 3 * w->kernel_height * padded_width(w) * w->channels + SLACK : 0;
  size_t covers = w->height + w->width + 2 + w->rows * w->kernel_height +
                  w->columns * w->kernel_width;
  size_t taps = w->kernel_height * w->kernel_width * w->channels;
  size_t lines = is_narrow(w) ? w->height * line_sums(w) + taps * tap_line(w) + w->columns : 0;
  return larger(larger(padded + sums, covers), lines) + 2 * SLACK / sizeof(float);
}

/// Copies n bytes, or a little more: what is behind them is written later.
VT_INLINE void copy_run(char *to, const char *from, size_t n) {
  if (n <= 16)
    memcpy(to, from, 16);
  else if (n <= 32)
    memcpy(to, from, 32);
  else
    for (size_t i = 0; i < n; i += 64) memcpy(to + i, from + i, 64);
}

/// Puts one map into the middle of a padded one.
VT_INLINE void pad(const vt_window *w, char *padded, const char *x, size_t pixel) {
  size_t row = padded_width(w) * pixel;
  char *to = padded + w->padding_height * row + w->padding_width * pixel;
  for (size_t y = 0; y < w->height; y++)
    memcpy(to + y * row, x + y * w->width * pixel, w->width * pixel);
}

VT_INLINE char *lower(const vt_window *w, char *to, const char *x, size_t pixel, char *padded) {
  size_t row = padded_width(w) * pixel, run = w->kernel_width * pixel;
  pad(w, padded, x, pixel);
  for (size_t i = 0; i < w->rows; i++)
    for (size_t j = 0; j < w->columns; j++) {
      const char *from = padded + i * w->stride_height * row + j * w->stride_width * pixel;
      for (size_t k = 0; k < w->kernel_height; k++, to += run) copy_run(to, from + k * row, run);
    }
  return to;
}

VT_INLINE void add_run(float *restrict to, const float *restrict from, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] += from[i];
}

/// The sums of the windows that each row stands for: of the lines of windows above one another, then
/// of places beside one another.
VT_INLINE char *lower_sums(const vt_window *w, char *to, const void *x, size_t first, int bf16,
                           float *padded) {
  size_t channels = w->channels, row = padded_width(w) * channels, width = w->width * channels;
  size_t size = bf16 ? sizeof(vt_bf16) : sizeof(float), run = w->kernel_width * channels * size;
  float *lines = padded + padded_places(w) * channels, *sums = lines + w->kernel_height * row;
  float *inner = padded + w->padding_height * row + w->padding_width * channels;
  char *rounded = (char *)(sums + w->kernel_height * row);
  for (size_t y = 0; y < w->height; y++)
    for (size_t i = 0; i < width; i++)
      inner[y * row + i] = bf16 ? from_bf16(((const vt_bf16 *)x)[first + y * width + i])
                                : ((const float *)x)[first + y * width + i];
  size_t step = w->stride_width * channels, bottom = 0;
  for (size_t r = 0; r < w->source_rows; r++) {
    memset(lines, 0, w->kernel_height * row * sizeof(float));
    for (; bottom < w->rows && nearest(bottom, w->source_rows, w->rows) == r; bottom++)
      for (size_t k = 0; k < w->kernel_height; k++)
        add_run(lines + k * row, padded + (bottom * w->stride_height + k) * row, row);
    size_t left = 0, summed = 0;
    for (size_t c = 0; c < w->source_columns; c++) {
      size_t right = left;
      while (right < w->columns && nearest(right, w->source_columns, w->columns) == c) right++;
      // Most rows stand for as many windows as the one before: their sums are there already.
      if (summed != right - left) {
        summed = right - left;
        for (size_t k = 0; k < w->kernel_height; k++) {
          float *sum = sums + k * row;
          memcpy(sum, lines + k * row, row * sizeof(float));
          for (size_t j = 1; j < summed; j++)
            add_run(sum, lines + k * row + j * step, row - j * step);
          for (size_t i = 0; i < row; i++) store(rounded, bf16, k * row + i, sum[i]);
        }
      }
      for (size_t k = 0; k < w->kernel_height; k++, to += run)
        copy_run(to, rounded + (k * row + left * step) * size, run);
      left = right;
    }
  }
  return to;
}

VT_CLONES void vt_lower(const vt_window *w, void *out, const void *x, int bf16, size_t maps,
                        float *scratch) {
  size_t pixel = w->channels * (bf16 ? sizeof(vt_bf16) : sizeof(float));
  size_t map = w->height * w->width;
  memset(scratch, 0,
         padded_places(w) * (is_shared(w) ? w->channels * sizeof(float) : pixel) + SLACK);
  char *to = out;
  for (size_t n = 0; n < maps; n++)
    if (!is_shared(w))
      to = lower(w, to, (const char *)x + n * map * pixel, pixel, (char *)scratch);
    else if (bf16)
      to = lower_sums(w, to, x, n * map * w->channels, 1, scratch);
    else
      to = lower_sums(w, to, x, n * map * w->channels, 0, scratch);
}


/// 16 values, which are `floor` where they are less.
VT_INLINE void store_lanes(void *to, int bf16, size_t at, const vt_lanes *x, float floor) {
  vt_lanes least = floor + (vt_lanes){0};
  vt_words is_less = (vt_words)(*x < least);
  vt_words b = ((vt_words)*x & ~is_less) | ((vt_words)least & is_less);
  if (!bf16) {
    *(vt_words *)((float *)to + at) = b;
    return;
  }
  // As to_bf16 rounds.
  vt_words rounded = (b + 0x7FFFu + ((b >> 16) & 1)) >> 16, quiet = (b >> 16) | 0x40u;
  vt_words is_nan = (vt_words)((b & 0x7FFFFFFFu) > 0x7F800000u);
  *(vt_halves *)((vt_bf16 *)to + at) =
      __builtin_convertvector((rounded & ~is_nan) | (quiet & is_nan), vt_halves);
}

/// `n` channels of a place, from `first` on; with more than one, 16 times as many as `vectors`.
VT_INLINE void sum_covers(void *to, size_t at, int bf16, const float *rows, const float *bias,
                          float floor, const uint32_t *down, size_t downs, const uint32_t *across,
                          size_t acrosses, size_t first, int vectors) {
  vt_lanes sums[4] = {0};
  for (int v = 0; bias && v < vectors; v++) sums[v] = *(const vt_lanes *)(bias + first + 16 * v);
  for (size_t i = 0; i < downs; i++) {
    // Apart for each line of windows, so that one sum need not wait for another.
    vt_lanes line[4] = {0};
    for (size_t j = 0; j < acrosses; j++) {
      const float *from = rows + down[i] + across[j] + first;
      for (int v = 0; v < vectors; v++) line[v] += *(const vt_lanes *)(from + 16 * v);
    }
    for (int v = 0; v < vectors; v++) sums[v] += line[v];
  }
  for (int v = 0; v < vectors; v++)
    store_lanes(to, bf16, at + first + 16 * (size_t)v, &sums[v], floor);
}

VT_INLINE void sum_cover(void *to, size_t at, int bf16, const float *rows, const float *bias,
                         float floor, const uint32_t *down, size_t downs, const uint32_t *across,
                         size_t acrosses, size_t channel) {
  float sum = bias ? bias[channel] : 0;
  for (size_t i = 0; i < downs; i++)
    for (size_t j = 0; j < acrosses; j++) sum += rows[down[i] + across[j] + channel];
  store(to, bf16, at + channel, sum < floor ? floor : sum);
}

/// Sums the windows that cover a place, place by place.
VT_INLINE void raise_by_places(const vt_window *w, void *y, int bf16, const float *rows,
                               const float *bias, int relu, size_t maps, float *scratch) {
  size_t channels = w->channels, taps = w->kernel_height * w->kernel_width * channels;
  vt_cover down, across;
  down.starts = (uint32_t *)scratch;
  across.starts = down.starts + w->height + 1;
  down.offsets = across.starts + w->width + 1;
  across.offsets = down.offsets + w->rows * w->kernel_height;
  list_covers(&down, (vt_side){w->height, w->rows, w->source_rows, w->kernel_height,
                               w->stride_height, w->padding_height,
                               w->source_columns * taps, w->kernel_width * channels});
  list_covers(&across, (vt_side){w->width, w->columns, w->source_columns, w->kernel_width,
                                 w->stride_width, w->padding_width, taps, channels});
  float floor = relu ? 0 : -__builtin_inff();
  size_t at = 0;
  for (size_t n = 0; n < maps; n++, rows += w->source_rows * w->source_columns * taps)
    for (size_t i = 0; i < w->height; i++)
      for (size_t j = 0; j < w->width; j++, at += channels) {
        const uint32_t *d = down.offsets + down.starts[i], *a = across.offsets + across.starts[j];
        size_t downs = down.starts[i + 1] - down.starts[i];
        size_t acrosses = across.starts[j + 1] - across.starts[j], c = 0;
        for (; c + 64 <= channels; c += 64)
          sum_covers(y, at, bf16, rows, bias, floor, d, downs, a, acrosses, c, 4);
        for (; c + 32 <= channels; c += 32)
          sum_covers(y, at, bf16, rows, bias, floor, d, downs, a, acrosses, c, 2);
        for (; c + 16 <= channels; c += 16)
          sum_covers(y, at, bf16, rows, bias, floor, d, downs, a, acrosses, c, 1);
        for (; c < channels; c++)
          sum_cover(y, at, bf16, rows, bias, floor, d, downs, a, acrosses, c);
      }
}

/// Values of one channel and phase, which are `step` apart in the map.
VT_INLINE void store_phase(void *to, int bf16, size_t at, size_t step, const float *sums, size_t n,
                           float bias, float floor) {
  for (size_t i = 0; i < n; i++) {
    float x = sums[i] + bias;
    store(to, bf16, at + i * step, x < floor ? floor : x);
  }
}

VT_INLINE void store_line(const vt_window *w, void *to, int bf16, size_t at, const float *sums,
                          const float *bias, float floor) {
  size_t channels = w->channels, stride = w->stride_width, step = stride * channels;
  for (size_t c = 0; c < channels; c++)
    for (size_t phase = 0; phase < stride; phase++, sums += phase_columns(w)) {
      // The first column of the map with that phase.
      size_t x = (phase + stride - w->padding_width % stride) % stride;
      if (x >= w->width) continue;
      size_t n = (w->width - x + stride - 1) / stride, first = (x + w->padding_width) / stride;
      float b = bias ? bias[c] : 0;
      if (step == 1)
        store_phase(to, bf16, at + x, 1, sums + first, n, b, floor);
      else
        store_phase(to, bf16, at + x * channels + c, step, sums + first, n, b, floor);
    }
}

/// Transposes 16 vectors: interleaving the first half with the second four times does it.
VT_INLINE void transpose(vt_lanes x[LANES]) {
  _Pragma("clang loop unroll(full)") for (int round = 0; round < 4; round++) {
    vt_lanes y[LANES];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < LANES / 2; i++) {
      vt_lanes a = x[i], b = x[i + LANES / 2];
      y[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
                                         23);
      y[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                             14, 30, 15, 31);
    }
    memcpy(x, y, sizeof y);
  }
}

/// The taps of a line of windows, each a line of its own: tap t of window j goes to
/// taps[t · tap_line + tap_lead + j].
VT_INLINE void part_taps(const vt_window *w, float *taps, const float *rows,
                         const uint32_t *source, size_t count) {
  for (size_t j = 0; j < w->columns; j += LANES)
    for (size_t t = 0; t < count; t += LANES) {
      vt_lanes x[LANES];
      for (size_t l = 0; l < LANES; l++)
        x[l] = j + l < w->columns ? *(const vt_lanes *)(rows + source[j + l] + t) : (vt_lanes){0};
      transpose(x);
      for (size_t l = 0; l < LANES && t + l < count; l++)
        *(vt_lanes *)(taps + (t + l) * tap_line(w) + tap_lead(w) + j) = x[l];
    }
}

/// Adds a line of windows' taps to the line of sums that they cover.
VT_INLINE void add_taps(const vt_window *w, float *sums, const float *taps) {
  size_t stride = w->stride_width, columns = phase_columns(w), next = w->channels * tap_line(w);
  for (size_t c = 0; c < w->channels; c++)
    for (size_t phase = 0; phase < stride; phase++, sums += columns)
      for (size_t i = 0; i < columns; i += LANES) {
        vt_lanes sum = *(vt_lanes *)(sums + i);
        const float *tap = taps + c * tap_line(w) + tap_lead(w) + i;
        for (size_t x = phase, back = 0; x < w->kernel_width; x += stride, back++)
          sum += *(const vt_lanes *)(tap + x * next - back);
        *(vt_lanes *)(sums + i) = sum;
      }
}

/// Sums the windows that cover a place for whole lines of windows at once.
VT_INLINE void raise_by_lines(const vt_window *w, void *y, int bf16, const float *rows,
                              const float *bias, int relu, size_t maps, float *scratch) {
  size_t channels = w->channels, count = w->kernel_height * w->kernel_width * channels;
  size_t line = line_sums(w), n = w->height * line;
  float floor = relu ? 0 : -__builtin_inff();
  float *sums = scratch, *taps = sums + n;
  uint32_t *source = (uint32_t *)(taps + count * tap_line(w));
  for (size_t j = 0; j < w->columns; j++)
    source[j] = (uint32_t)(nearest(j, w->source_columns, w->columns) * count);
  memset(taps, 0, count * tap_line(w) * sizeof(float));
  for (size_t map = 0; map < maps; map++) {
    memset(sums, 0, n * sizeof(float));
    for (size_t r = 0, i = 0; r < w->source_rows; r++, rows += w->source_columns * count) {
      part_taps(w, taps, rows, source, count);
      for (; i < w->rows && nearest(i, w->source_rows, w->rows) == r; i++)
        for (size_t k = 0; k < w->kernel_height; k++) {
          size_t at = i * w->stride_height + k - w->padding_height;  // wraps above the map
          if (at < w->height)
            add_taps(w, sums + at * line, taps + k * w->kernel_width * channels * tap_line(w));
        }
    }
    for (size_t i = 0; i < w->height; i++)
      store_line(w, y, bf16, (map * w->height + i) * w->width * channels, sums + i * line, bias,
                 floor);
  }
}

VT_CLONES void vt_raise(const vt_window *w, void *y, int bf16, const float *rows,
                        const float *bias, int relu, size_t maps, float *scratch) {
  if (is_narrow(w) && bf16)
    raise_by_lines(w, y, 1, rows, bias, relu, maps, scratch);
  else if (is_narrow(w))
    raise_by_lines(w, y, 0, rows, bias, relu, maps, scratch);
  else if (bf16)
    raise_by_places(w, y, 1, rows, bias, relu, maps, scratch);
  else
    raise_by_places(w, y, 0, rows, bias, relu, maps, scratch);
}

VT_CLONES void vt_transpose(float *restrict out, const float *restrict x, size_t maps, size_t rows,
                            size_t columns) {
  for (size_t n = 0; n < maps; n++, x += rows * columns, out += rows * columns)
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j];
}
