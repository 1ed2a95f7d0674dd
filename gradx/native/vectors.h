/* How loops over memory are compiled; to be included before them, and after all other headers. */

#ifndef GRADX_VECTORS_H
#define GRADX_VECTORS_H

#if defined(__GNUC__) && !defined(__clang__)
/* Vectors, and each product and difference rounded by itself, as NumPy does. */
#pragma GCC optimize("O3", "fp-contract=off")
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
/* Chosen when the module is loaded, by what the processor has. */
#define EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif
#ifndef EACH_PROCESSOR
#define EACH_PROCESSOR
#endif

#endif
