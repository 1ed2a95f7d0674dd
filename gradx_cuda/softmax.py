"""Softmax and cross-entropy: one kernel forward and one backward, whatever the number of classes.

A row is worked on by one thread, by a warp or by a block, by its length. A forward or backward
goes over a row twice, the second time out of the cache: first for the largest item and the sum of
exponentials, which are found together, then for the result. Sums are made in single precision for
half and single, in double for double.

Source of finding both at once: Milakov and Gimelshein, Online normalizer calculation for softmax
(2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import unwrap
from typing import Any

import numpy as np

from gradx.extension import fused
from gradx_cuda.formulas import STORED

__all__ = ["Softmax"]

THREADS = 256

_SOURCE = r"""
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>

__device__ inline double exponential(double x) { return exp(x); }
__device__ inline float exponential(float x) { return expf(x); }
__device__ inline double logarithm(double x) { return log(x); }
__device__ inline float logarithm(float x) { return logf(x); }

// The sum over the LANES threads of a row, at each of them.
template <typename A, int LANES>
__device__ inline A total(A value) {
    if (LANES == 1) return value;
    for (int d = 16; d > 0; d >>= 1) value += __shfl_xor_sync(0xffffffffu, value, d);
    if (LANES == 32) return value;
    __shared__ A parts[32];
    __syncthreads();  // parts may still be read from the last time
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[0];
    for (int w = 1; w < LANES / 32; ++w) value += parts[w];
    return value;
}

template <typename A, int LANES>
__device__ inline A largest(A value) {
    if (LANES == 1) return value;
    for (int d = 16; d > 0; d >>= 1) {
        const A other = __shfl_xor_sync(0xffffffffu, value, d);
        value = (other > value || other != other) ? other : value;
    }
    if (LANES == 32) return value;
    __shared__ A parts[32];
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[0];
    for (int w = 1; w < LANES / 32; ++w)
        value = (parts[w] > value || parts[w] != parts[w]) ? parts[w] : value;
    return value;
}

// The largest item of a row and the sum of exp(x - largest).
template <typename A, typename X, int LANES>
__device__ inline void normalizer(const X *x, long long n, long long stride, int lane,
                                  A &top, A &sum) {
    const A lowest = -CUDART_INF;
    A m = lowest, s = 0;
    for (long long j = lane; j < n; j += LANES) {
        const A v = (A)x[j * stride];
        if (v > m || v != v) {
            s = (m == lowest ? (A)0 : s * exponential(m - v)) + 1;
            m = v;
        } else if (v > lowest) {
            s += exponential(v - m);
        }
    }
    top = largest<A, LANES>(m);
    // Lanes that saw nothing but minus infinity add nothing, whatever the others saw.
    sum = total<A, LANES>(m == lowest ? (A)0 : s * exponential(m - top));
    if (top == lowest) sum = exponential(top - top);  // a row of minus infinities: not a number
}

struct Rows { long long rows, n, inner; };  // a row begins at r / inner * n * inner + r % inner

#define FOR_EACH_ROW                                                                              \
    const int lane = LANES == 1 ? 0 : threadIdx.x % LANES;                                        \
    const long long step = (long long)gridDim.x * (blockDim.x / LANES);                           \
    for (long long r = (long long)blockIdx.x * (blockDim.x / LANES) + threadIdx.x / LANES;        \
         r < t.rows; r += step)

template <typename A, typename X, int LANES, bool LOG>
__global__ void softmax(const X *x, X *y, const Rows t) {
    FOR_EACH_ROW {
        const long long start = r / t.inner * t.n * t.inner + r % t.inner;
        A top, sum;
        normalizer<A, X, LANES>(x + start, t.n, t.inner, lane, top, sum);
        const A shift = LOG ? logarithm(sum) : 0;
        for (long long j = lane; j < t.n; j += LANES) {
            const long long at = start + j * t.inner;
            const A v = (A)x[at] - top;
            y[at] = (X)(LOG ? v - shift : exponential(v) / sum);
        }
    }
}

