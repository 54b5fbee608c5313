#pragma once
// What is used of LAPACK. It is loaded at its first use, so that only tools that need it load it (and
// the Fortran library that it is linked with).

/// Loads LAPACK where that was not done yet. NULL, or why it cannot be used. Comes before all else.
const char *vt_lapack_load(void);

/// The `count` largest eigenvalues of a symmetric matrix, in ascending order, and their
/// eigenvectors, one after the other. Of the matrix, whose rows are `pitch` apart, only i <= j is
/// read; it is destroyed. `values` has room for n. 0, LAPACK's error, or -100 for lack of memory.
int vt_symmetric_eigen(int n, double *matrix, int pitch, int count, double *values, double *vectors);

/// The singular values of a matrix, in descending order: `columns` columns of `rows` values, each
/// `pitch` after the last. The matrix is destroyed. `values` has room for the lesser of rows and
/// columns. 0, LAPACK's error, or -100 for lack of memory.
int vt_singular_values(int rows, int columns, double *matrix, int pitch, double *values);
