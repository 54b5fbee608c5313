#pragma once
// The routines of LAPACK that are used, by their Fortran names, which every LAPACK has (the
// reference, OpenBLAS, Accelerate), whatever C headers come with it.
#include <stddef.h>
#include <stdlib.h>

void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a,
             const int *lda, const double *vl, const double *vu, const int *il, const int *iu,
             const double *abstol, int *m, double *w, double *z, const int *ldz, int *isuppz,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info,
             size_t jobz_length, size_t range_length, size_t uplo_length);

/// The `count` largest eigenvalues of a symmetric matrix, in ascending order, and their
/// eigenvectors, one after the other. Of the matrix, whose rows are `pitch` apart, only i <= j is
/// read; it is destroyed. `values` has room for n. 0, LAPACK's error, or -100 for lack of memory.
static inline int vt_symmetric_eigen(int n, double *matrix, int pitch, int count, double *values,
                                     double *vectors) {
  int first = n - count + 1, found = 0, info = 0, query = -1, integers = 0;
  double nothing = 0, size = 0;
  int *support = (int *)malloc(2 * (size_t)count * sizeof(int));
  if (!support) return -100;
  // A row-major upper triangle is a column-major lower one.
  dsyevr_("V", "I", "L", &n, matrix, &pitch, &nothing, &nothing, &first, &n, &nothing, &found,
          values, vectors, &n, support, &size, &query, &integers, &query, &info, 1, 1, 1);
  if (info == 0) {
    int doubles = (int)size;
    double *work = (double *)malloc((size_t)doubles * sizeof(double));
    int *iwork = (int *)malloc((size_t)integers * sizeof(int));
    if (work && iwork)
      dsyevr_("V", "I", "L", &n, matrix, &pitch, &nothing, &nothing, &first, &n, &nothing, &found,
              values, vectors, &n, support, work, &doubles, iwork, &integers, &info, 1, 1, 1);
    else
      info = -100;
    free(work);
    free(iwork);
  }
  free(support);
  return info;
}

void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s,
             double *u, const int *ldu, double *vt, const int *ldvt, double *work,
             const int *lwork, int *iwork, int *info, size_t jobz_length);

/// The singular values of a matrix, in descending order: `columns` columns of `rows` values, each
/// `pitch` after the last. The matrix is destroyed. `values` has room for the lesser of rows and
/// columns. 0, LAPACK's error, or -100 for lack of memory.
static inline int vt_singular_values(int rows, int columns, double *matrix, int pitch,
                                     double *values) {
  int least = rows < columns ? rows : columns, one = 1, info = 0, query = -1;
  double nothing = 0, size = 0;
  int *iwork = (int *)malloc(8 * (size_t)least * sizeof(int));
  if (!iwork) return -100;
  dgesdd_("N", &rows, &columns, matrix, &pitch, values, &nothing, &one, &nothing, &one, &size,
          &query, iwork, &info, 1);
  if (info == 0) {
    int doubles = (int)size;
    double *work = (double *)malloc((size_t)doubles * sizeof(double));
    if (work)
      dgesdd_("N", &rows, &columns, matrix, &pitch, values, &nothing, &one, &nothing, &one, work,
              &doubles, iwork, &info, 1);
    else
      info = -100;
    free(work);
  }
  free(iwork);
  return info;
}
