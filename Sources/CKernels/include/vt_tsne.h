#pragma once
#include <stddef.h>
#include <stdint.h>

// The loops of t-SNE (van der Maaten and Hinton, 2008). Points of the plane are two arrays, x and
// y. The similarity of two points at distance r is w = 1 / (1 + r²); Z is the sum of all w.

/// The 2-D repulsion, without its 1 / Z, of `sources` points of masses m on `targets` others:
/// out_x[t] = Σ m·w²·(x_t − x_s), out_y likewise, out_w[t] = Σ m·w. m null is 1 for all. A point
/// that is its own source adds 0, and 1 to out_w.
typedef struct {
  float *x, *y, *w;
} vt_forces;
typedef struct {
  const float *x, *y, *m;
} vt_masses;
void vt_repulsion(vt_forces out, const float *x, const float *y, size_t targets,
                  vt_masses sources, size_t count);

/// Affinities p of points to few others, compressed rows: those of row i are at offset[i] up to
/// offset[i + 1]; column names the other point.
typedef struct {
  const size_t *offset;
  const uint32_t *column;
  const float *p;
} vt_affinities;

/// Where the points are and how they move. Each array has one value a point.
typedef struct {
  float *x, *y, *velocity_x, *velocity_y, *gain_x, *gain_y;
} vt_layout;

/// One step of gradient descent with momentum and gains (Jacobs, 1988) for the points
/// first..<last, whose new places go to next_x and next_y:
/// gradient = 4·(exaggeration · Σ p·w·(x_i − x_j) − repulsion · inverse_z).
typedef struct {
  float exaggeration, inverse_z, rate, momentum;
} vt_tsne_step;
void vt_tsne_move(float *restrict next_x, float *restrict next_y, vt_layout layout,
                  vt_affinities affinities, vt_forces repulsion, size_t first, size_t last,
                  vt_tsne_step step);

/// Σ p·ln(1 + r²) over the affinities of the points first..<last.
double vt_tsne_stress(const float *restrict x, const float *restrict y, vt_affinities affinities,
                      size_t first, size_t last);

/// A quadtree over points of the plane (Barnes and Hut, 1986), its nodes in depth-first order.
typedef struct {
  float x, y;        // the centre of mass
  float mass;        // the number of points
  float square;      // the square of the longer side of the box around the points
  uint32_t begin;    // its points: begin ..< begin + mass in the tree's order
  uint32_t next;     // the node that follows the last of this one's descendants
} vt_node;

/// A run of neighbouring points that see the rest of the tree alike, and the box around them.
typedef struct {
  uint32_t begin, end;
  float low_x, high_x, low_y, high_y;
} vt_group;

/// Memory and result. Filled in by the caller for `points` points: the arrays, which have room for
/// 2·points keys, `points` of order, x and y, 2·points nodes and `points` groups.
typedef struct {
  size_t points, nodes, groups;
  uint64_t *keys;
  uint32_t *order;  // the points along the tree's curve
  float *x, *y;     // their places in that order
  vt_node *node;
  vt_group *group;
} vt_quadtree;
void vt_quadtree_build(vt_quadtree *tree, const float *x, const float *y);

/// What a group feels: points of its surroundings as they are, and farther ones lumped together,
/// where the side of a box is less than θ times its distance. Returns how many went to x, y and m,
/// which have room for tree->points.
size_t vt_quadtree_sources(const vt_quadtree *tree, const vt_group *group, float theta, float *x,
                           float *y, float *m);

/// The k best of a row of candidates that comes in pieces. `threshold` is the k-th best so far;
/// `value` and `index` have room for `capacity`, at least k + 1. Begin with held = 0 and
/// threshold = INFINITY.
typedef struct {
  float *value;
  uint32_t *index;
  size_t held, k, capacity;
  float threshold;
} vt_nearest;

/// Offers `count` candidates numbered from first, of value norm[j] − 2·product[j].
void vt_nearest_offer(vt_nearest *nearest, const float *restrict norm,
                      const float *restrict product, size_t count, uint32_t first);
/// Leaves the k best (or all, if fewer came), in no order.
void vt_nearest_settle(vt_nearest *nearest);

/// ‖a − b‖².
float vt_squared_distance(const float *restrict a, const float *restrict b, size_t n);
