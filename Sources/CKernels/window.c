#include "vt_window.h"

#include <string.h>

#include "vt_clones.h"
#include "vt_convert.h"
#include "vt_inline.h"

static inline size_t padded_width(const vt_window *w) { return w->width + 2 * w->padding_width; }
static inline size_t padded_places(const vt_window *w) {
  return (w->height + 2 * w->padding_height) * padded_width(w);
}

// Copies of runs may go this far beyond their end.
enum { SLACK = 64 };

size_t vt_window_scratch(const vt_window *w) {
  size_t sums = w->source_height * w->source_width * w->channels;
  return padded_places(w) * w->channels + sums + SLACK / sizeof(float);
}

/// The place of the map in memory that stands for place i of n.
static inline size_t nearest(size_t i, size_t source, size_t n) { return i * source / n; }

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
  int resizes = w->source_height != w->height || w->source_width != w->width;
  if (!resizes) {
    for (size_t y = 0; y < w->height; y++)
      memcpy(to + y * row, x + y * w->width * pixel, w->width * pixel);
    return;
  }
  for (size_t y = 0; y < w->height; y++) {
    size_t source = nearest(y, w->source_height, w->height);
    if (y > 0 && source == nearest(y - 1, w->source_height, w->height)) {
      memcpy(to + y * row, to + (y - 1) * row, w->width * pixel);
      continue;
    }
    const char *from = x + source * w->source_width * pixel;
    for (size_t i = 0; i < w->width; i++)
      memcpy(to + y * row + i * pixel, from + nearest(i, w->source_width, w->width) * pixel, pixel);
  }
}

VT_CLONES void vt_lower(const vt_window *w, void *out, const void *x, size_t maps, size_t size,
                        float *scratch) {
  size_t pixel = w->channels * size, row = padded_width(w) * pixel;
  size_t run = w->kernel_width * pixel, map = w->source_height * w->source_width * pixel;
  char *padded = (char *)scratch, *to = out;
  memset(padded, 0, padded_places(w) * pixel + SLACK);
  for (size_t n = 0; n < maps; n++) {
    pad(w, padded, (const char *)x + n * map, pixel);
    for (size_t i = 0; i < w->rows; i++)
      for (size_t j = 0; j < w->columns; j++) {
        const char *from = padded + i * w->stride_height * row + j * w->stride_width * pixel;
        for (size_t k = 0; k < w->kernel_height; k++, to += run) copy_run(to, from + k * row, run);
      }
  }
}

VT_INLINE void add_run(float *restrict to, const float *restrict from, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t j = 0; j < 16; j++) to[i + j] += from[i + j];
  for (; i + 4 <= n; i += 4)
    for (size_t j = 0; j < 4; j++) to[i + j] += from[i + j];
  for (; i < n; i++) to[i] += from[i];
}

VT_INLINE void store_run(void *to, size_t at, int bf16, int relu, const float *restrict from,
                         size_t n) {
  float floor = relu ? 0 : -__builtin_inff();
  if (bf16) {
    vt_bf16 *restrict out = (vt_bf16 *)to + at;
    for (size_t i = 0; i < n; i++) out[i] = to_bf16(from[i] < floor ? floor : from[i]);
  } else {
    float *restrict out = (float *)to + at;
    for (size_t i = 0; i < n; i++) out[i] = from[i] < floor ? floor : from[i];
  }
}

VT_CLONES void vt_raise(const vt_window *w, void *y, int bf16, const float *rows,
                        const float *bias, int relu, size_t maps, float *scratch) {
  size_t channels = w->channels, row = padded_width(w) * channels;
  size_t run = w->kernel_width * channels, width = w->width * channels;
  size_t source_width = w->source_width * channels, map = w->source_height * source_width;
  float *inner = scratch + w->padding_height * row + w->padding_width * channels;
  float *sums = scratch + padded_places(w) * channels;
  int resizes = w->source_height != w->height || w->source_width != w->width;
  for (size_t n = 0; n < maps; n++) {
    memset(scratch, 0, padded_places(w) * channels * sizeof(float));
    for (size_t i = 0; bias && i < w->height; i++)
      for (size_t j = 0; j < w->width; j++)
        memcpy(inner + i * row + j * channels, bias, channels * sizeof(float));
    for (size_t i = 0; i < w->rows; i++)
      for (size_t j = 0; j < w->columns; j++) {
        float *to = scratch + i * w->stride_height * row + j * w->stride_width * channels;
        for (size_t k = 0; k < w->kernel_height; k++, rows += run) add_run(to + k * row, rows, run);
      }
    if (!resizes) {
      for (size_t i = 0; i < w->height; i++)
        store_run(y, n * map + i * width, bf16, relu, inner + i * row, width);
      continue;
    }
    memset(sums, 0, map * sizeof(float));
    for (size_t i = 0; i < w->height; i++) {
      float *to = sums + nearest(i, w->source_height, w->height) * source_width;
      for (size_t j = 0; j < w->width; j++)
        add_run(to + nearest(j, w->source_width, w->width) * channels,
                inner + i * row + j * channels, channels);
    }
    store_run(y, n * map, bf16, relu, sums, map);
  }
}

VT_CLONES void vt_transpose(float *restrict out, const float *restrict x, size_t maps, size_t rows,
                            size_t columns) {
  for (size_t n = 0; n < maps; n++, x += rows * columns, out += rows * columns)
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j];
}
