#pragma once

/// One binary for every processor: the compiler makes a copy of the function for each level below
/// and the loader picks the best the machine has. The copies need inlining into them, so no
/// `noinline` beside this.
#if defined(__x86_64__) && defined(__linux__)
#define VT_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VT_CLONES
#endif

/// Helpers that must end up inside each clone.
#define VT_INLINE static inline __attribute__((always_inline))

/// Square root as the one instruction it is: `sqrtf` would have to set errno, which no loop
/// vectorises.
#if __has_builtin(__builtin_elementwise_sqrt)
#define vt_sqrt __builtin_elementwise_sqrt
#else
#include <math.h>
#define vt_sqrt sqrtf
#endif
