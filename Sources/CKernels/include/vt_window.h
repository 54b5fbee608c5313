#pragma once
// What turns convolutions into matrix products: the windows of maps as rows of a matrix ("im2col"),
// and back. Maps lie row by row, the channels of a place side by side (NHWC).
#include <stddef.h>
#include <stdint.h>

/// Windows of kernel_height × kernel_width places, a stride apart, on a map of height × width places
/// with zeros around it. A row of the matrix is a window, its places row by row.
typedef struct {
  size_t height, width, channels;
  /// Windows down and across.
  size_t rows, columns;
  /// As many rows of the matrix as there are windows; or fewer, where each stands for several: window
  /// i of n is row ⌊i·source / n⌋.
  size_t source_rows, source_columns;
  size_t kernel_height, kernel_width;
  size_t stride_height, stride_width;
  size_t padding_height, padding_width;
} vt_window;

/// Floats of scratch memory that `vt_lower` and `vt_raise` need.
size_t vt_window_scratch(const vt_window *window);

/// out[maps · source_rows · source_columns, kernel_height · kernel_width · channels] from
/// x[maps, height, width, channels], of f32 or bf16: the windows, or the sum of those that a row
/// stands for. Up to 64 bytes behind the end of `out` and of `x` may be written and read.
void vt_lower(const vt_window *window, void *out, const void *x, int bf16, size_t maps,
              float *scratch);

/// y[maps, height, width, channels] = bias[channels] (or 0) + the sum of the windows that cover a
/// place, rectified where `relu`; f32 or bf16. Up to 64 bytes behind the end of `rows` may be read.
void vt_raise(const vt_window *window, void *y, int bf16, const float *rows, const float *bias,
              int relu, size_t maps, float *scratch);

/// Each of `maps` matrices x[rows, columns] transposed.
void vt_transpose(float *restrict out, const float *restrict x, size_t maps, size_t rows,
                  size_t columns);
