// libcusolver.so.11 stand-in: the dense factorisations that cupy.linalg uses, on the LAPACK of the scipy-openblas32 wheel.
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>
#include "sc_lib.h"
typedef std::complex<float> cf;
typedef std::complex<double> cd;
struct Handle { void *stream = nullptr; };
typedef Handle *H;
enum { OK = 0, NOT_SUPPORTED = 9 };
#define API(name, ...) extern "C" __attribute__((visibility("default"))) int name(__VA_ARGS__)
#define LA(f) scipy_##f##_
static const char *UPLO[] = {"L", "U"}, *TRANS[] = {"N", "T", "C"}, *SIDE[] = {"L", "R"}, *JOBZ[] = {"N", "V"};

#define WORK(...) return sc_work(h->stream, SC_SOLVER, 6, __func__, [=]() mutable -> int { __VA_ARGS__ });
API(cusolverDnCreate, H *h) { *h = new Handle; return OK; }
API(cusolverDnDestroy, H h) { delete h; return OK; }
API(cusolverDnSetStream, H h, void *s) { h->stream = s; return OK; }
API(cusolverDnGetStream, H h, void **s) { *s = h->stream; return OK; }
API(cusolverDnCreateParams, void **h) { *h = new char; return OK; }
API(cusolverDnDestroyParams, void *h) { delete (char *)h; return OK; }
API(cusolverGetProperty, int type, int *v) { *v = type == 0 ? 11 : type == 1 ? 7 : 5; return OK; }

