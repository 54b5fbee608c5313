#pragma once
#include <stddef.h>

/// The width of a panel: matrices of `width` columns are held as panels of this many columns, each
/// row-major, one after the other; the last is filled up with zeros.
enum { vt_panel = 16 };

/// panels = x − centre, in double: `rows` rows of `width` floats; a panel has `stride` rows.
void vt_centre_panels(double *restrict panels, const float *restrict x,
                      const double *restrict centre, size_t rows, size_t width, size_t stride);

/// tile[i][j] += Σ over rows of a[row][i]·b[row][j], for two panels and a tile of vt_panel rows
/// that are `pitch` doubles apart.
void vt_panel_product(double *restrict tile, size_t pitch, const double *restrict a,
                      const double *restrict b, size_t rows);

/// out = x − centre.
void vt_centre(float *restrict out, const float *restrict x, const double *restrict centre,
               size_t rows, size_t width);
