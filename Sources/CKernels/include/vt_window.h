#pragma once
// What turns convolutions into matrix products: the windows of maps as rows of a matrix ("im2col"),
// and back. Maps lie row by row, the channels of a place side by side (NHWC).
#include <stddef.h>
#include <stdint.h>

/// Windows of kernel_height × kernel_width places, a stride apart, on a map of height × width places
/// with zeros around it.
typedef struct {
  size_t height, width, channels;
  /// What lies in memory: a map of this many places, resized to height × width by the nearest
  /// neighbour (place i of n is place ⌊i·source / n⌋).
  size_t source_height, source_width;
  /// Windows down and across: those that the padded map has room for.
  size_t rows, columns;
  size_t kernel_height, kernel_width;
  size_t stride_height, stride_width;
  size_t padding_height, padding_width;
} vt_window;

/// Floats of scratch memory that `vt_lower` and `vt_raise` need.
size_t vt_window_scratch(const vt_window *window);

/// out[maps · rows · columns, kernel_height · kernel_width · channels] from
/// x[maps, source_height, source_width, channels], of elements of `size` bytes. Up to 64 bytes behind
/// the end of `out` and of `x` may be written and read.
void vt_lower(const vt_window *window, void *out, const void *x, size_t maps, size_t size,
              float *scratch);

/// y[maps, source_height, source_width, channels] = bias[channels] (or 0) + the sum of all window
/// rows that cover a place, rectified where `relu`; f32 or bf16. The order of each sum is that of
/// the windows.
void vt_raise(const vt_window *window, void *y, int bf16, const float *rows, const float *bias,
              int relu, size_t maps, float *scratch);

/// Each of `maps` matrices x[rows, columns] transposed.
void vt_transpose(float *restrict out, const float *restrict x, size_t maps, size_t rows,
                  size_t columns);