#define LINALG(P, L, X, R, ORG, ORM, EV) \
extern "C" { \
void LA(L##potrf)(const char *, int *, X *, int *, int *); void LA(L##potrs)(const char *, int *, int *, X *, int *, X *, int *, int *); \
void LA(L##getrf)(int *, int *, X *, int *, int *, int *); void LA(L##getrs)(const char *, int *, int *, X *, int *, int *, X *, int *, int *); \
void LA(L##geqrf)(int *, int *, X *, int *, X *, X *, int *, int *); void LA(L##ORG)(int *, int *, int *, X *, int *, X *, X *, int *, int *); \
void LA(L##ORM)(const char *, const char *, int *, int *, int *, X *, int *, X *, X *, int *, X *, int *, int *); } \
API(cusolverDn##P##potrf_bufferSize, H, int, int, X *, int, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##potrf, H h, int u, int n, X *a, int lda, X *, int, int *info) { WORK(LA(L##potrf)(UPLO[u], &n, a, &lda, info); return OK;) } \
API(cusolverDn##P##potrs, H h, int u, int n, int m, X *a, int lda, X *b, int ldb, int *info) { WORK(LA(L##potrs)(UPLO[u], &n, &m, a, &lda, b, &ldb, info); return OK;) } \
API(cusolverDn##P##potrfBatched, H h, int u, int n, X **a, int lda, int *info, int c) { WORK(for (int i = 0; i < c; i++) LA(L##potrf)(UPLO[u], &n, a[i], &lda, info + i); return OK;) } \
API(cusolverDn##P##potrsBatched, H h, int u, int n, int m, X **a, int lda, X **b, int ldb, int *info, int c) { WORK(for (int i = 0; i < c; i++) LA(L##potrs)(UPLO[u], &n, &m, a[i], &lda, b[i], &ldb, info); return OK;) } \
API(cusolverDn##P##getrf_bufferSize, H, int, int, X *, int, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##getrf, H h, int m, int n, X *a, int lda, X *, int *piv, int *info) { \
    WORK(std::vector<int> p(m < n ? m : n); LA(L##getrf)(&m, &n, a, &lda, p.data(), info); if (piv) for (size_t i = 0; i < p.size(); i++) piv[i] = p[i]; return OK;) } \
API(cusolverDn##P##getrs, H h, int t, int n, int m, X *a, int lda, int *piv, X *b, int ldb, int *info) { WORK(LA(L##getrs)(TRANS[t], &n, &m, a, &lda, piv, b, &ldb, info); return OK;) } \
API(cusolverDn##P##geqrf_bufferSize, H, int, int, X *, int, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##geqrf, H h, int m, int n, X *a, int lda, X *tau, X *, int, int *info) { WORK(int l = 64 * (n + 1); std::vector<X> w(l); LA(L##geqrf)(&m, &n, a, &lda, tau, w.data(), &l, info); return OK;) } \
API(cusolverDn##P##ORG##_bufferSize, H, int, int, int, X *, int, X *, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##ORG, H h, int m, int n, int k, X *a, int lda, X *tau, X *, int, int *info) { WORK(int l = 64 * (n + 1); std::vector<X> w(l); LA(L##ORG)(&m, &n, &k, a, &lda, tau, w.data(), &l, info); return OK;) } \
API(cusolverDn##P##ORM##_bufferSize, H, int, int, int, int, int, X *, int, X *, X *, int, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##ORM, H h, int s, int t, int m, int n, int k, X *a, int lda, X *tau, X *c, int ldc, X *, int, int *info) { \
    WORK(int l = 64 * (m + n + 1); std::vector<X> w(l); LA(L##ORM)(SIDE[s], TRANS[t], &m, &n, &k, a, &lda, tau, c, &ldc, w.data(), &l, info); return OK;) } \
API(cusolverDn##P##gesvd_bufferSize, H, int, int, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##gesvd, H h, signed char ju, signed char jv, int m, int n, X *a, int lda, R *s, X *u, int ldu, X *vt, int ldv, X *, int, R *, int *info) { \
    WORK(char U = ju, V = jv; *info = svd(U, V, m, n, a, lda, s, u, ldu, vt, ldv); return OK;) } \
API(cusolverDn##P##EV##_bufferSize, H, int, int, int, X *, int, R *, int *w) { *w = 1; return OK; } \
API(cusolverDn##P##EV, H h, int j, int u, int n, X *a, int lda, R *w, X *, int, int *info) { WORK(*info = eig(j, u, n, a, lda, w); return OK;) }

#define REAL(L, X) extern "C" { void LA(L##gesvd)(char *, char *, int *, int *, X *, int *, X *, X *, int *, X *, int *, X *, int *, int *); void LA(L##syev)(const char *, const char *, int *, X *, int *, X *, X *, int *, int *); } \
static int svd(char U, char V, int m, int n, X *a, int lda, X *s, X *u, int ldu, X *vt, int ldv) { int l = 8 * (m + n) + 64, info; std::vector<X> w(l); LA(L##gesvd)(&U, &V, &m, &n, a, &lda, s, u, &ldu, vt, &ldv, w.data(), &l, &info); return info; } \
static int eig(int j, int u, int n, X *a, int lda, X *e) { int l = 40 * n + 64, info; std::vector<X> w(l); LA(L##syev)(JOBZ[j], UPLO[u], &n, a, &lda, e, w.data(), &l, &info); return info; }
#define CPLX(L, X, R) extern "C" { void LA(L##gesvd)(char *, char *, int *, int *, X *, int *, R *, X *, int *, X *, int *, X *, int *, R *, int *); void LA(L##heev)(const char *, const char *, int *, X *, int *, R *, X *, int *, R *, int *); } \
static int svd(char U, char V, int m, int n, X *a, int lda, R *s, X *u, int ldu, X *vt, int ldv) { int l = 8 * (m + n) + 64, info; std::vector<X> w(l); std::vector<R> r(5 * (m < n ? m : n) + 1); LA(L##gesvd)(&U, &V, &m, &n, a, &lda, s, u, &ldu, vt, &ldv, w.data(), &l, r.data(), &info); return info; } \
static int eig(int j, int u, int n, X *a, int lda, R *e) { int l = 40 * n + 64, info; std::vector<X> w(l); std::vector<R> r(3 * n + 1); LA(L##heev)(JOBZ[j], UPLO[u], &n, a, &lda, e, w.data(), &l, r.data(), &info); return info; }
REAL(s, float) REAL(d, double) CPLX(c, cf, float) CPLX(z, cd, double)
LINALG(S, s, float, float, orgqr, ormqr, syevd) LINALG(D, d, double, double, orgqr, ormqr, syevd)
LINALG(C, c, cf, float, ungqr, unmqr, heevd) LINALG(Z, z, cd, double, ungqr, unmqr, heevd)

// Jacobi SVD interface: full (or economy) U and V; V itself, not its conjugate transpose
template <class X> X cjg(X x) { return x; }
template <class X> std::complex<X> cjg(std::complex<X> x) { return std::conj(x); }
template <class X, class R> static int svd_v(int jobz, int econ, int m, int n, X *a, int lda, R *s, X *u, int ldu, X *v, int ldv) {
    int k = m < n ? m : n, nv = econ ? k : n;
    char j = !jobz ? 'N' : econ ? 'S' : 'A';
    std::vector<X> vt((size_t)nv * n + 1);
    int info = svd(j, j, m, n, a, lda, s, u, ldu, vt.data(), nv);
    if (jobz)
        for (int c = 0; c < nv; c++) for (int r = 0; r < n; r++) v[r + (size_t)c * ldv] = cjg(vt[c + (size_t)r * nv]);
    return info;
}
#define SVDJ(P, X, R) \
API(cusolverDn##P##gesvdj_bufferSize, H, int, int, int, int, const X *, int, const R *, const X *, int, const X *, int, int *w, H) { *w = 1; return OK; } \
API(cusolverDn##P##gesvdj, H h, int j, int e, int m, int n, X *a, int lda, R *s, X *u, int ldu, X *v, int ldv, X *, int, int *info, H) { WORK(*info = svd_v(j, e, m, n, a, lda, s, u, ldu, v, ldv); return OK;) } \
API(cusolverDn##P##gesvdjBatched_bufferSize, H, int, int, int, const X *, int, const R *, const X *, int, const X *, int, int *w, H, int) { *w = 1; return OK; } \
API(cusolverDn##P##gesvdjBatched, H h, int j, int m, int n, X *a, int lda, R *s, X *u, int ldu, X *v, int ldv, X *, int, int *info, H, int c) { \
    WORK(for (int i = 0; i < c; i++) info[i] = svd_v(j, 0, m, n, a + (size_t)i * lda * n, lda, s + (size_t)i * (m < n ? m : n), u + (size_t)i * ldu * m, ldu, v + (size_t)i * ldv * n, ldv); return OK;) }
SVDJ(S, float, float) SVDJ(D, double, double) SVDJ(C, cf, float) SVDJ(Z, cd, double)
API(cusolverDnCreateGesvdjInfo, void **h) { *h = new char; return OK; }
API(cusolverDnDestroyGesvdjInfo, void *h) { delete (char *)h; return OK; }
API(cusolverDnXgesvdjSetTolerance, H, double) { return OK; }
API(cusolverDnXgesvdjSetMaxSweeps, H, int) { return OK; }
API(cusolverDnXgesvdjSetSortEig, H, int) { return OK; }

// Jacobi eigenvalue interface, by the same LAPACK functions; its eigenvalues come in ascending order too
#define EVJ(P, EV, X, R) \
API(cusolverDn##P##EV##_bufferSize, H, int, int, int, const X *, int, const R *, int *w, H) { *w = 1; return OK; } \
API(cusolverDn##P##EV, H h, int j, int u, int n, X *a, int lda, R *w, X *, int, int *info, H) { WORK(*info = eig(j, u, n, a, lda, w); return OK;) } \
API(cusolverDn##P##EV##Batched_bufferSize, H, int, int, int, const X *, int, const R *, int *w, H, int) { *w = 1; return OK; } \
API(cusolverDn##P##EV##Batched, H h, int j, int u, int n, X *a, int lda, R *w, X *, int, int *info, H, int c) { \
    WORK(for (int i = 0; i < c; i++) info[i] = eig(j, u, n, a + (size_t)i * lda * n, lda, w + (size_t)i * n); return OK;) }
EVJ(S, syevj, float, float) EVJ(D, syevj, double, double) EVJ(C, heevj, cf, float) EVJ(Z, heevj, cd, double)
API(cusolverDnCreateSyevjInfo, void **h) { *h = new char; return OK; }
API(cusolverDnDestroySyevjInfo, void *h) { delete (char *)h; return OK; }
API(cusolverDnXsyevjSetTolerance, H, double) { return OK; }
API(cusolverDnXsyevjSetMaxSweeps, H, int) { return OK; }
API(cusolverDnXsyevjSetSortEig, H, int) { return OK; }

// cudaDataType: 0 f32, 1 f64, 4 c32, 5 c64
API(cusolverDnXsyevd_bufferSize, H, H, int, int, int64_t, int, const void *, int64_t, int, const void *, int, size_t *d, size_t *h) { *d = *h = 16; return OK; }
API(cusolverDnXsyevd, H h, H, int j, int u, int64_t n, int t, void *a, int64_t lda, int, void *w, int, void *, size_t, void *, size_t, int *info) {
    WORK(switch (t) {
    case 0: *info = eig(j, u, (int)n, (float *)a, (int)lda, (float *)w); return OK;
    case 1: *info = eig(j, u, (int)n, (double *)a, (int)lda, (double *)w); return OK;
    case 4: *info = eig(j, u, (int)n, (cf *)a, (int)lda, (float *)w); return OK;
    case 5: *info = eig(j, u, (int)n, (cd *)a, (int)lda, (double *)w); return OK;
    }
    return NOT_SUPPORTED;) }

// eigenvalues of any matrix: those of a real one are complex numbers, and its vectors LAPACK's pairs of real columns
#define GEEV(L, X) extern "C" void LA(L##geev)(const char *, const char *, int *, X *, int *, X *, X *, X *, int *, X *, int *, X *, int *, int *); \
static int geev(int j, int n, X *a, int lda, std::complex<X> *w, X *v, int ldv) { \
    int l = 8 * n + 64, info, one = 1; std::vector<X> re(n), im(n), work(l); \
    LA(L##geev)("N", JOBZ[j], &n, a, &lda, re.data(), im.data(), nullptr, &one, v, &ldv, work.data(), &l, &info); \
    for (int i = 0; i < n; i++) w[i] = {re[i], im[i]}; \
    return info; }
#define GEEV_C(L, X, R) extern "C" void LA(L##geev)(const char *, const char *, int *, X *, int *, X *, X *, int *, X *, int *, X *, int *, R *, int *); \
static int geev(int j, int n, X *a, int lda, X *w, X *v, int ldv) { \
    int l = 8 * n + 64, info, one = 1; std::vector<X> work(l); std::vector<R> r(2 * n + 1); \
    LA(L##geev)("N", JOBZ[j], &n, a, &lda, w, nullptr, &one, v, &ldv, work.data(), &l, r.data(), &info); return info; }
GEEV(s, float) GEEV(d, double) GEEV_C(c, cf, float) GEEV_C(z, cd, double)
API(cusolverDnXgeev_bufferSize, H, H, int, int, int64_t, int, const void *, int64_t, int, const void *, int, const void *, int64_t, int, const void *, int64_t, int, size_t *d, size_t *h) { *d = *h = 16; return OK; }
API(cusolverDnXgeev, H h, H, int left, int j, int64_t n, int t, void *a, int64_t lda, int, void *w, int, void *, int64_t, int, void *v, int64_t ldv, int, void *, size_t, void *, size_t, int *info) {
    WORK(if (!left) switch (t) {
    case 0: *info = geev(j, (int)n, (float *)a, (int)lda, (cf *)w, (float *)v, (int)ldv); return OK;
    case 1: *info = geev(j, (int)n, (double *)a, (int)lda, (cd *)w, (double *)v, (int)ldv); return OK;
    case 4: *info = geev(j, (int)n, (cf *)a, (int)lda, (cf *)w, (cf *)v, (int)ldv); return OK;
    case 5: *info = geev(j, (int)n, (cd *)a, (int)lda, (cd *)w, (cd *)v, (int)ldv); return OK;
    }
    return NOT_SUPPORTED;) }

// sparse systems by QR: here the LU factors of the dense matrix. `singularity` is a number of the host, so the call waits.
API(cusolverSpCreate, H *h) { *h = new Handle; return OK; }
API(cusolverSpDestroy, H h) { delete h; return OK; }
API(cusolverSpSetStream, H h, void *s) { h->stream = s; return OK; }
API(cusolverSpGetStream, H h, void **s) { *s = h->stream; return OK; }
#define SPARSE(P, L, X, R) \
static int solve_sparse(int n, const X *v, const int *p, const int *c, const X *b, X *x, int *singularity) { \
    std::vector<X> a((size_t)n * n); std::vector<int> piv(n); int info, one = 1; \
    for (int i = 0; i < n; i++) { x[i] = b[i]; for (int k = p[i]; k < p[i + 1]; k++) a[i + (size_t)n * c[k]] += v[k]; } \
    LA(L##getrf)(&n, &n, a.data(), &n, piv.data(), &info); *singularity = info > 0 ? info - 1 : -1; \
    LA(L##getrs)("N", &n, &one, a.data(), &n, piv.data(), x, &n, &info); return OK; } \
API(cusolverSp##P##csrlsvqr, H h, int n, int, void *, const X *v, const int *p, const int *c, const X *b, R, int, X *x, int *s) { \
    int r = sc_work(h->stream, SC_SOLVER, 6, __func__, [=]() -> int { return solve_sparse(n, v, p, c, b, x, s); }); \
    return r ? r : sc_wait(h->stream) ? 6 : OK; }
SPARSE(S, s, float, float) SPARSE(D, d, double, double) SPARSE(C, c, cf, float) SPARSE(Z, z, cd, double)
#ifndef __GEN_STUBS
#include "build/libcusolver.so.11.c"       // stubs for the rest (gen_stubs.py)
#endif
