#include "sparse_work.h"

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

vt_sparse_work *vt_sparse_work_create(const vt_dictionary *D) {
  vt_sparse_work *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  // A minimum needs no more atoms than dimensions. Past 4096 the exact stage gives way to the
  // iterative solvers rather than hold hundreds of megabytes a thread.
  size_t most = D->atoms < D->width ? D->atoms : D->width;
  most = most < 4096 ? most : 4096;
  size_t capacity = (most + 16) & ~(size_t)15;
  size_t k = D->padded_atoms, d = D->padded_width, n = capacity;
  struct {
    void **to;
    size_t bytes;
  } parts[] = {
      {(void **)&w->x, d * 4},
      {(void **)&w->c, k * 4},
      {(void **)&w->u, k * 4},
      {(void **)&w->blocked, k * 4},
      {(void **)&w->step, k * 4},
      {(void **)&w->a, n * 4},
      {(void **)&w->direction, n * 4},
      {(void **)&w->sign, n * 4},
      {(void **)&w->v, n * 4},
      {(void **)&w->b, n * 4},
      {(void **)&w->index, n * 4},
      {(void **)&w->exact, n * 8},
      {(void **)&w->exact_sign, n * 8},
      {(void **)&w->change, n * 8},
      {(void **)&w->gradient, n * 8},
      {(void **)&w->residual, d * 8},
      {(void **)&w->correlation, k * 8},
      {(void **)&w->atoms_a, k * 8},
      {(void **)&w->atoms_b, k * 8},
      {(void **)&w->tile, 4 * d * 8},
      {(void **)&w->tile_residual, 4 * d * 8},
      {(void **)&w->found, (k + 1) * 4},
      {(void **)&w->inverse, n * n * 4},
      {(void **)&w->factor, n * n * 8},
  };
  size_t count = sizeof parts / sizeof *parts, total = 0;
  for (size_t i = 0; i < count; i++) total += rounded(parts[i].bytes);
  // Only the pages of the two matrices that a support reaches become resident.
  char *next = aligned_alloc(64, total);
  if (!next) {
    free(w);
    return NULL;
  }
  w->memory = next;
  w->most = most;
  w->capacity = capacity;
  for (size_t i = 0; i < count; i++) {
    *parts[i].to = next;
    next += rounded(parts[i].bytes);
  }
  memset(w->memory, 0, (size_t)((char *)w->inverse - (char *)w->memory));
  return w;
}

void vt_sparse_work_destroy(vt_sparse_work *w) {
  if (!w) return;
  free(w->memory);
  free(w);
}
