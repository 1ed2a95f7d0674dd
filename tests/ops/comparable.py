"""Which cases of the specification are compared with autograd, and why the others are not.

Whether a case is compared is decided here, by name, and never while the test runs: a comparison
that fails in any way fails its test. The patterns are those of `fnmatch`.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from tests.ops.specification import Case

__all__ = ["UNCOMPARED", "compared", "patterns_for"]

_TABLE: Final = {
    "autograd has no rule for the function, or none for these arguments": """
        positive/* cbrt/* copysign/* float_power/* fmod/* nextafter/*
        ldexp heaviside/* unwrap* log_base/*
        take* compress* extract bincount clip/bounds delete* insert*
        unique* union1d setxor1d setdiff1d trim_zeros
        lstsq/vector lstsq/part pinv/part-* tensorinv tensorsolve* matrix_power/* linalg.* cond*
        norm/vector-1 norm/vector--inf norm/vector-0.5 norm/vector--2
        norm/1 norm/-1 norm/inf* norm/-inf norm/matrix-* norm/stack
        norm/times-0 vector_norm* matrix_norm*
        svdvals/* eigvalsh/* eigvals/* eigh-projection qr/r pinv/hermitian svd/hermitian* roots*
        real_if_close/number vectorize* nanquantile/weights nanpercentile/weights repeat/0-d
        m*imum.accumulate fm*.accumulate divide.accumulate floor_divide.accumulate
        logaddexp.accumulate hypot.accumulate arctan2.reduceat maximum.reduceat subtract.*
        divide.reduce* power.reduce* power.accumulate hypot.outer power.outer/*
        vdot* vecdot* matvec* vecmat* convolve* correlate*
        einsum/lists-implicit einsum/lists-trace
        average* ptp quantile/* percentile/* nanquantile nanpercentile
        nan*/nan-* nansum/complex
        resize/* matrix_transpose flip flip/* broadcast_arrays diagonal* diagflat
        unstack copy meshgrid* logspace geomspace
        sort* partition* cumprod* nancum* cumulative_* trapezoid* interp interp/*
        ediff1d gradient/distance gradient/places-edge gradient/lifted-places
        hfft hfft/* ihfft* irfft/odd irfft/one irfft/forward irfft2/lengths irfftn/lengths
        irfftn/axis-twice
        special-alone.* stats.* scipy.linalg.*
        poly* vander* cov* corrcoef* histogram* i0* piecewise* apply_* emath.*
        ravel/there ravel/back*
        spline/* interp1d/* RegularGridInterpolator/*
        ndimage.* map_coordinates/*
        signal.* scipy.fft/* scipy.dct/* scipy.dst/* distance/* cdist/* pdist/*
        sparse/*
        solve_ivp/* simpson/* scipy.trapezoid quad quad/* fixed_quad
        sliding_window_view* as_strided* pad/to-* pad/*-odd*
        math/* cmath/*
    """,
    "autograd's function takes fewer arguments or methods, or fails on these": """
        exp/dtype power/exponents power/boolean operator/positive/* operator/conjugate
        angle/degrees nan_to_num clip/keyword add.* multiply.*
        maximum.reduce minimum.reduce log*.reduce* hypot.reduce fm*.reduce
        arctan2.outer matmul/axes
        det/zero slogdet/name solve/stack-vector norm/number svd/names
        eigh/values cholesky/upper dot/method
        einsum/trace einsum/*diagonal* einsum/lists-ellipsis
        var/mean median/all median/all-kept median/vector
        rot90/3 roll/axes roll/one-axis-twice tile/number tile/none
        repeat/each broadcast_to broadcast_to/scalar pad/edge pad/reflect pad/symmetric
        pad/wrap trace/axes concatenate/flat linspace/axis full_like arange
        cumsum/scalar cumsum/dtype diff/edges ediff1d/ends ravel/memory
    """,
    "autograd's pullbacks take one array, and the function gives several, or a record": """
        divmod/* modf/* frexp/* slogdet/*x* lstsq svd/*x*
        svd-projection/* svd-full/* svd-full-vectors/* qr-full/* eig/* eigh/*x* eigh/upper
        qr/*x* qr/complete sum/dtype
        gradient/both gradient/edge gradient/places
    """,
    "autograd's pullbacks take the conjugate of a complex cotangent; see the cases of spectra": """
        fft fft/* fft2* fftn* ifft ifft/* ifft2* ifftn* rfft rfft/* rfft2* rfftn*
    """,
    "autograd's gradient has another shape than the operand": """
        where/broadcast where/scalars where/empty outer* cross/stack
        solve/stack-matrix solve/matrix-stack solve/square-stack
        norm/2 norm/axes norm/vector-3 transpose/axes tril/vector
        triu/vector diag/matrix diag/above
    """,
    "autograd's gradient is another one: an argument is dropped, or a list's parts are lost": """
        real_if_close/complex sinc/zero choose* select* multi_dot/two
        multi_dot/four norm/vector-inf norm/nuc cholesky/triangle
        sum/where mean/where var/where std/where prod/where prod/?-zeros
        nanm??/all* nanm??/first nanm??/last-kept nanm??/two* nanm??/vector
        nanm??/single median/first median/last-kept median/two* median/single
        var/correction pad/variable dstack block* array array/* full full/rows
        r_ c_
    """,
    "autograd's arrays cannot be written into": """
        put/* in-place out copyto zeros_like
    """,
    "rounding decides the inverse of a matrix without one": """
        det/singular det/third-order det/fourth-order
    """,
}

UNCOMPARED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {reason: tuple(patterns.split()) for reason, patterns in _TABLE.items()}
)
"""Patterns of the names of cases that are not compared, by the reason."""


def patterns_for(name: str) -> list[str]:
    """The patterns of the table that a case's name fits."""
    return [p for group in UNCOMPARED.values() for p in group if fnmatchcase(name, p)]


def compared(cases: Iterable[Case]) -> list[Case]:
    """The cases that are compared with autograd."""
    return [case for case in cases if not patterns_for(case.name)]
