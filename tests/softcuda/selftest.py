"""Self-test: unmodified CuPy on the software device, against NumPy.   python selftest.py [-v]"""
import ctypes
import os
import subprocess
import sys
import textwrap
import threading
import time

import softcuda  # must come before cupy
import numpy as np
import cupy
import cupyx

VERBOSE = '-v' in sys.argv
TESTS = []
rng = np.random.default_rng(0)


def test(f):
    TESTS.append(f)
    return f


def close(a, b, rtol=1e-6, atol=1e-6):
    np.testing.assert_allclose(cupy.asnumpy(a), cupy.asnumpy(b), rtol=rtol, atol=atol)


def both(f, *args, **kw):
    close(f(cupy, *[cupy.asarray(a) for a in args]), f(np, *args), **kw)


@test
def batched_eigenvalues():
    a = rng.standard_normal((3, 4, 4)) + 1j * rng.standard_normal((3, 4, 4))
    for m in (a.real, a.real.astype('f'), a):
        m = m + m.conj().swapaxes(1, 2)
        w, v = cupy.linalg.eigh(cupy.asarray(m))
        close(w, np.linalg.eigvalsh(m), 1e-5, 1e-5)
        close((v * w[:, None]) @ v.conj().swapaxes(1, 2), m, 1e-5, 1e-5)
        close(cupy.linalg.eigvalsh(cupy.asarray(m)), w, 1e-5, 1e-5)


@test
def any_eigenvalues_and_sparse_systems():
    from cupyx.scipy import sparse
    from cupyx.scipy.sparse import linalg
    a = rng.standard_normal((3, 4, 4)) + 1j * rng.standard_normal((3, 4, 4))
    places = [cupy.asarray(x, 'i') for x in (np.tile(np.arange(4), 4), np.arange(0, 17, 4))]
    for m in (a.real, a.real.astype('f'), a):
        w, v = cupy.linalg.eig(cupy.asarray(m))
        close(m @ v.get(), v.get() * w.get()[:, None], 1e-4, 1e-4)
        one, b = m[0] + 8 * np.eye(4, dtype=m.dtype), m[1]
        matrix = sparse.csr_matrix((cupy.asarray(one.ravel()), *places), shape=(4, 4))
        close(one @ linalg.spsolve(matrix, cupy.asarray(b)).get(), b, 1e-4, 1e-4)
        for trans, t in (('N', one), ('T', one.T), ('H', one.conj().T)):
            close(t @ linalg.splu(matrix).solve(cupy.asarray(b), trans).get(), b, 1e-4, 1e-4)


@test
def device():
    d = cupy.cuda.Device()
    assert cupy.cuda.runtime.getDeviceCount() == int(os.environ.get('SOFTCUDA_DEVICES', 1)) and d.compute_capability
    p = cupy.cuda.runtime.getDeviceProperties(0)
    assert b'softcuda' in p['name'] and p['warpSize'] == 32


@test
def transfers():
    a = rng.standard_normal((5, 7))
    close(cupy.asarray(a), a)
    pinned = cupy.cuda.alloc_pinned_memory(a.nbytes)
    h = np.frombuffer(pinned, a.dtype, a.size).reshape(a.shape)
    h[...] = a
    x = cupy.empty_like(cupy.asarray(a))
    x.set(h)
    close(x.get(), a)


@test
def arithmetic():
    a = cupy.arange(10.)
    close((cupy.exp(a) + a).sum(), (np.exp(np.arange(10.)) + np.arange(10.)).sum())
    for dt in 'bBhHiIqQefdFD?':
        x, y = (rng.integers(1, 5, (2, 33))).astype(dt)
        both(lambda xp, x, y: x * y + x, x, y, rtol=1e-2 if dt == 'e' else 1e-6)
        if dt not in '?':
            both(lambda xp, x, y: x / y, x, y, rtol=1e-2 if dt in 'ebB' else 1e-6)


