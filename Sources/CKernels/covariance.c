#include "vt_covariance.h"

#include <string.h>

#include "vt_clones.h"

VT_CLONES void vt_centre_panels(double *restrict panels, const float *restrict x,
                                const double *restrict centre, size_t rows, size_t width,
                                size_t stride) {
  for (size_t first = 0; first < width; first += vt_panel) {
    double *panel = panels + first * stride;
    size_t columns = width - first < vt_panel ? width - first : vt_panel;
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < columns; c++)
        panel[r * vt_panel + c] = (double)x[r * width + first + c] - centre[first + c];
  }
}

/// Half a row of a panel. As plain loops, compilers keep the sums in memory.
typedef double half __attribute__((vector_size(vt_panel / 2 * sizeof(double))));

VT_CLONES void vt_panel_product(double *restrict tile, size_t pitch, const double *restrict a,
                                const double *restrict b, size_t rows) {
#pragma clang fp contract(fast)
  enum { height = 4 };
  for (size_t i = 0; i < vt_panel; i += height) {
    half sum[height][2] = {0};
    for (size_t r = 0; r < rows; r++) {
      half right[2];
      memcpy(right, b + r * vt_panel, sizeof right);
      for (size_t h = 0; h < height; h++) {
        double left = a[r * vt_panel + i + h];
        sum[h][0] += left * right[0];
        sum[h][1] += left * right[1];
      }
    }
    for (size_t h = 0; h < height; h++)
      for (size_t c = 0; c < vt_panel; c++)
        tile[(i + h) * pitch + c] += sum[h][c / (vt_panel / 2)][c % (vt_panel / 2)];
  }
}

VT_CLONES void vt_centre(float *restrict out, const float *restrict x,
                         const double *restrict centre, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < width; c++)
      out[r * width + c] = (float)((double)x[r * width + c] - centre[c]);
}