template <typename A, typename G, typename Y, typename D, int LANES>
__global__ void softmax_backward(const G *g, const Y *y, D *d, const Rows t) {
    FOR_EACH_ROW {
        const long long start = r / t.inner * t.n * t.inner + r % t.inner;
        A sum = 0;
        for (long long j = lane; j < t.n; j += LANES)
            sum += (A)g[start + j * t.inner] * (A)y[start + j * t.inner];
        sum = total<A, LANES>(sum);
        for (long long j = lane; j < t.n; j += LANES) {
            const long long at = start + j * t.inner;
            d[at] = (D)((A)y[at] * ((A)g[at] - sum));
        }
    }
}

template <typename A, typename X, typename T, typename Y, int LANES>
__global__ void cross_entropy(const X *x, const T *target, Y *loss, const Rows t) {
    FOR_EACH_ROW {
        const X *row = x + r * t.n;
        A top, sum, found = 0;
        normalizer<A, X, LANES>(row, t.n, 1, lane, top, sum);
        const A shift = logarithm(sum);
        for (long long j = lane; j < t.n; j += LANES) {
            const A p = (A)target[r * t.n + j];
            if (p != 0) found -= p * ((A)row[j] - top - shift);
        }
        found = total<A, LANES>(found);
        if (lane == 0) loss[r] = (Y)found;
    }
}

template <typename A, typename G, typename X, typename T, typename D, int LANES>
__global__ void cross_entropy_backward(const G *g, const long long along, const X *x,
                                       const T *target, D *d, const Rows t) {
    FOR_EACH_ROW {
        const X *row = x + r * t.n;
        A top, sum, mass = 0;
        normalizer<A, X, LANES>(row, t.n, 1, lane, top, sum);
        for (long long j = lane; j < t.n; j += LANES) mass += (A)target[r * t.n + j];
        mass = total<A, LANES>(mass);
        const A scale = (A)g[r * along];
        for (long long j = lane; j < t.n; j += LANES)
            d[r * t.n + j] = (D)(scale * (exponential((A)row[j] - top) / sum * mass
                                          - (A)target[r * t.n + j]));
    }
}

template <typename A, typename X, typename L, int LANES>
__global__ void label_cross_entropy(const X *x, const L *label, X *loss, const Rows t) {
    FOR_EACH_ROW {
        const X *row = x + r * t.n;
        A top, sum;
        normalizer<A, X, LANES>(row, t.n, 1, lane, top, sum);
        if (lane == 0) {
            const long long k = (long long)label[r];
            // No memory but the row's is read for a label that is no class.
            loss[r] = (X)(k < 0 || k >= t.n ? (A)CUDART_NAN
                                            : logarithm(sum) - ((A)row[k] - top));
        }
    }
}