@test
def ufuncs():
    for dt, tol in (('f', 2e-6), ('d', 1e-14)):
        x = rng.uniform(.05, .95, 501).astype(dt)
        for n in ('exp', 'log', 'log1p', 'expm1', 'exp2', 'log2', 'log10', 'sqrt', 'cbrt', 'sin', 'cos', 'tan', 'arcsin', 'arccos', 'arctan', 'sinh', 'cosh',
                  'tanh', 'arcsinh', 'arctanh', 'floor', 'ceil', 'rint', 'trunc', 'sign', 'negative', 'square', 'reciprocal', 'abs', 'isnan'):
            both(lambda xp, x: getattr(xp, n)(x * 3 - 1.2 if n in ('exp', 'sin', 'cos', 'tanh', 'floor', 'ceil', 'rint', 'trunc', 'sign', 'abs') else x), x, rtol=tol, atol=tol)
        both(lambda xp, x: xp.power(x, 2.5) + xp.maximum(x, .3) - xp.minimum(x, .2) + xp.hypot(x, x) + xp.arctan2(x, 2), x, rtol=tol, atol=tol)
    z = rng.standard_normal(50) + 1j * rng.standard_normal(50)
    both(lambda xp, z: xp.exp(z) * xp.conj(z) + xp.abs(z) + xp.sqrt(z), z, rtol=1e-13)


@test
def reductions():
    for dt in 'fd':
        x = rng.standard_normal((37, 53)).astype(dt)
        for n in ('sum', 'prod', 'max', 'min', 'mean', 'var', 'std', 'argmax', 'argmin', 'any', 'all', 'cumsum', 'cumprod'):
            for ax in (None, 0, 1):
                both(lambda xp, x: getattr(xp, n)(x * .5, axis=ax), x, rtol=1e-4 if dt == 'f' else 1e-12, atol=1e-4 if dt == 'f' else 1e-12)


@test
def softmax():
    def f(xp, x):
        e = xp.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    both(f, rng.standard_normal((33, 57)).astype('f'))
    both(f, rng.standard_normal((33, 57)), rtol=1e-14)


@test
def matmul():
    for dt, tol in (('f', 1e-4), ('d', 1e-12), ('F', 1e-4), ('D', 1e-12), ('i', 0), ('e', 1e-2)):
        a, b = (rng.standard_normal((17, 23)) * 3).astype(dt), (rng.standard_normal((23, 11)) * 3).astype(dt)
        both(lambda xp, a, b: a @ b, a, b, rtol=tol, atol=tol * 10)
        both(lambda xp, a, b: xp.dot(b.T, a.T), a, b, rtol=tol, atol=tol * 10)
        both(lambda xp, a, b: xp.matmul(xp.stack([a, a + 1]), b), a, b, rtol=tol, atol=tol * 10)
    a, v = rng.standard_normal((6, 8)), rng.standard_normal(8)
    both(lambda xp, a, v: a @ v + xp.tensordot(a, v, 1) + xp.einsum('ij,j->i', a, v) + xp.inner(v, v) + xp.outer(v, v).sum(), a, v, rtol=1e-12)


@test
def indexing():
    x, i = rng.standard_normal((20, 6)), rng.integers(0, 20, 9)
    both(lambda xp, x, i: x[i] + xp.take(x, i, axis=0), x, i)
    both(lambda xp, x, i: x[x > 0], x, i)
    both(lambda xp, x, i: x[::2, 1:-1][:, ::-1], x, i)
    both(lambda xp, x, i: xp.where(x > 0, x, -x) + xp.concatenate([x, x])[:20] + xp.pad(x, 1)[1:-1, 1:-1], x, i)

    def at(xp, x, i):
        y = xp.zeros_like(x)
        xp.add.at(y, i, x[:9])
        y[i] = 3
        y[y == 0] = -1
        return y
    both(at, x, i)
    y = cupy.zeros(4)
    cupyx.scatter_add(y, cupy.array([0, 0, 3]), 1.)
    close(y, [2, 0, 0, 1])


@test
def sorting():
    x = rng.standard_normal((7, 31))
    both(lambda xp, x: xp.sort(x, axis=0), x)
    both(lambda xp, x: xp.argsort(x, axis=1), x)
    both(lambda xp, x: xp.median(x) + xp.percentile(x, 30), x)
    both(lambda xp, x: xp.unique(xp.floor(x * 3)), x)


