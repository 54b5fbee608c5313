#include "vt_tsne.h"

#include <math.h>

#include "vt_clones.h"

/// For `n` targets at once, so that each load of a source serves them all. Sums run in as many
/// lanes as the processor has.
VT_INLINE void repel(vt_forces out, const float *restrict x, const float *restrict y, int n,
                     vt_masses from, size_t count, int weighted) {
#pragma clang fp reassociate(on) contract(fast)
  float sum_x[4] = {0}, sum_y[4] = {0}, sum_w[4] = {0};
  for (size_t s = 0; s < count; s++) {
    for (int t = 0; t < n; t++) {
      float dx = x[t] - from.x[s], dy = y[t] - from.y[s];
      float w = 1 / (1 + dx * dx + dy * dy), v = weighted ? from.m[s] * w : w;
      sum_w[t] += v;
      v *= w;
      sum_x[t] += v * dx;
      sum_y[t] += v * dy;
    }
  }
  for (int t = 0; t < n; t++) {
    out.x[t] = sum_x[t];
    out.y[t] = sum_y[t];
    out.w[t] = sum_w[t];
  }
}

VT_CLONES void vt_repulsion(vt_forces out, const float *x, const float *y, size_t targets,
                            vt_masses sources, size_t count) {
  size_t t = 0;
  for (; t + 4 <= targets; t += 4) {
    vt_forces to = {out.x + t, out.y + t, out.w + t};
    if (sources.m)
      repel(to, x + t, y + t, 4, sources, count, 1);
    else
      repel(to, x + t, y + t, 4, sources, count, 0);
  }
  for (; t < targets; t++) {
    vt_forces to = {out.x + t, out.y + t, out.w + t};
    if (sources.m)
      repel(to, x + t, y + t, 1, sources, count, 1);
    else
      repel(to, x + t, y + t, 1, sources, count, 0);
  }
}

/// One coordinate: its gain grows where the gradient keeps its direction and shrinks where not.
VT_INLINE float moved(float place, float gradient, float *velocity, float *gain,
                      vt_tsne_step step) {
  float g = *velocity * gradient < 0 ? *gain + 0.2f : *gain * 0.8f;
  g = g < 0.01f ? 0.01f : g;
  *gain = g;
  *velocity = step.momentum * *velocity - step.rate * g * gradient;
  return place + *velocity;
}

VT_CLONES void vt_tsne_move(float *restrict next_x, float *restrict next_y, vt_layout layout,
                            vt_affinities affinities, vt_forces repulsion, size_t first,
                            size_t last, vt_tsne_step step) {
#pragma clang fp reassociate(on) contract(fast)
  const float *restrict x = layout.x, *restrict y = layout.y;
  const uint32_t *restrict column = affinities.column;
  const float *restrict p = affinities.p;
  for (size_t i = first; i < last; i++) {
    float here_x = x[i], here_y = y[i], sum_x = 0, sum_y = 0;
    for (size_t e = affinities.offset[i]; e < affinities.offset[i + 1]; e++) {
      uint32_t j = column[e];
      float dx = here_x - x[j], dy = here_y - y[j];
      float pull = p[e] / (1 + dx * dx + dy * dy);
      sum_x += pull * dx;
      sum_y += pull * dy;
    }
    float gx = 4 * (step.exaggeration * sum_x - repulsion.x[i] * step.inverse_z);
    float gy = 4 * (step.exaggeration * sum_y - repulsion.y[i] * step.inverse_z);
    next_x[i] = moved(here_x, gx, layout.velocity_x + i, layout.gain_x + i, step);
    next_y[i] = moved(here_y, gy, layout.velocity_y + i, layout.gain_y + i, step);
  }
}

double vt_tsne_stress(const float *restrict x, const float *restrict y, vt_affinities affinities,
                      size_t first, size_t last) {
  double sum = 0;
  for (size_t i = first; i < last; i++) {
    for (size_t e = affinities.offset[i]; e < affinities.offset[i + 1]; e++) {
      uint32_t j = affinities.column[e];
      float dx = x[i] - x[j], dy = y[i] - y[j];
      sum += (double)affinities.p[e] * log1pf(dx * dx + dy * dy);
    }
  }
  return sum;
}
