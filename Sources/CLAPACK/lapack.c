// The routines are called by their Fortran names, which every LAPACK has (the reference, OpenBLAS,
// Accelerate).

#include "vt_lapack.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __APPLE__
#define VT_LAPACK_LIBRARY "/usr/lib/liblapack.dylib"
#else
#define VT_LAPACK_LIBRARY "liblapack.so.3"
#endif

typedef void vt_dsyevr(const char *jobz, const char *range, const char *uplo, const int *n,
                       double *a, const int *lda, const double *vl, const double *vu,
                       const int *il, const int *iu, const double *abstol, int *m, double *w,
                       double *z, const int *ldz, int *isuppz, double *work, const int *lwork,
                       int *iwork, const int *liwork, int *info, size_t jobz_length,
                       size_t range_length, size_t uplo_length);

typedef void vt_dgesdd(const char *jobz, const int *m, const int *n, double *a, const int *lda,
                       double *s, double *u, const int *ldu, double *vt, const int *ldvt,
                       double *work, const int *lwork, int *iwork, int *info, size_t jobz_length);

static vt_dsyevr *dsyevr;
static vt_dgesdd *dgesdd;
static char vt_lapack_failure[256];

static void vt_lapack_find(void) {
  void *library = dlopen(VT_LAPACK_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library) {
    dsyevr = (vt_dsyevr *)dlsym(library, "dsyevr_");
    dgesdd = (vt_dgesdd *)dlsym(library, "dgesdd_");
  }
  if (dsyevr && dgesdd) return;
  const char *reason = dlerror();
  snprintf(vt_lapack_failure, sizeof vt_lapack_failure, "%s", reason ? reason : "not found");
}

const char *vt_lapack_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, vt_lapack_find);
  return *vt_lapack_failure ? vt_lapack_failure : NULL;
}

int vt_symmetric_eigen(int n, double *matrix, int pitch, int count, double *values,
                       double *vectors) {
  int first = n - count + 1, found = 0, info = 0, query = -1, integers = 0;
  double nothing = 0, size = 0;
  int *support = (int *)malloc(2 * (size_t)count * sizeof(int));
  if (!support) return -100;
  // A row-major upper triangle is a column-major lower one.
  dsyevr("V", "I", "L", &n, matrix, &pitch, &nothing, &nothing, &first, &n, &nothing, &found,
         values, vectors, &n, support, &size, &query, &integers, &query, &info, 1, 1, 1);
  if (info == 0) {
    int doubles = (int)size;
    double *work = (double *)malloc((size_t)doubles * sizeof(double));
    int *iwork = (int *)malloc((size_t)integers * sizeof(int));
    if (work && iwork)
      dsyevr("V", "I", "L", &n, matrix, &pitch, &nothing, &nothing, &first, &n, &nothing, &found,
             values, vectors, &n, support, work, &doubles, iwork, &integers, &info, 1, 1, 1);
    else
      info = -100;
    free(work);
    free(iwork);
  }
  free(support);
  return info;
}

int vt_singular_values(int rows, int columns, double *matrix, int pitch, double *values) {
  int least = rows < columns ? rows : columns, one = 1, info = 0, query = -1;
  double nothing = 0, size = 0;
  int *iwork = (int *)malloc(8 * (size_t)least * sizeof(int));
  if (!iwork) return -100;
  dgesdd("N", &rows, &columns, matrix, &pitch, values, &nothing, &one, &nothing, &one, &size,
         &query, iwork, &info, 1);
  if (info == 0) {
    int doubles = (int)size;
    double *work = (double *)malloc((size_t)doubles * sizeof(double));
    if (work)
      dgesdd("N", &rows, &columns, matrix, &pitch, values, &nothing, &one, &nothing, &one, work,
             &doubles, iwork, &info, 1);
    else
      info = -100;
    free(work);
  }
  free(iwork);
  return info;
}
