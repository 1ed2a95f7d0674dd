"""Expressions of NumPy's functions on list inputs: p, and for two q, beside arrays a and b.

They go over the functions that gradx aims at. Each is an expression in ``np``, which may be
`gradx.numpy` as well.
"""

import numpy as np

__all__ = ["CASES", "NAMES", "RAISING", "of_inputs"]

VECTOR, OTHER = [0.3, 0.7, 0.45, 0.9], [1.3, 0.4, 2.5, 0.6]
MATRIX, SYMMETRIC = [[2.0, 0.3], [0.5, 1.7]], [[2.0, 0.5], [0.5, 1.7]]
CUBE = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.5]]]
TRIPLE, ABOVE_ONE = [1.0, 2.0, 4.0], [1.3, 1.4, 2.5]
NAMES = {"a": np.array([0.2, 1.1, 0.4, 0.8]), "b": np.array([1.0, 2.0])}

UNARY = """
    absolute arccos arcsin arctan arcsinh arctanh cbrt conjugate cos cosh deg2rad degrees exp exp2
    expm1 fabs log log10 log1p log2 negative positive rad2deg radians reciprocal rint sign sin sinh
    sqrt square tan tanh ceil floor trunc spacing isfinite isinf isnan signbit logical_not
    amax amin sum mean prod std var median max min ptp nansum nanmax nanmin nanmean nanprod nanstd
    nanvar nanmedian average cumsum cumprod nancumsum nancumprod cumulative_sum cumulative_prod sort
    argsort argmax argmin diff ediff1d flip ravel squeeze trim_zeros sinc i0 real imag angle round
    around fix nan_to_num real_if_close copy array asarray asanyarray diag diagflat unique
    sort_complex flatnonzero nonzero argwhere count_nonzero all any iscomplex isreal isrealobj
    iscomplexobj isneginf isposinf size shape ndim nanargmax nanargmin zeros_like ones_like
    trapezoid unwrap atleast_1d atleast_2d atleast_3d transpose vander gradient meshgrid
    unique_values hstack vstack dstack column_stack polyder polyint cov corrcoef
    histogram_bin_edges block broadcast_arrays fft.fft fft.ifft fft.fftshift
    fft.rfft fft.irfft fft.hfft fft.ihfft fft.ifftshift fft.fftn fft.rfftn fft.irfftn
    linalg.norm linalg.vector_norm add.reduce multiply.reduce maximum.reduce add.accumulate
    multiply.accumulate lib.scimath.sqrt histogram
"""
BINARY = """
    add subtract multiply divide arctan2 copysign float_power floor_divide fmax fmin fmod heaviside
    hypot logaddexp logaddexp2 maximum minimum nextafter power remainder equal greater greater_equal
    less less_equal not_equal logical_and logical_or logical_xor dot inner outer vdot kron convolve
    correlate add.outer multiply.outer arctan2.outer copysign.outer logaddexp.outer maximum.outer
    vecdot append isclose allclose array_equal union1d
"""
OF_A_MATRIX = """
    transpose trace diagonal tril triu matrix_transpose fliplr flipud rot90 linalg.cond linalg.det
    linalg.diagonal linalg.inv linalg.matrix_norm linalg.matrix_transpose linalg.pinv
    linalg.svdvals linalg.trace linalg.matrix_rank concatenate linalg.norm median
    fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2 fft.ifftn
"""
OTHERS = {
    "p": """
        np.divmod(p, 0.4)[1]; np.modf(p)[0]; np.ldexp(p, [1, 2, 3, 1])
        np.reshape(p, (2, 2)); np.resize(p, 6); np.repeat(p, 2); np.tile(p, 2); np.roll(p, 1)
        np.expand_dims(p, 0); np.broadcast_to(p, (3, 4)); np.concatenate([p, a]); np.stack(p)
        np.stack([p, a]); np.insert(p, 1, 5.0); np.insert(a, [0, 1, 2, 3], p); np.delete(p, 1)
        np.pad(p, 1); np.array_split(p, 2)[0]; np.take(p, [0, 2]); np.where(a > 0.5, p, 0.0)
        np.compress([True, False, True, False], p); np.extract([True, False, True, False], p)
        np.select([a > 0.5], [p], 0.0); np.piecewise(p, [a > 0.5], [1.0]); np.clip(p, 0.4, 0.8)
        np.clip(a, p, 2.0); np.interp(p, [0.0, 0.6, 1.0], [1.0, 3.0, 2.0])
        np.interp(0.3, [0.0, 0.2, 0.6, 1.0], p); np.percentile(p, 40); np.quantile(p, 0.4)
        np.nanquantile(p, 0.4); np.partition(p, 2); np.argpartition(p, 2)
        np.searchsorted([0.1, 0.6], p); np.digitize(p, [0.1, 0.6]); np.bincount([0, 1, 1, 2], p)
        np.average(a, weights=p); np.linspace(p, 1.0, 5); np.logspace(p, 1.0, 5)
        np.geomspace(p, 1.0, 5); np.full_like(p, 2.0); np.full(4, p); np.polyval(p, 0.5)
        np.polyval([1.0, 2.0], p); np.polyadd(p, [1.0, 2.0]); np.polymul(p, [1.0, 2.0])
        np.polydiv(p, [1.0, 2.0])[0]; np.polyfit([0.0, 1.0, 2.0, 3.0], p, 1); np.isin(p, [0.35])
        np.lexsort([p]); np.meshgrid(p, b)[0]; np.r_[p, a]; np.c_[p, a]; np.linalg.norm(p, 1)
        np.linalg.norm(p, np.inf); np.lib.stride_tricks.sliding_window_view(p, 2)
        np.fromiter(p, float); np.roots(p); np.maximum.accumulate(p); np.subtract.reduce(p)
        np.add.reduceat(p, [0, 2]); np.histogram2d(a, a, 2, weights=p)[0]
        np.histogramdd([p, a], 2)[1][0]; np.vectorize(np.square)(p)
        np.quantile(p, 0.4, weights=a, method="inverted_cdf"); np.vecdot(p, a, axis=0)
    """,
    "M": """
        np.matmul(p, b); np.matvec(p, b); np.vecmat(b, p); np.tensordot(p, b, axes=1)
        np.einsum("ij,j", p, b); np.linalg.solve(p, b); np.linalg.lstsq(p, b, rcond=None)[0]
        np.linalg.matrix_power(p, 3); np.linalg.multi_dot([p, p, b]); np.linalg.tensorsolve(p, b)
        np.linalg.tensordot(p, b, axes=1); np.linalg.matmul(p, b); np.linalg.slogdet(p)[1]
        np.linalg.qr(p)[0]; np.linalg.svd(p)[1]; np.linalg.norm(p, 2); np.linalg.norm(p, axis=1)
        np.sum(p, axis=0); np.mean(p, axis=0); np.std(p, axis=1); np.max(p, axis=0)
        np.cumsum(p, axis=1); np.sort(p, axis=0); np.moveaxis(p, 0, 1); np.swapaxes(p, 0, 1)
        np.choose([0, 1], p); np.vsplit(np.asarray(p), 2)[0]; np.average(p, axis=0)
        np.apply_along_axis(sum, 0, p); np.linalg.eigvals(p); np.linalg.eig(p)[0]
    """,
    "S": "np.linalg.cholesky(p); np.linalg.eigh(p)[0]; np.linalg.eigvalsh(p)",
    "T": "np.cross(p, [1.0, 0.0, 2.0]); np.linalg.cross(p, [1.0, 0.0, 2.0])",
    "H": "np.arccosh(p)",
    "C": "np.sum(p, axis=(0, 2)); np.dsplit(np.asarray(p), 2)[0]",
}
_INPUTS = {"p": VECTOR, "M": MATRIX, "S": SYMMETRIC, "T": TRIPLE, "H": ABOVE_ONE, "C": CUBE}


