#include <string.h>

#include "vt_clones.h"
#include "vt_tsne.h"

/// Whether any of 32 candidates is below the threshold.
VT_INLINE int any_below(const float *restrict norm, const float *restrict product,
                        float threshold) {
  int below = 0;
  for (int j = 0; j < 32; j++) below |= norm[j] - 2 * product[j] < threshold;
  return below;
}

VT_INLINE void exchange(vt_nearest *n, size_t a, size_t b) {
  float value = n->value[a];
  uint32_t index = n->index[a];
  n->value[a] = n->value[b];
  n->index[a] = n->index[b];
  n->value[b] = value;
  n->index[b] = index;
}

/// Hoare's quickselect: the k smallest to the front. Equal values keep the lower index, so that
/// the choice does not depend on the order of the work.
void vt_nearest_settle(vt_nearest *n) {
  if (n->held <= n->k) return;
  size_t low = 0, high = n->held - 1, k = n->k - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    float pivot = n->value[middle];
    uint32_t pivot_index = n->index[middle];
    size_t i = low, j = high;
    for (;;) {
      while (n->value[i] < pivot || (n->value[i] == pivot && n->index[i] < pivot_index)) i++;
      while (n->value[j] > pivot || (n->value[j] == pivot && n->index[j] > pivot_index)) j--;
      if (i >= j) break;
      exchange(n, i++, j--);
    }
    if (k <= j)
      high = j;
    else
      low = j + 1;
  }
  n->held = n->k;
  n->threshold = n->value[0];
  for (size_t i = 1; i < n->k; i++)
    if (n->value[i] > n->threshold) n->threshold = n->value[i];
}

VT_INLINE void offer(vt_nearest *n, const float *restrict norm, const float *restrict product,
                     size_t count, uint32_t first) {
  for (size_t j = 0; j < count; j++) {
    float value = norm[j] - 2 * product[j];
    if (!(value < n->threshold)) continue;
    if (n->held == n->capacity) vt_nearest_settle(n);
    if (!(value < n->threshold)) continue;
    n->value[n->held] = value;
    n->index[n->held++] = first + (uint32_t)j;
  }
}

VT_CLONES void vt_nearest_offer(vt_nearest *nearest, const float *restrict norm,
                                const float *restrict product, size_t count, uint32_t first) {
  size_t j = 0;
  for (; j + 32 <= count; j += 32)
    if (any_below(norm + j, product + j, nearest->threshold))
      offer(nearest, norm + j, product + j, 32, first + (uint32_t)j);
  offer(nearest, norm + j, product + j, count - j, first + (uint32_t)j);
}

VT_CLONES float vt_squared_distance(const float *restrict a, const float *restrict b, size_t n) {
#pragma clang fp reassociate(on) contract(fast)
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}
