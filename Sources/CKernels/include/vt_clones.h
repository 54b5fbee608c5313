#pragma once

/// One binary for every processor: the compiler makes a copy of the function for each level below
/// and the loader picks the best the machine has. The copies need inlining into them, so no
/// `noinline` beside this.
///
/// What picks it runs before the runtime of a sanitizer does, and would call into it: builds with
/// one have plain functions.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer) || __has_feature(coverage_sanitizer)
#define VT_PLAIN
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(VT_PLAIN)
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