def _cases():
    for name in UNARY.split():
        yield f"np.{name}(p)", (VECTOR,)
    for name in BINARY.split():
        yield f"np.{name}(p, a)", (VECTOR,)
        yield f"np.{name}(a, p)", (VECTOR,)
        yield f"np.{name}(p, q)", (VECTOR, OTHER)
    for name in OF_A_MATRIX.split():
        yield f"np.{name}(p)", (MATRIX,)
    for kind, text in OTHERS.items():
        for each in text.replace("\n", ";").split(";"):
            if each.strip():
                yield each.strip(), (_INPUTS[kind],)


CASES = [(f"{text} of {len(np.shape(xs[0]))}-d", text, xs) for text, xs in _cases()]


def of_inputs(text, namespace):
    """The function of an expression."""
    code = compile(text, text, "eval")
    return lambda p, q=None: eval(code, {"np": namespace, "p": p, "q": q, **NAMES})


RAISING = """
    np.spacing(p) of 1-d
    np.isfinite(p) of 1-d
    np.isinf(p) of 1-d
    np.isnan(p) of 1-d
    np.signbit(p) of 1-d
    np.std(p) of 1-d
    np.nanstd(p) of 1-d
    np.i0(p) of 1-d
    np.angle(p) of 1-d
    np.sort_complex(p) of 1-d
    np.isneginf(p) of 1-d
    np.isposinf(p) of 1-d
    np.gradient(p) of 1-d
    np.cov(p) of 1-d
    np.corrcoef(p) of 1-d
    np.fft.fft(p) of 1-d
    np.fft.ifft(p) of 1-d
    np.fft.rfft(p) of 1-d
    np.fft.irfft(p) of 1-d
    np.fft.hfft(p) of 1-d
    np.fft.ihfft(p) of 1-d
    np.fft.fftn(p) of 1-d
    np.fft.rfftn(p) of 1-d
    np.fft.irfftn(p) of 1-d
    np.histogram(p) of 1-d
    np.arctan2(a, p) of 1-d
    np.copysign(p, a) of 1-d
    np.copysign(a, p) of 1-d
    np.copysign(p, q) of 1-d
    np.float_power(p, a) of 1-d
    np.float_power(a, p) of 1-d
    np.float_power(p, q) of 1-d
    np.fmod(a, p) of 1-d
    np.heaviside(p, a) of 1-d
    np.heaviside(a, p) of 1-d
    np.heaviside(p, q) of 1-d
    np.hypot(a, p) of 1-d
    np.logaddexp(p, a) of 1-d
    np.logaddexp(a, p) of 1-d
    np.logaddexp(p, q) of 1-d
    np.logaddexp2(p, a) of 1-d
    np.logaddexp2(a, p) of 1-d
    np.logaddexp2(p, q) of 1-d
    np.nextafter(p, a) of 1-d
    np.nextafter(a, p) of 1-d
    np.nextafter(p, q) of 1-d
    np.logical_xor(a, p) of 1-d
    np.arctan2.outer(a, p) of 1-d
    np.copysign.outer(p, a) of 1-d
    np.copysign.outer(a, p) of 1-d
    np.copysign.outer(p, q) of 1-d
    np.logaddexp.outer(p, a) of 1-d
    np.logaddexp.outer(a, p) of 1-d
    np.logaddexp.outer(p, q) of 1-d
    np.isclose(a, p) of 1-d
    np.isclose(p, q) of 1-d
    np.allclose(a, p) of 1-d
    np.allclose(p, q) of 1-d
    np.linalg.cond(p) of 2-d
    np.linalg.det(p) of 2-d
    np.linalg.inv(p) of 2-d
    np.linalg.pinv(p) of 2-d
    np.linalg.svdvals(p) of 2-d
    np.linalg.matrix_rank(p) of 2-d
    np.fft.fft2(p) of 2-d
    np.fft.ifft2(p) of 2-d
    np.fft.rfft2(p) of 2-d
    np.fft.irfft2(p) of 2-d
    np.fft.ifftn(p) of 2-d
    np.divmod(p, 0.4)[1] of 1-d
    np.modf(p)[0] of 1-d
    np.ldexp(p, [1, 2, 3, 1]) of 1-d
    np.insert(a, [0, 1, 2, 3], p) of 1-d
    np.interp(p, [0.0, 0.6, 1.0], [1.0, 3.0, 2.0]) of 1-d
    np.interp(0.3, [0.0, 0.2, 0.6, 1.0], p) of 1-d
    np.percentile(p, 40) of 1-d
    np.quantile(p, 0.4) of 1-d
    np.nanquantile(p, 0.4) of 1-d
    np.bincount([0, 1, 1, 2], p) of 1-d
    np.geomspace(p, 1.0, 5) of 1-d
    np.polydiv(p, [1.0, 2.0])[0] of 1-d
    np.polyfit([0.0, 1.0, 2.0, 3.0], p, 1) of 1-d
    np.fromiter(p, float) of 1-d
    np.linalg.solve(p, b) of 2-d
    np.linalg.lstsq(p, b, rcond=None)[0] of 2-d
    np.linalg.tensorsolve(p, b) of 2-d
    np.linalg.slogdet(p)[1] of 2-d
    np.linalg.qr(p)[0] of 2-d
    np.linalg.svd(p)[1] of 2-d
    np.linalg.norm(p, 2) of 2-d
    np.linalg.cholesky(p) of 2-d
    np.linalg.eigh(p)[0] of 2-d
    np.linalg.eigvalsh(p) of 2-d
    np.linalg.eigvals(p) of 2-d
    np.linalg.eig(p)[0] of 2-d
    np.histogram2d(a, a, 2, weights=p)[0] of 1-d
"""
"""What NumPy cannot do with objects: it raises, with a note."""
