#define _GNU_SOURCE
#include "vt_processor.h"

#if defined(__x86_64__)
#include <cpuid.h>

/// CPUID leaf 7, subleaf 0, EDX bit 22.
static int has_amx(void) {
  unsigned a, b, c, d;
  return __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
         (d >> 22 & 1);
}

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/// CPUID leaf 7, subleaf 1, EAX bit 5.
static int has_avx512_bf16(void) {
  unsigned a, b, c, d;
  return has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

int vt_has_bf16(void) { return has_amx() || has_avx512_bf16(); }

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

/// CPUID leaf 7, subleaf 0, EDX bits 22 and 24. Linux wants to be asked for the tiles' memory (its
/// x86/xstate documentation), for all threads at once.
static int may_use_tiles(void) {
  unsigned a, b, c, d;
  enum { request = 0x1023, tile_data = 18 };
  return has_avx512_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) &&
         (d >> 24 & 1) && syscall(SYS_arch_prctl, request, tile_data) == 0;
}
#else
static int may_use_tiles(void) { return 0; }
#endif

vt_products vt_best_products(int bf16) {
  if (bf16 && may_use_tiles()) return vt_by_tiles;
  return (bf16 ? has_avx512_bf16() && !has_amx() : has_avx512()) ? vt_by_vectors : vt_no_products;
}
#else
int vt_has_bf16(void) { return 0; }
vt_products vt_best_products(int bf16) {
  (void)bf16;
  return vt_no_products;
}
#endif

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif

int vt_processors(int *numbers, int most) {
  int count = 0;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && count < most; cpu++)
    if (CPU_ISSET(cpu, &set)) numbers[count++] = cpu;
#else
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  while (count < online && count < most) {
    numbers[count] = count;
    count++;
  }
#endif
  return count;
}
