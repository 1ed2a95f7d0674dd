// libcusparse.so.12 stand-in: the descriptors and the triangular solves that CuPy's SuperLU calls, as plain loops on host memory.
// Signatures and meaning as in the public cuSPARSE reference (generic API). They count as cuSOLVER's calls do.
#include <complex>
#include <cstddef>
#include <cstdint>
#include "sc_lib.h"
typedef std::complex<float> cf;
typedef std::complex<double> cd;
enum { OK = 0, FAILED = 6, NOT_SUPPORTED = 10 };
#define API(name, ...) extern "C" __attribute__((visibility("default"))) int name(__VA_ARGS__)
struct Handle { void *stream = nullptr; };
typedef Handle *H;
API(cusparseCreate, H *h) { *h = new Handle; return OK; }
API(cusparseDestroy, H h) { delete h; return OK; }
API(cusparseGetVersion, H, int *v) { *v = 12500; return OK; }
API(cusparseSetStream, H h, void *s) { h->stream = s; return OK; }
API(cusparseGetStream, H h, void **s) { *s = h->stream; return OK; }

// ---- descriptors
API(cusparseCreateMatDescr, void **d) { *d = new char; return OK; }
API(cusparseDestroyMatDescr, void *d) { delete (char *)d; return OK; }
API(cusparseSetMatIndexBase, void *, int) { return OK; }
API(cusparseSetMatType, void *, int) { return OK; }
API(cusparseSetMatFillMode, void *, int) { return OK; }
API(cusparseSetMatDiagType, void *, int) { return OK; }
struct Sparse { int64_t rows, cols; void *pointers, *columns, *values; int pointer_type, column_type, upper, unit; };
struct Dense { int64_t rows, cols, ld; void *values; };
API(cusparseCreateCsr, Sparse **d, int64_t rows, int64_t cols, int64_t, void *p, void *c, void *v, int pt, int ct, int base, int) {
    *d = new Sparse{rows, cols, p, c, v, pt, ct, 0, 0}; return base ? NOT_SUPPORTED : OK; }
API(cusparseDestroySpMat, Sparse *d) { delete d; return OK; }
API(cusparseCreateDnMat, Dense **d, int64_t rows, int64_t cols, int64_t ld, void *v, int, int order) {
    *d = new Dense{rows, cols, ld, v}; return order == 1 ? OK : NOT_SUPPORTED; }
API(cusparseDestroyDnMat, Dense *d) { delete d; return OK; }
API(cusparseSpMatSetAttribute, Sparse *d, int attribute, void *data, size_t) {
    (attribute == 0 ? d->upper : d->unit) = *(int *)data; return OK; }

// ---- op(A) X = alpha op(B), of a triangular A in the format csr; other items of A are not read
enum { N = 0, T = 1, C = 2 };
static int64_t index_of(const void *p, int type, int64_t i) { return type == 3 ? ((const int64_t *)p)[i] : ((const int *)p)[i]; }
template <class X> X cj(X x) { return x; }
template <class X> std::complex<X> cj(std::complex<X> x) { return std::conj(x); }
template <class X> static int solve(int opa, int opb, X alpha, Sparse a, Dense b, Dense c) {
    const X *values = (const X *)a.values, *right = (const X *)b.values;
    X *x = (X *)c.values;
    bool forward = (opa == N) != (bool)a.upper;
    for (int64_t k = 0; k < c.cols; k++) {
        for (int64_t i = 0; i < c.rows; i++) {
            X y = opb == N ? right[i + k * b.ld] : right[k + i * b.ld];
            x[i + k * c.ld] = alpha * (opb == C ? cj(y) : y);
        }
        for (int64_t at = 0; at < c.rows; at++) {
            int64_t i = forward ? at : c.rows - 1 - at;
            int64_t from = index_of(a.pointers, a.pointer_type, i), to = index_of(a.pointers, a.pointer_type, i + 1);
            X diagonal(a.unit ? 1 : 0), sum(0);
            for (int64_t p = from; p < to; p++) {
                int64_t j = index_of(a.columns, a.column_type, p);
                if (j == i && !a.unit) diagonal = opa == C ? cj(values[p]) : values[p];
                else if (opa == N && (a.upper ? j > i : j < i)) sum += values[p] * x[j + k * c.ld];
            }
            X found = x[i + k * c.ld] = (x[i + k * c.ld] - sum) / diagonal;
            for (int64_t p = from; p < to && opa != N; p++) {
                int64_t j = index_of(a.columns, a.column_type, p);
                if (a.upper ? j > i : j < i) x[j + k * c.ld] -= (opa == C ? cj(values[p]) : values[p]) * found;
            }
        }
    }
    return OK;
}
#define SOLVE(X) { X alpha = *(const X *)alpha_; return sc_work(h->stream, SC_SOLVER, FAILED, __func__, [=]() -> int { return solve<X>(opa, opb, alpha, sa, db, dc); }); }
API(cusparseSpSM_createDescr, void **d) { *d = new char; return OK; }
API(cusparseSpSM_destroyDescr, void *d) { delete (char *)d; return OK; }
API(cusparseSpSM_bufferSize, H, int, int, const void *, Sparse *, Dense *, Dense *, int, int, void *, size_t *size) { *size = 16; return OK; }
API(cusparseSpSM_analysis, H, int, int, const void *, Sparse *, Dense *, Dense *, int, int, void *, void *) { return OK; }
API(cusparseSpSM_solve, H h, int opa, int opb, const void *alpha_, Sparse *a, Dense *b, Dense *c, int type, int, void *) {
    Sparse sa = *a; Dense db = *b, dc = *c;
    switch (type) {
    case 0: SOLVE(float)
    case 1: SOLVE(double)
    case 4: SOLVE(cf)
    case 5: SOLVE(cd)
    }
    return NOT_SUPPORTED;
}
#ifndef __GEN_STUBS
#include "build/libcusparse.so.12.c"       // stubs for the rest (gen_stubs.py)
#endif