@test
def fuse():
    @cupy.fuse()
    def f(x, y):
        return cupy.tanh(x) * y + x * x

    @cupy.fuse()
    def g(x):
        return cupy.sum(x * x, axis=1)
    x = rng.standard_normal((9, 70))
    close(f(cupy.asarray(x), cupy.asarray(x)), np.tanh(x) * x + x * x)
    close(g(cupy.asarray(x)), (x * x).sum(axis=1))


@test
def user_kernels():
    ew = cupy.ElementwiseKernel('T x, raw T y, T a', 'T z', 'z = a * x + y[i]', 'sc_axpy')
    x = cupy.arange(100, dtype='f')
    close(ew(x, x, np.float32(2)), 3 * np.arange(100))
    rd = cupy.ReductionKernel('T x', 'T y', 'x * x', 'a + b', 'y = sqrt(a)', '0', 'sc_norm')
    close(rd(x), np.linalg.norm(np.arange(100)))
    k = cupy.RawKernel(r'''extern "C" __global__ void k(const float* x, float* y, int n) {
        __shared__ float s[256]; int i = blockIdx.x * blockDim.x + threadIdx.x;
        s[threadIdx.x] = i < n ? x[i] : 0.f; __syncthreads();
        for (int d = 128; d; d >>= 1) { if (threadIdx.x < d) s[threadIdx.x] += s[threadIdx.x + d]; __syncthreads(); }
        if (threadIdx.x == 0) atomicAdd(y, s[0]); }''', 'k')
    x, y = cupy.arange(1000, dtype='f'), cupy.zeros(1, 'f')
    k((4,), (256,), (x, y, np.int32(1000)))
    close(y, [499500])
    w = cupy.RawKernel(r'''extern "C" __global__ void w(const float* x, float* y, int n) {
        extern __shared__ float s[]; float v = threadIdx.x < n ? x[threadIdx.x] : 0.f;
        for (int o = 16; o; o >>= 1) v += __shfl_down_sync(0xffffffffu, v, o);
        if ((threadIdx.x & 31) == 0) s[threadIdx.x >> 5] = v;
        __syncthreads();
        unsigned b = __ballot_sync(0xffffffffu, threadIdx.x & 1);
        if (threadIdx.x == 0) { float t = 0; for (int i = 0; i < blockDim.x / 32; i++) t += s[i]; y[0] = t; y[1] = __popc(b); } }''', 'w')
    y = cupy.zeros(2, 'f')
    w((1,), (128,), (x, y, np.int32(100)), shared_mem=16)
    close(y, [4950, 16])
    m = cupy.RawModule(code=r'''__constant__ float c[2]; __device__ int count = 5;
        template <typename T> __global__ void t(T* p) { p[threadIdx.x] = c[threadIdx.x & 1] + count; }''', name_expressions=['t<double>'], options=('--std=c++14',))
    f = m.get_function('t<double>')
    cupy.ndarray(2, 'f', m.get_global('c')).set(np.array([1, 2], 'f'))
    z = cupy.zeros(4)
    f((1,), (4,), (z,))
    close(z, [6, 7, 6, 7])


@test
def errors():
    bad = cupy.RawKernel('extern "C" __global__ void bad(float* p) { p[1L << 40] = 1; }', 'bad')
    dead = cupy.RawKernel('''extern "C" __global__ void dead(int* p) { if (threadIdx.x & 1) __syncthreads(); else asm volatile("bar.sync 1;");
        if (threadIdx.x == 3) asm volatile("bar.sync 2, 64;"); p[0] = 1; }''', 'dead')
    for k in (bad, dead):
        try:
            k((1,), (64,), (cupy.zeros(1, 'i'),))
            assert False, 'no error'
        except cupy.cuda.driver.CUDADriverError:
            pass
    close(cupy.arange(3).sum(), 3)
    try:
        cupy.arange(3) + np.arange(3)
        assert False, 'mixing host and device arrays must fail'
    except TypeError:
        pass


