#pragma once
#include <stddef.h>
#include <stdint.h>

/// Standard normals for `rows` rows of `columns` values, one row each `stride` floats.
/// Row r, column c is a pure function of (seed, purpose, step, first_row + r, c): element c % 4 of
/// two Box–Muller pairs made of the Philox4x32-10 block with key `seed` and counter
/// (c / 4, row low, step, row high << 8 | purpose). No fused operations: the same bits everywhere.
void vt_normals(float *restrict out, size_t rows, size_t columns, size_t stride, uint64_t seed,
                uint8_t purpose, uint32_t step, uint64_t first_row);

/// The same for uniforms in [0, 1) with 24 bits, rows adjacent; `layer` (below 256) keeps streams
/// of one purpose apart.
void vt_uniforms(float *restrict out, size_t rows, size_t columns, uint64_t seed, uint8_t purpose,
                 uint32_t step, uint32_t layer, uint64_t first_row);
