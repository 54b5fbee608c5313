#include <string.h>

#include "vt_clones.h"
#include "vt_tsne.h"

enum {
  leaf_points = 8,    // that are not worth splitting further
  group_points = 64,  // that share one look at their surroundings
  digit_bits = 11
};

typedef struct {
  float low_x, high_x, low_y, high_y;
} box;

/// Puts a zero before each of 16 bits.
VT_INLINE uint32_t spread(uint32_t v) {
  v = (v | v << 8) & 0x00FF00FF;
  v = (v | v << 4) & 0x0F0F0F0F;
  v = (v | v << 2) & 0x33333333;
  return (v | v << 1) & 0x55555555;
}

/// A key is the point's place on Morton's curve, in a grid of 65536 cells a side around all
/// points, above the point's number.
VT_CLONES static void number_cells(uint64_t *restrict key, const float *restrict x,
                                   const float *restrict y, size_t n) {
  float low_x = x[0], low_y = y[0], high_x = x[0], high_y = y[0];
  for (size_t i = 1; i < n; i++) {
    low_x = x[i] < low_x ? x[i] : low_x;
    high_x = x[i] > high_x ? x[i] : high_x;
    low_y = y[i] < low_y ? y[i] : low_y;
    high_y = y[i] > high_y ? y[i] : high_y;
  }
  float side = high_x - low_x > high_y - low_y ? high_x - low_x : high_y - low_y;
  float scale = side > 0 ? 65535 / side : 0;
  for (size_t i = 0; i < n; i++) {
    float cell_x = (x[i] - low_x) * scale, cell_y = (y[i] - low_y) * scale;
    uint32_t cx = (uint32_t)(int32_t)(cell_x < 65535 ? cell_x : 65535);
    uint32_t cy = (uint32_t)(int32_t)(cell_y < 65535 ? cell_y : 65535);
    key[i] = (uint64_t)(spread(cx) | spread(cy) << 1) << 32 | (uint32_t)i;
  }
}

/// Sorts by the upper half, a digit at a time from the lowest; the sorted keys are returned.
static uint64_t *sort(uint64_t *from, uint64_t *to, size_t n) {
  for (int shift = 32; shift < 64; shift += digit_bits) {
    size_t start[1 << digit_bits] = {0}, sum = 0;
    const uint64_t mask = (1 << digit_bits) - 1;
    for (size_t i = 0; i < n; i++) start[from[i] >> shift & mask]++;
    for (size_t d = 0; d <= mask; d++) {
      size_t count = start[d];
      start[d] = sum;
      sum += count;
    }
    for (size_t i = 0; i < n; i++) to[start[from[i] >> shift & mask]++] = from[i];
    uint64_t *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

static box bounds(const vt_quadtree *tree, size_t begin, size_t end) {
  const float *x = tree->x, *y = tree->y;
  box b = {x[begin], x[begin], y[begin], y[begin]};
  for (size_t i = begin + 1; i < end; i++) {
    b.low_x = x[i] < b.low_x ? x[i] : b.low_x;
    b.high_x = x[i] > b.high_x ? x[i] : b.high_x;
    b.low_y = y[i] < b.low_y ? y[i] : b.low_y;
    b.high_y = y[i] > b.high_y ? y[i] : b.high_y;
  }
  return b;
}

static void add_group(vt_quadtree *tree, size_t begin, size_t end, box b) {
  tree->group[tree->groups++] =
      (vt_group){(uint32_t)begin, (uint32_t)end, b.low_x, b.high_x, b.low_y, b.high_y};
}

/// The node of the points begin..<end and all below it. At most 17 deep: each level takes two
/// bits off the keys.
static box build(vt_quadtree *tree, const uint64_t *key, size_t begin, size_t end, int grouped) {
  size_t self = tree->nodes++, count = end - begin;
  double sum_x = 0, sum_y = 0;
  box b;
  uint32_t differ = (uint32_t)(key[begin] >> 32) ^ (uint32_t)(key[end - 1] >> 32);
  int groups_here = !grouped && (count <= group_points || !differ);
  if (count <= leaf_points || !differ) {
    b = bounds(tree, begin, end);
    for (size_t i = begin; i < end; i++) {
      sum_x += tree->x[i];
      sum_y += tree->y[i];
    }
  } else {
    // The quarters of the smallest cell that holds all: the highest digit in which keys differ.
    int shift = 32 + ((31 - __builtin_clz(differ)) & ~1);
    int first = 1;
    for (size_t from = begin; from < end;) {
      uint64_t quarter = key[from] >> shift;
      size_t to = from + 1, high = end;
      while (to < high) {  // the first key of a later quarter
        size_t middle = to + (high - to) / 2;
        if (key[middle] >> shift == quarter)
          to = middle + 1;
        else
          high = middle;
      }
      size_t child = tree->nodes;
      box c = build(tree, key, from, to, grouped || groups_here);
      sum_x += (double)tree->node[child].x * tree->node[child].mass;
      sum_y += (double)tree->node[child].y * tree->node[child].mass;
      if (first) b = c;
      first = 0;
      b.low_x = c.low_x < b.low_x ? c.low_x : b.low_x;
      b.high_x = c.high_x > b.high_x ? c.high_x : b.high_x;
      b.low_y = c.low_y < b.low_y ? c.low_y : b.low_y;
      b.high_y = c.high_y > b.high_y ? c.high_y : b.high_y;
      from = to;
    }
  }
  if (groups_here)
    for (size_t at = begin; at < end; at += group_points)
      add_group(tree, at, at + group_points < end ? at + group_points : end, b);
  float width = b.high_x - b.low_x, height = b.high_y - b.low_y;
  float side = width > height ? width : height;
  tree->node[self] = (vt_node){(float)(sum_x / count), (float)(sum_y / count), (float)count, side * side,
                               (uint32_t)begin, (uint32_t)tree->nodes};
  return b;
}

void vt_quadtree_build(vt_quadtree *tree, const float *x, const float *y) {
  size_t n = tree->points;
  tree->nodes = tree->groups = 0;
  if (n == 0) return;
  number_cells(tree->keys, x, y, n);
  const uint64_t *key = sort(tree->keys, tree->keys + n, n);
  for (size_t i = 0; i < n; i++) {
    uint32_t point = (uint32_t)key[i];
    tree->order[i] = point;
    tree->x[i] = x[point];
    tree->y[i] = y[point];
  }
  build(tree, key, 0, n, 0);
}

size_t vt_quadtree_sources(const vt_quadtree *tree, const vt_group *group, float theta, float *x,
                           float *y, float *m) {
  size_t count = 0;
  float limit = theta * theta;
  for (size_t at = 0; at < tree->nodes;) {
    const vt_node *node = &tree->node[at];
    // From the centre of mass to the nearest place of the group's box.
    float left = group->low_x - node->x, right = node->x - group->high_x;
    float below = group->low_y - node->y, above = node->y - group->high_y;
    float dx = left > right ? left : right, dy = below > above ? below : above;
    dx = dx > 0 ? dx : 0;
    dy = dy > 0 ? dy : 0;
    if (node->square < limit * (dx * dx + dy * dy)) {
      x[count] = node->x;
      y[count] = node->y;
      m[count++] = node->mass;
      at = node->next;
    } else if (node->next == at + 1) {
      size_t points = (size_t)node->mass;
      memcpy(x + count, tree->x + node->begin, points * sizeof(float));
      memcpy(y + count, tree->y + node->begin, points * sizeof(float));
      for (size_t i = 0; i < points; i++) m[count + i] = 1;
      count += points;
      at = node->next;
    } else {
      at++;
    }
  }
  return count;
}