@test
def streams_events():
    s = cupy.cuda.Stream(non_blocking=True)
    with s:
        a, b = cupy.cuda.Event(), cupy.cuda.Event()
        a.record(s)
        y = cupy.ones(1000).sum()
        b.record(s)
        b.synchronize()
    assert float(y) == 1000 and cupy.cuda.get_elapsed_time(a, b) >= 0
    s.synchronize()
    assert cupy.get_default_memory_pool().total_bytes() > 0


@test
def random():
    cupy.random.seed(3)
    x = cupy.random.rand(20000)
    cupy.random.seed(3)
    close(x, cupy.random.rand(20000))
    assert abs(float(x.mean()) - .5) < .02 and abs(float(cupy.random.randn(20000).std()) - 1) < .05
    close(cupy.sort(cupy.random.permutation(10)), np.arange(10))


@test
def mlp_training():
    def train(xp, dt, steps=40, n=64, d=20, h=32, c=5):
        r = np.random.default_rng(1)
        X, Y = xp.asarray(r.standard_normal((n, d)).astype(dt)), xp.asarray(np.eye(c, dtype=dt)[r.integers(0, c, n)])
        W1, b1 = xp.asarray((r.standard_normal((d, h)) * .3).astype(dt)), xp.zeros(h, dt)
        W2, b2 = xp.asarray((r.standard_normal((h, c)) * .3).astype(dt)), xp.zeros(c, dt)
        loss = []
        for _ in range(steps):
            a = xp.tanh(X @ W1 + b1)
            z = a @ W2 + b2
            e = xp.exp(z - z.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
            loss.append(float(-(Y * xp.log(p)).sum() / n))
            dz = (p - Y) / n
            da = dz @ W2.T * (1 - a * a)
            for w, g in ((W2, a.T @ dz), (b2, dz.sum(axis=0)), (W1, X.T @ da), (b1, da.sum(axis=0))):
                w -= dt(.5) * g
        return np.array(loss)
    for dt, tol in ((np.float32, 1e-5), (np.float64, 1e-13)):
        a, b = train(cupy, dt), train(np, dt)
        close(a, b, rtol=tol, atol=tol)
        assert a[-1] < a[0] / 2


@test
def counters():
    a, b = cupy.ones((4, 5)), cupy.ones((5, 6))
    float((a @ b + 1).sum())
    with softcuda.counting() as c:
        float((a @ b + 1).sum())
        with softcuda.counting() as inner:
            cupy.asarray(np.ones(3))
    assert (c.launches, c.library, c.syncs, c.mallocs, c.graph_launches) == (2, {'cublasGemmEx': 1}, 1, 0, 0), c
    assert c.kernels == {'cupy_add__float64_float_float64': 1, 'cupy_sum': 1} and c.d2h == (1, 8) and inner.h2d == (1, 24) and inner.launches == 0
    x, y = cupy.arange(10.), cupy.empty(10)
    with softcuda.counting() as c:
        y.data.copy_from_device(x.data, 80)
        cupy.zeros(7)
        p = cupy.cuda.runtime.malloc(4096)
        cupy.cuda.runtime.free(p)
        cupy.cuda.Device().synchronize()
    assert c.d2d == (1, 80) and c.memset == (1, 56) and (c.mallocs, c.malloc_bytes, c.frees) == (1, 4096, 1) and c.names('syncs') == {'device': 1}, c
    with softcuda.counting() as c:
        threads = [threading.Thread(target=lambda: [cupy.exp(a) for _ in range(50)]) for _ in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    assert c.launches == 200


CUBLAS = ctypes.CDLL('libcublas.so.12')


def gemm(handle, a, b, out):
    """out = a @ b (row-major) by cuBLAS directly: cupy.matmul refuses to call cuBLAS during a capture."""
    one, zero = ctypes.c_double(1), ctypes.c_double(0)
    ptr = [ctypes.c_void_p(x.data.ptr) for x in (a, b, out)]
    r = CUBLAS.cublasDgemm_v2(handle, 0, 0, b.shape[1], a.shape[0], a.shape[1], ctypes.byref(one), ptr[1], b.shape[1], ptr[0], a.shape[1], ctypes.byref(zero), ptr[2], b.shape[1])
    assert r == 0, r


@test
def graphs():
    r = np.random.default_rng(2)
    X, W, V, Y = (cupy.asarray(r.standard_normal(s) * .4) for s in ((8, 6), (6, 10), (10, 3), (8, 3)))
    handle = ctypes.c_void_p()
    CUBLAS.cublasCreate_v2(ctypes.byref(handle))
    s = cupy.cuda.Stream(non_blocking=True)
    CUBLAS.cublasSetStream_v2(handle, ctypes.c_void_p(s.ptr))

    def step(W, V, losses, k):
        def mm(a, b):
            out = cupy.empty((a.shape[0], b.shape[1]))
            gemm(handle, cupy.ascontiguousarray(a), cupy.ascontiguousarray(b), out)
            return out
        a = cupy.tanh(mm(X, W))
        d = mm(a, V) - Y
        losses[k % 100] = (d * d).sum()             # k lives on the device
        k += 1
        dV, dW = mm(a.T, d), mm(X.T, mm(d, V.T) * (1 - a * a))
        V -= .01 * dV
        W -= .01 * dW
    state = [[W.copy(), V.copy(), cupy.zeros(100), cupy.zeros((), 'l')] for _ in range(2)]
    with s:
        before = [x.copy() for x in state[0]]
        s.begin_capture()
        step(*state[0])
        assert s.is_capturing()
        g = s.end_capture()
        for x, y in zip(state[0], before):
            assert (x == y).all(), 'captured work must not run'
        with softcuda.counting() as c:
            for _ in range(100):
                g.launch()
        s.synchronize()
        for _ in range(100):
            step(*state[1])
        s.synchronize()
    for x, y in zip(*state):
        assert (x == y).all()
    assert c.graph_launches == 100 and c.launches == c.library_calls == 0 and c.names('graph_nodes')['cublasDgemm_v2'] == 500
    loss = state[0][2].get()
    assert (np.diff(loss) < 0).all() and loss[-1] < loss[0] * .7

    rt = cupy.cuda.runtime

    def fails(name, f, *args):
        try:
            f(*args)
        except rt.CUDARuntimeError as e:
            assert name in str(e), (name, e)
        else:
            assert False, 'no error: ' + name
    fails('cudaErrorIllegalState', rt.streamEndCapture, s.ptr)
    fails('cudaErrorStreamCaptureUnsupported', rt.streamBeginCapture, 0)
    for mode, bad, name in ((rt.streamCaptureModeGlobal, lambda: rt.malloc(64), 'cudaErrorStreamCaptureUnsupported'),
                            (rt.streamCaptureModeThreadLocal, lambda: rt.malloc(64), 'cudaErrorStreamCaptureUnsupported'),
                            (rt.streamCaptureModeRelaxed, s.synchronize, 'cudaErrorStreamCaptureUnsupported'),
                            (rt.streamCaptureModeRelaxed, rt.deviceSynchronize, 'cudaErrorStreamCaptureUnsupported')):
        rt.streamBeginCapture(s.ptr, mode)
        fails(name, bad)
        fails('cudaErrorStreamCaptureInvalidated', rt.streamEndCapture, s.ptr)
    rt.streamBeginCapture(s.ptr, rt.streamCaptureModeRelaxed)
    rt.free(rt.malloc(64))
    g2 = rt.streamEndCapture(s.ptr)
    rt.graphDestroy(g2)
    b = cupy.cuda.Stream()                          # a blocking stream: the legacy stream may not be used
    x = cupy.ones(3)
    b.begin_capture()
    try:
        x + 1
        assert False, 'legacy stream during the capture of a blocking stream'
    except cupy.cuda.driver.CUDADriverError as e:
        assert 'CAPTURE_IMPLICIT' in str(e)
    fails('cudaErrorStreamCaptureInvalidated', b.end_capture)
    e = cupy.cuda.Event()
    e.record(b)
    s.begin_capture()
    fails('cudaErrorStreamCaptureIsolation', s.wait_event, e)
    fails('cudaErrorStreamCaptureInvalidated', s.end_capture)
    close(x + 1, [2, 2, 2])


@test
def fft():
    for n in (2, 3, 4, 8, 12, 15, 17, 59, 60, 100, 211, 1021):
        x = rng.standard_normal((3, n)) + 1j * rng.standard_normal((3, n))
        for dt, tol in (('D', 1e-12), ('F', 1e-5)):
            for name in ('fft', 'ifft', 'irfft', 'hfft'):
                both(lambda xp, x: getattr(xp.fft, name)(x), x.astype(dt), rtol=tol, atol=tol * n)
            both(lambda xp, x: xp.fft.fft(x, axis=0) + xp.fft.fft(x[:, ::-1], n=n), x.astype(dt), rtol=tol, atol=tol * n)
            both(lambda xp, x: xp.fft.rfft(x), x.real.astype(dt.lower()), rtol=tol, atol=tol * n)
    x = rng.standard_normal((4, 6, 5))
    for name in ('fftn', 'ifftn', 'rfftn', 'irfftn', 'fft2', 'rfft2', 'irfft2'):
        both(lambda xp, x: getattr(xp.fft, name)(x), x, rtol=1e-12, atol=1e-12)
    both(lambda xp, x: xp.convolve(x, x[::-1]), rng.standard_normal(2000), rtol=1e-9, atol=1e-9)


def other_process(code, **env):
    p = subprocess.run([sys.executable, '-c', 'import softcuda, cupy, numpy as np\n' + textwrap.dedent(code)], env={**os.environ, **env}, cwd=softcuda.HERE,
                       capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, p.stdout + p.stderr


@test
def two_devices():
    other_process('''
        rt = cupy.cuda.runtime
        assert rt.getDeviceCount() == 2 and rt.deviceCanAccessPeer(0, 1) == 1
        x = cupy.arange(6.)
        with cupy.cuda.Device(1):
            y = cupy.asarray(x)                      # a copy
            assert y.device.id == 1 and (y + 1).device.id == 1 and rt.getDevice() == 1 and float((y * 2).sum()) == 30
            assert rt.pointerGetAttributes(y.data.ptr).device == 1 and rt.pointerGetAttributes(x.data.ptr).device == 0
            assert float((cupy.ones((3, 4)) @ cupy.ones((4, 2))).sum()) == 24 and (cupy.ones(2) + 1).get().tolist() == [2, 2]
            k = cupy.RawKernel('extern "C" __global__ void k(double *p) { p[threadIdx.x] += 1; }', 'k')
            for arg in (x, x.data.ptr):
                try:
                    k((1,), (6,), (arg,)); assert False, 'no peer access'
                except cupy.cuda.driver.CUDADriverError as e:
                    assert 'ILLEGAL_ADDRESS' in str(e)
            rt.deviceEnablePeerAccess(0)
            k((1,), (6,), (x.data.ptr,))
            s = cupy.cuda.Stream(non_blocking=True)
            with s:
                z = y + y
            s.synchronize()
            assert z.device.id == 1 and z.get().tolist() == [0, 2, 4, 6, 8, 10]
        assert rt.getDevice() == 0 and x.get().tolist() == [1, 2, 3, 4, 5, 6]
        try:
            with s: x + 1                            # a stream of the other device
            assert False
        except (cupy.cuda.driver.CUDADriverError, ValueError, RuntimeError): pass
        z = cupy.empty(6)
        rt.memcpyPeer(z.data.ptr, 0, y.data.ptr, 1, 48)
        assert z.get().tolist() == [0, 1, 2, 3, 4, 5]
        try: cupy.cuda.Device(2).use(); assert False
        except rt.CUDARuntimeError: pass
        import threading
        ids = []
        def f():
            ids.append(rt.getDevice())
            with cupy.cuda.Device(1): ids.append((cupy.ones(3) + 1).device.id)
        t = threading.Thread(target=f); t.start(); t.join()
        assert ids == [0, 1]
        ''', SOFTCUDA_DEVICES='2')


@test
def asynchronous():
    other_process('''
        s, t = cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)
        x = cupy.zeros(4); pinned = cupy.cuda.alloc_pinned_memory(32); h = np.frombuffer(pinned, 'd', 4); h[...] = -1
        with s:
            x += 1
            x.get(out=h, blocking=False)
        assert (h == -1).all()                       # nothing has run
        with t:
            assert (x.get() == 0).all()              # missing wait between streams: old values
        s.synchronize()
        assert (h == 1).all()
        e = cupy.cuda.Event()
        with s:
            x += 1
            e.record(s)
            x += 10
        assert not e.done or True
        t.wait_event(e)
        with t:
            assert x.get()[0] == 2                   # the wait runs what was before the event, and no more
        s.synchronize()
        assert x.get()[0] == 12
        with s:
            assert x.get()[0] == 12                  # a copy to pageable memory waits
            h[...] = 5
            x.set(h)                                 # from pinned memory
            h[...] = 6                               # too early
        s.synchronize()
        b = cupy.cuda.Stream()                       # blocking: the legacy stream waits for it
        with b:
            y = x + 1
        assert (y.get() == x.get() + 1).all()
        import ctypes                                # cuBLAS with a result for the host waits for its stream
        lib, handle, res = ctypes.CDLL('libcublas.so.12'), ctypes.c_void_p(), ctypes.c_double()
        lib.cublasCreate_v2(ctypes.byref(handle)); lib.cublasSetStream_v2(handle, ctypes.c_void_p(s.ptr))
        with s:
            v = cupy.ones(4); v += 1; v += 1
            p = ctypes.c_void_p(v.data.ptr)
            with softcuda.counting() as c:
                assert lib.cublasDdot_v2(handle, 4, p, 1, p, 1, ctypes.byref(res)) == 0
        assert res.value == 36 and c.library == {'cublasDdot_v2': 1} and c.names('syncs') == {'library result': 1}
        with s:
            z = cupy.asarray([3., 1., 2.])           # sorting is work on the stream too
            z *= -1
            with softcuda.counting() as c:
                order = cupy.argsort(z); z.sort()
            assert c.syncs == 0 and c.kernels['thrust::argsort'] == c.kernels['thrust::sort'] == 1
            assert order.tolist() == [0, 2, 1] and z.tolist() == [-3, -2, -1]
            m = cupy.asarray(np.eye(2) * np.arange(1, 4)[:, None, None])
            assert (cupy.linalg.solve(m, m) == cupy.eye(2)).all()   # cuBLAS answers for the arguments at once
        with s:
            g = np.full(4, 7.); x.set(g); g[...] = 8 # pageable: read before the call returns
        s.synchronize()
        assert (x.get() == 7).all()
        ''', SOFTCUDA_ASYNC='1')


@test
def failures():
    status = '''
        def status(f):
            try:
                f()
            except RuntimeError as e:                    # of the runtime or of the driver
                return e.status
        count = cupy.cuda.runtime.getDeviceCount
        '''
    other_process(status + '''
        x = cupy.zeros(4)                                # its memset is the first piece of work
        x += 1
        x += 1
        assert status(lambda: x.__iadd__(1)) == 719
        assert status(x.get) == 719                      # and so is everything after it
        assert status(lambda: cupy.cuda.runtime.malloc(512)) == 719
        assert status(cupy.cuda.Device().synchronize) == 719
        ''', SOFTCUDA_LOSE_AFTER='3')
    for version in '0', '11080':
        other_process(status + 'assert status(count) == 35', SOFTCUDA_DRIVER=version)
    for shown in '', '-1', '5,0', 'x':
        other_process(status + 'assert status(count) == 100', CUDA_VISIBLE_DEVICES=shown)
    for shown, n in ('0', 1), ('1,0', 2), ('1,7,0', 1):
        other_process(status + 'assert count() == %d' % n, CUDA_VISIBLE_DEVICES=shown, SOFTCUDA_DEVICES='2')


def main():
    bad = 0
    for f in TESTS:
        t = time.time()
        try:
            f()
            r = 'ok'
        except Exception as e:
            bad += 1
            r = 'FAIL %s: %s' % (type(e).__name__, str(e)[:600])
            if VERBOSE:
                import traceback
                traceback.print_exc()
        print('%-16s %6.2fs %s' % (f.__name__, time.time() - t, r), flush=True)
    print('%d of %d passed (CuPy %s)' % (len(TESTS) - bad, len(TESTS), cupy.__version__))
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
