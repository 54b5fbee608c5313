#pragma once

/// Whether the processor has instructions that multiply bfloat16.
int vt_has_bf16(void);

/// What vt_product.h can multiply with: vectors (AVX-512, for bf16 AVX512-BF16), or for bf16 the tile
/// unit (AMX).
typedef enum { vt_no_products, vt_by_vectors, vt_by_tiles } vt_products;

/// The fastest that this processor has for bf16, or for f32.
vt_products vt_best_products(int bf16);

/// The numbers of the processors that this process may run on, at most `most` of them; returns how
/// many there are, 0 where the system does not say.
int vt_processors(int *numbers, int most);

/// A hint to the processor that this thread is spinning.
static inline void vt_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