template <typename A, typename G, typename X, typename L, typename D, int LANES>
__global__ void label_cross_entropy_backward(const G *g, const long long along, const X *x,
                                             const L *label, D *d, const Rows t) {
    FOR_EACH_ROW {
        const X *row = x + r * t.n;
        A top, sum;
        normalizer<A, X, LANES>(row, t.n, 1, lane, top, sum);
        const long long k = (long long)label[r];
        const A scale = k < 0 || k >= t.n ? (A)CUDART_NAN : (A)g[r * along];
        for (long long j = lane; j < t.n; j += LANES)
            d[r * t.n + j] = (D)(scale * (exponential((A)row[j] - top) / sum
                                          - (j == k ? (A)1 : (A)0)));
    }
}
""".replace("CUDART_INF", "(1.0 / 0.0)").replace("CUDART_NAN", "(0.0 / 0.0)")

_ROWS = np.dtype([("rows", "i8"), ("n", "i8"), ("inner", "i8")])


class Softmax:
    """The stand-ins for the forwards of softmax, cross-entropy and their backwards.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._kernels: dict[str, Any] = {}

    def table(self) -> dict[Any, Callable[..., Any]]:
        """From the forward of an op to what stands in for it."""
        return {
            unwrap(fused.softmax.forward): self.softmax,
            unwrap(fused.log_softmax.forward): self.log_softmax,
            unwrap(fused.softmax_backward.forward): self.softmax_backward,
            unwrap(fused.cross_entropy.forward): self.cross_entropy,
            unwrap(fused.cross_entropy_backward.forward): self.cross_entropy_backward,
            unwrap(fused.label_cross_entropy.forward): self.label_cross_entropy,
            unwrap(fused.label_cross_entropy_backward.forward): self.label_backward,
        }

    def softmax(self, x: Any, *, axis: int) -> Any:
        """``exp(x)`` scaled to add up to one along an axis."""
        return self._normalized(x, axis, "false")

    def log_softmax(self, x: Any, *, axis: int) -> Any:
        """The logarithm of `softmax`."""
        return self._normalized(x, axis, "true")

    def _normalized(self, x: Any, axis: int, log: str) -> Any:
        x = self._cupy.ascontiguousarray(x)
        y = self._cupy.empty(x.shape, x.dtype)
        self._launch("softmax", (x,), (x, y), x.shape, axis, (log,))
        return y

    def softmax_backward(self, g: Any, y: Any, *, axis: int) -> Any:
        """``y * (g - sum(g * y))`` along an axis."""
        g, y = map(self._cupy.ascontiguousarray, (g, y))
        d = self._cupy.empty(y.shape, np.result_type(g.dtype, y.dtype))
        self._launch("softmax_backward", (g, y, d), (g, y, d), y.shape, axis)
        return d

    def cross_entropy(self, a: Any, b: Any) -> Any:
        """The loss of each row of logits for probabilities."""
        a, b = map(self._cupy.ascontiguousarray, (a, b))
        loss = self._cupy.empty(a.shape[:-1], np.result_type(a.dtype, b.dtype))
        self._launch("cross_entropy", (a, b, loss), (a, b, loss), a.shape)
        return loss

    def cross_entropy_backward(self, g: Any, a: Any, b: Any) -> Any:
        """The cotangent of the logits, from that of the loss of each row."""
        return self._backward("cross_entropy_backward", g, a, b, b.dtype)

    def label_cross_entropy(self, a: Any, b: Any) -> Any:
        """The loss of each row of logits for the number of the right class."""
        a, b = map(self._cupy.ascontiguousarray, (a, self._cupy.asarray(b)))
        loss = self._cupy.empty(a.shape[:-1], a.dtype)
        self._launch("label_cross_entropy", (a, b), (a, b, loss), a.shape)
        return loss

    def label_backward(self, g: Any, a: Any, b: Any) -> Any:
        """The cotangent of the logits, from that of the loss of each row."""
        b = self._cupy.asarray(b)
        return self._backward("label_cross_entropy_backward", g, a, b, a.dtype)

    def _backward(self, name: str, g: Any, a: Any, b: Any, dtype: Any) -> Any:
        a, b = map(self._cupy.ascontiguousarray, (a, b))
        # The cotangent of a mean or a sum is one number, repeated.
        one = not any(g.strides)
        g = g if one else self._cupy.ascontiguousarray(g)
        d = self._cupy.empty(a.shape, np.result_type(g.dtype, a.dtype, dtype))
        along = np.int64(0 if one else 1)
        self._launch(name, (g, a, b, d), (g, along, a, b, d), a.shape)
        return d

    def _launch(
        self,
        name: str,
        types: Sequence[Any],
        arguments: tuple[Any, ...],
        shape: tuple[int, ...],
        axis: int = -1,
        more: tuple[str, ...] = (),
    ) -> None:
        axis %= len(shape)
        n, inner = shape[axis], math.prod(shape[axis + 1 :])
        rows = math.prod(shape[:axis]) * inner
        if rows == 0:
            return
        # Rows that lie beside one another go to threads beside one another.
        lanes = 1 if inner > 1 or n <= 8 else 32 if n <= 1024 else THREADS
        sums = "double" if any(x.dtype.char == "d" for x in types) else "float"
        names = (sums, *[STORED[x.dtype.char] for x in types], str(lanes), *more)
        blocks = min(-(-rows * lanes // THREADS), 2**31 - 1)
        kernel = self._kernel(f"{name}<{', '.join(names)}>")
        kernel((blocks,), (THREADS,), (*arguments, np.array((rows, n, inner), _ROWS)))

    def _kernel(self, name: str) -> Any:
        kernel = self._kernels.get(name)
        if kernel is None:
            module = self._cupy.RawModule(
                code=_SOURCE, options=("-std=c++17",), name_expressions=(name,)
            )
            kernel = self._kernels[name] = module.get_function(name)
        return kernel
