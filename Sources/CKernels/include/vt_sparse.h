#pragma once
#include <stddef.h>
#include <stdint.h>

// Sparse codes of rows x with a dictionary D (k × d, one atom a row):
// minimise over a  ½‖x − aD‖² + λ‖a‖₁, or the same over a ≥ 0.

/// A dictionary in the layouts the kernels read. Padding is zero, rows start on 64 bytes.
typedef struct {
  size_t atoms;         // k
  size_t padded_atoms;  // up to a multiple of 64
  size_t width;         // d
  size_t padded_width;  // up to a multiple of 16
  const float *rows;        // atoms × padded_width
  const float *columns;     // width × padded_atoms
  const float *gram;        // DDᵀ, atoms × padded_atoms
  const double *exact_gram; // the same
} vt_dictionary;

/// What the kernels need besides their arguments: one a thread.
typedef struct vt_sparse_work vt_sparse_work;
vt_sparse_work *vt_sparse_work_create(const vt_dictionary *dictionary);
void vt_sparse_work_destroy(vt_sparse_work *work);

typedef struct {
  double lambda;
  double tolerance;    // relative duality gap, of ½‖x‖²
  int nonnegative;     // a ≥ 0
  int sparsity;        // most non-zeros (matching pursuit), or 0
  size_t iterations;   // the most a row may take
} vt_sparse_options;

/// What became of a row.
enum { VT_SPARSE_DONE = 0, VT_SPARSE_UNSETTLED = 1, VT_SPARSE_LIMIT = 2 };

/// The numbers of one row, in double precision, of the codes as they are written.
typedef struct {
  double energy;     // ½‖x‖²
  double error;      // ½‖x − aD‖²
  double objective;  // error + λ‖a‖₁
  double gap;        // objective − the dual's value; at least the distance to the minimum
  size_t nonzeros;
} vt_certificate;

/// Rows `first`..<`last` of DDᵀ.
void vt_gram(const vt_dictionary *dictionary, float *gram, double *exact_gram, size_t first,
             size_t last);

/// Certifies codes. Adds the rows of x up in `sums` (width) where that is not NULL.
void vt_certify(const vt_dictionary *dictionary, vt_sparse_work *work,
                const vt_sparse_options *options, const float *x, const float *codes, size_t rows,
                vt_certificate *certificates, double *sums);

/// Adds to `uses` (atoms) the rows that use each atom.
void vt_count_uses(const float *codes, size_t rows, size_t atoms, uint64_t *uses);

// Solvers: `rows` rows of x, codes dense (rows × atoms), a status a row.

/// The path of solutions from λmax down to λ, one atom joining or leaving at a time (Osborne et
/// al. 2000; Efron et al. 2004), in single precision with the inverse of the active Gram matrix,
/// then refined in double.
void vt_homotopy(const vt_dictionary *dictionary, vt_sparse_work *work,
                 const vt_sparse_options *options, const float *x, size_t rows, float *codes,
                 uint8_t *status);

/// Coordinate descent in the Gram form over an active set.
void vt_coordinate_descent(const vt_dictionary *dictionary, vt_sparse_work *work,
                           const vt_sparse_options *options, const float *x, size_t rows,
                           float *codes, uint8_t *status);

/// Iterative shrinkage and thresholding with step 1/`lipschitz`, in double precision.
void vt_ista(const vt_dictionary *dictionary, vt_sparse_work *work,
             const vt_sparse_options *options, double lipschitz, const float *x, size_t rows,
             float *codes, uint8_t *status);

/// Orthogonal matching pursuit.
void vt_matching_pursuit(const vt_dictionary *dictionary, vt_sparse_work *work,
                         const vt_sparse_options *options, const float *x, size_t rows,
                         float *codes, uint8_t *status);

/// Soft thresholding of the correlations: one step from zero.
void vt_threshold(const vt_dictionary *dictionary, vt_sparse_work *work,
                  const vt_sparse_options *options, const float *x, size_t rows, float *codes,
                  uint8_t *status);

/// Starts at `codes`, ends at the minimum: an active-set method in double precision (the
/// feature-sign search of Lee et al. 2007). Codes are rounded so that the residual keeps the
/// precision of the smallest code. 0 when `options->iterations` changes of support did not do.
int vt_finish(const vt_dictionary *dictionary, vt_sparse_work *work,
              const vt_sparse_options *options, const float *x, float *codes);

/// A row of a batch in the accelerated iteration (Beck and Teboulle 2009).
typedef struct {
  double momentum;  // t of the sequence
  double energy;    // ½‖x‖² of the scaled row
  double lambda;    // scaled
  double gap;       // at the codes before the last step, from single-precision products
  int exponent;     // of the scale
} vt_fista_row;

/// Scales a row by a power of two into `scaled` and starts its sequence. 0 for a row of zeros.
int vt_fista_start(const vt_dictionary *dictionary, const vt_sparse_options *options,
                   const float *x, float *scaled, vt_fista_row *row);

/// One step of a row, or none and 1 where the gap is within the tolerance. `products` is aG of the
/// current codes; `codes`, `previous` and `previous_products` move on. Restarts where the step goes
/// against the last (O'Donoghue and Candès 2015). `correlations` is xDᵀ of the scaled row.
int vt_fista_step(const vt_dictionary *dictionary, const vt_sparse_options *options,
                  float lipschitz, const float *correlations, float *codes, float *previous,
                  const float *products, float *previous_products, vt_fista_row *row);

/// The row's codes, in its own units.
void vt_fista_end(const vt_dictionary *dictionary, const vt_fista_row *row, const float *scaled,
                  float *codes);

/// x ← aD.
void vt_sparse_decode(const vt_dictionary *dictionary, const float *codes, size_t rows, float *x);

// Learning

/// sum ← keeping·sum + added.
void vt_fade(float *sum, const float *added, float keeping, size_t count);

/// to ← from/‖from‖, or of its positive part; 0 and nothing done where that is zero.
int vt_unit_atom(float *to, const float *from, size_t width, int nonnegative);

/// Moves one of `count` atoms, `stride` apart, to the minimum over the unit sphere of
/// ½Σ A_ij ⟨d_i, d_j⟩ − Σ ⟨b_j, d_j⟩ with the others fixed. `a` and `b` are its rows of the
/// statistics, `scratch` has `width` places.
void vt_update_atom(float *atom, const float *atoms, size_t stride, const float *a, const float *b,
                    size_t own, size_t count, size_t width, int nonnegative, float *scratch);

/// ‖xDᵀ‖∞, or the largest entry where codes are not negative.
double vt_largest_correlation(const vt_dictionary *dictionary, const float *x, int nonnegative);
