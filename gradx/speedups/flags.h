/* The processor's flags of what went wrong in arithmetic, as far as NumPy warns of it: an invalid
   operation, a division by zero, overflow and underflow. */

#ifndef GRADX_FLAGS_H
#define GRADX_FLAGS_H

#if defined(__SSE2__)
#include <xmmintrin.h>
#else
#include <fenv.h>
#endif

/* The compiler knows nothing of the flags, and might move arithmetic past a look at them. */
#if defined(__GNUC__)
#define KEEP_ORDER __asm__ volatile("" ::: "memory")
#else
#define KEEP_ORDER (void)0
#endif

#if defined(__SSE2__)

static inline int
is_flagged(void)
{
    KEEP_ORDER;
    return (_mm_getcsr() & 0x1d) != 0;
}

static inline void
clear_flags(void)
{
    _mm_setcsr(_mm_getcsr() & ~0x1du);
    KEEP_ORDER;
}

/* The flags as NumPy has them. */
static inline int
errors_flagged(void)
{
    KEEP_ORDER;
    unsigned int csr = _mm_getcsr();
    return (csr & 0x01 ? NPY_FPE_INVALID : 0) | (csr & 0x04 ? NPY_FPE_DIVIDEBYZERO : 0) |
           (csr & 0x08 ? NPY_FPE_OVERFLOW : 0) | (csr & 0x10 ? NPY_FPE_UNDERFLOW : 0);
}

#else

enum { FLAGS = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW };

static inline int
is_flagged(void)
{
    KEEP_ORDER;
    return fetestexcept(FLAGS) != 0;
}

static inline void
clear_flags(void)
{
    feclearexcept(FLAGS);
    KEEP_ORDER;
}

static inline int
errors_flagged(void)
{
    KEEP_ORDER;
    int flags = fetestexcept(FLAGS);
    return (flags & FE_INVALID ? NPY_FPE_INVALID : 0) |
           (flags & FE_DIVBYZERO ? NPY_FPE_DIVIDEBYZERO : 0) |
           (flags & FE_OVERFLOW ? NPY_FPE_OVERFLOW : 0) |
           (flags & FE_UNDERFLOW ? NPY_FPE_UNDERFLOW : 0);
}

#endif

#endif
