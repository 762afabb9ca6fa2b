#define _GNU_SOURCE
/* A clock for calls that take tens of nanoseconds: the processor's own counter, measured against the system's clock. */
#include "guard_internal.h"

#include <time.h>

/* Ticks per 2^20 ns, and the two clocks at the first measurement. */
static _Atomic uint64_t rate = 1 << 20;
static _Atomic uint64_t first_ticks, first_ns;

uint64_t pg_mono_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t pg_ticks(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    return pg_mono_ns();
#endif
}

void pg_calibrate(void) {
    enum { FIRST_NS = 1000000 };
    if (first_ns == 0) {
        first_ticks = pg_ticks();
        first_ns = pg_mono_ns();
        while (pg_mono_ns() - first_ns < FIRST_NS) {}
    }
    const uint64_t ns = pg_mono_ns() - first_ns, ticks = pg_ticks() - first_ticks;
    if (ns < FIRST_NS || ticks == 0) return;
    const uint64_t measured = (uint64_t)(((unsigned __int128)ticks << 20) / ns);
    if (measured > 0) rate = measured;
}

uint64_t pg_ticks_of_ns(uint64_t ns) {
    return (uint64_t)((unsigned __int128)ns * atomic_load_explicit(&rate, memory_order_relaxed) >> 20);
}

uint64_t pg_ns_of_ticks(uint64_t ticks) {
    return (uint64_t)(((unsigned __int128)ticks << 20) / atomic_load_explicit(&rate, memory_order_relaxed));
}
