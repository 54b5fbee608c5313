#pragma once

/// Whether the processor has instructions that multiply bfloat16.
int vt_has_bf16(void);

/// Whether vt_product.h may be used for bf16, or for f32, and is the fastest there is: bf16 has no
/// tile unit (AMX) that is faster yet.
int vt_has_products(int bf16);

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
