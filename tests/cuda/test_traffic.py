"""Nothing hidden: what moves between host and device, and what waits, in each case.

Only the software device counts, so on the hardware these tests are not collected. The lists below
are complete: what stands in none of them moves no byte and waits for nothing.
"""

import numpy as np
import pytest
import scipy.sparse
import softcuda

import gradx as gx
from gradx.testing.gradients import random_like
from tests.cuda.device_numpy import on_device
from tests.cuda.places import beside, here, leaves, there
from tests.cuda.test_assignment import CHANGES, VECTOR, program
from tests.cuda.test_assignment import MATRIX as WRITTEN
from tests.cuda.test_functions import CALLS, MATRIX, METHOD_CALLS, UFUNC_CALLS, rows
from tests.cuda.test_specification import CASES, MODES, operands, pullback_of, quiet

__all__ = ["quiet"]


def names(text):
    return frozenset(text.split())


def families(text):
    """The cases of functions."""
    return frozenset(case.name for case in CASES if case.name.partition("/")[0] in text.split())


# Lists, arrays of NumPy's that are indices, and counts go to the device: nothing is waited for.
UPLOADS = names(
    """
    ldexp power/exponents power/boolean nan_to_num insert/constant ediff1d/ends
    gradient/places gradient/places-edge interp/grid r_ getitem/list getitem/list-repeats
    getitem/array-2d getitem/arrays getitem/arrays-broadcast getitem/array-slice
    getitem/slice-array getitem/array-newaxis getitem/arrays-apart getitem/mask
    getitem/mask-rows getitem/mask-array getitem/ix take take/axis take/wrap take/clip compress
    compress/flat repeat/each delete delete/flat delete/slice insert insert/several
    insert/flat quantile/inverted_cdf quantile/averaged_inverted_cdf
    quantile/closest_observation quantile/hazen quantile/weibull
    quantile/interpolated_inverted_cdf quantile/linear quantile/median_unbiased
    quantile/normal_unbiased quantile/lower quantile/higher quantile/midpoint quantile/nearest
    nanquantile
    cov/both-weights cov/fweights histogram histogram/density histogram/edges histogram/range
    polyint/constants polyval/list polyval/zero
    sliding_window_view sliding_window_view/both sliding_window_view/twice sliding_window_view/wide
    put/list put/list-repeats put/arrays put/arrays-broadcast put/array-slice put/slice-array
    put/array-newaxis put/mask-array put/ix put/repeated put/flat copyto add.at
    polyfit/cov histogramdd/edges
    map_coordinates/cubic map_coordinates/mirror map_coordinates/nearest map_coordinates/reflect
    map_coordinates/wrap ndimage.gaussian_filter ndimage.gaussian_filter/slope
    ndimage.gaussian_filter1d ndimage.laplace ndimage.prewitt ndimage.sobel ndimage.uniform_filter
    ndimage.uniform_filter1d pdist/back scipy.linalg.expm signal.savgol_filter
    signal.savgol_filter/even signal.savgol_filter/slope
    scipy.linalg.lu_factor scipy.linalg.lu_factor/high scipy.linalg.lu_factor/wide
    scipy.linalg.lu_solve/0 scipy.linalg.lu_solve/1 scipy.linalg.lu_solve/2
    scipy.linalg.cosm scipy.linalg.sinm scipy.linalg.tanm
    scipy.linalg.coshm scipy.linalg.sinhm scipy.linalg.tanhm
    scipy.linalg.toeplitz scipy.linalg.toeplitz/column scipy.linalg.circulant
    scipy.linalg.hankel scipy.linalg.hankel/column scipy.linalg.solve_toeplitz
    scipy.linalg.block_diag/vector cumulative_trapezoid/initial
    scipy.linalg.expm/stack scipy.linalg.solve_banded scipy.linalg.solve_banded/columns
    scipy.linalg.solveh_banded/lower scipy.linalg.solveh_banded/upper
    ndimage.correlate/by-weights ndimage.correlate/axes/by-weights ndimage.correlate1d/by-weights
    ndimage.convolve/by-weights ndimage.convolve/alone/by-weights ndimage.convolve1d/by-weights
    stats.poisson-pmf stats.poisson-cdf stats.bernoulli-pmf stats.bernoulli-cdf stats.binom-pmf
    stats.binom-cdf stats.geom-pmf stats.geom-cdf stats.nbinom-pmf stats.nbinom-cdf
    stats.multivariate_normal-number map_coordinates/steps
    ndimage.correlate/reflect ndimage.correlate/constant ndimage.correlate/axes
    ndimage.convolve/mirror ndimage.convolve/nearest ndimage.correlate1d/wrap
    ndimage.convolve1d/grid-mirror
    """
) | families("spline interp1d RegularGridInterpolator sparse") - names("sparse/spsolve-constant")
# The shape of the result, or for real_if_close and emath its dtype, depends on numbers, which are
# read; so do the items that a mask of the device chooses, and those that np.piecewise gives its
# functions. The range of a histogram is read too. CuPy reads the lengths of windows, in logsumexp
# and log_softmax whether the largest number is finite, and of what solves a triangle or makes
# `expm` whether it went well. So are ranks, whether iterations are done, and whether eigenvalues of
# real numbers are all real, as NumPy's dtype then is. Places of values are read when a spline is
# made, and go back with the factors of its equations; the indices of a sparse array when that is
# made of a device's, and go back with its first product; and the weights of filters.
READS = names(
    """
    ndimage.correlate/by-weights ndimage.correlate/axes/by-weights ndimage.correlate1d/by-weights
    ndimage.convolve/by-weights ndimage.convolve/alone/by-weights ndimage.convolve1d/by-weights
    extract bincount unique unique/axis union1d setxor1d setdiff1d trim_zeros lstsq
    lstsq/vector real_if_close/real real_if_close/complex
    pinv/part-3x3 pinv/part-4x3 pinv/part-3x5 pinv/part-2x3x3 lstsq/part
    scipy.linalg.pinv/part scipy.linalg.pinvh/part
    scipy.linalg.orth/part scipy.linalg.null_space/part
    emath.arccos/negative emath.arccos/positive emath.arcsin/negative emath.arcsin/positive
    emath.arctanh/negative emath.arctanh/positive emath.log/negative emath.log/positive
    emath.log10/negative emath.log10/positive emath.log2/negative emath.log2/positive
    emath.logn/negative emath.logn/positive emath.power/negative emath.power/positive
    emath.sqrt/negative emath.sqrt/positive
    histogram histogram/bounds histogram/density histogram/range
    piecewise piecewise/conditions piecewise/constant piecewise/number piecewise/one
    piecewise/overwritten
    polydiv polydiv/short polymul
    sliding_window_view sliding_window_view/both sliding_window_view/twice sliding_window_view/wide
    put/mask put/mask-rows put/mask-none out
    polyfit polyfit/columns polyfit/full polyfit/cov polyfit/unscaled polyfit/points
    histogramdd histogramdd/density histogramdd/list histogram2d histogram2d/bounds
    histogram_bin_edges
    special-alone.logsumexp special-alone.logsumexp/axis special-alone.logsumexp/weights
    special-alone.logsumexp/sign special-alone.log_softmax
    scipy.linalg.solve_triangular/N scipy.linalg.solve_triangular/T scipy.linalg.expm
    scipy.linalg.solve_triangular/C-lower scipy.linalg.solve_triangular/N-lower-unit
    scipy.linalg.solve_triangular/T-lower-unit scipy.linalg.cho_solve scipy.linalg.cho_solve/lower
    scipy.linalg.lu scipy.linalg.lu/high scipy.linalg.lu/wide scipy.linalg.lu_factor
    scipy.linalg.lu_factor/high scipy.linalg.lu_factor/wide scipy.linalg.lu_solve/0
    scipy.linalg.lu_solve/1 scipy.linalg.lu_solve/2 scipy.linalg.lstsq
    scipy.linalg.cosm scipy.linalg.sinm scipy.linalg.tanm
    scipy.linalg.coshm scipy.linalg.sinhm scipy.linalg.tanhm
    eig/1x1 eig/3x3 eig/2x3x3 eig/turning eig/power
    eigvals/1x1 eigvals/3x3 eigvals/2x3x3 eigvals/turning
    ndimage.correlate/reflect ndimage.correlate/constant ndimage.correlate/axes
    ndimage.convolve/mirror ndimage.convolve/nearest ndimage.correlate1d/wrap
    ndimage.convolve1d/grid-mirror
    scipy.linalg.eig scipy.linalg.eigvals scipy.linalg.expm/stack scipy.linalg.null_space
    scipy.linalg.null_space/singular scipy.linalg.orth scipy.linalg.orth/vectors
    scipy.linalg.logm scipy.linalg.sqrtm
    """
) | families("spline interp1d sparse") - names(
    """
    sparse/twice sparse/diags sparse/diags_array
    sparse/spsolve-csr sparse/spsolve-coo sparse/spsolve-constant
    """
)
# The sparse solver of cuSOLVER gives the host a number that says whether the matrix is singular.
SOLVES = names(
    """
    scipy.linalg.solve_banded scipy.linalg.solve_banded/columns
    scipy.linalg.solveh_banded/lower scipy.linalg.solveh_banded/upper
    sparse/spsolve-csr sparse/spsolve-coo sparse/spsolve-constant
    """
)


def traffic_of(work):
    """The bytes to the device and the numbers of reads and waits of a call, once it is warm."""
    work()
    work()
    with softcuda.counting() as c:
        work()
    return c.h2d.bytes, c.d2h.count, c.syncs


def numbers_in(xs):
    return sum(isinstance(leaf, (float, complex)) for x in xs for leaf in leaves(x))


def cotangents(f, g, xs, device_xs):
    """A random cotangent of a function's result, and the same where its result is."""
    cotangent = random_like(gx.eval_bp(f, *xs), np.random.default_rng(0))
    return cotangent, beside(cotangent, gx.backprop_with(g, *device_xs)[0])


def work_of(case, order):
    """The gradient of a case on the device, or of that; and how many numbers it has."""
    f, g, xs = case.call, on_device(case.call), operands(case, MODES["double"])
    device_xs = tuple(map(there, xs))
    c, device_c = cotangents(f, g, xs, device_xs)
    if order == 2:
        f, g, xs, device_xs = pullback_of(f), pullback_of(g), (c, *xs), (device_c, *device_xs)
        c, device_c = cotangents(f, g, xs, device_xs)
    return (lambda: gx.backprop_with(g, *device_xs)[1](device_c)), numbers_in(xs)


def each_order():
    for case in CASES:
        for order in range(1, case.order + 1):
            yield pytest.param(case, order, id=f"{case.name}-{order}")


@pytest.mark.parametrize(("case", "order"), [*each_order()])
def test_a_gradient_moves_nothing_but_what_is_listed(case, order):
    work, numbers = work_of(case, order)
    uploaded, reads, waits = traffic_of(work)
    assert (uploaded > 0) is (case.name in UPLOADS)
    assert (reads < waits) if case.name in SOLVES else (reads == waits)
    if case.name in READS | SOLVES:
        assert reads > 0
    else:  # the gradients of Python's numbers are read together, once a pullback
        assert reads <= (order if numbers else 0)


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array"])
def test_a_sparse_array_that_stays_moves_nothing(kind):
    matrix = getattr(scipy.sparse, kind)(np.triu(WRITTEN.T @ WRITTEN + 5.0))
    a, x = there((matrix, np.arange(3.0)))

    def loss(a, x):
        return np.sum((a @ x) ** 2) + np.sum(a.T @ x) + a.sum()

    work = gx.grad(loss, argnums=(0, 1))
    assert traffic_of(lambda: work(a, x)) == (0, 0, 0)
    assert traffic_of(lambda: gx.grad(lambda x: np.sum(work(a, x)[0].data ** 2))(x)) == (0, 0, 0)
    gradient, _ = work(a, x)
    np.testing.assert_allclose(here(gradient).toarray(), work(matrix, here(x))[0].toarray())


# --- Writing into arrays --------------------------------------------------------------------------

# Masks of the device, where= of a ufunc, and how often indices of the device name an item.
READING_CHANGES = names("mask out at")


@pytest.mark.parametrize("name", CHANGES)
def test_writing_reads_nothing_but_what_is_listed(name):
    f, xs = program(on_device(CHANGES[name])), tuple(map(there, (WRITTEN, VECTOR)))
    _, reads, waits = traffic_of(lambda: gx.backprop_with(f, *xs)[1](xs))
    assert (reads > 0) is (waits > 0) is (name in READING_CHANGES)


def test_the_lists_name_cases_and_calls():
    assert {case.name for case in CASES} >= UPLOADS | READS | SOLVES
    assert set(FUNCTIONS) >= UPLOADING_CALLS | READING_CALLS


# --- Functions without a derivative ---------------------------------------------------------------

# Lists go to the device, and indices that are found from a shape.
UPLOADING_CALLS = names(
    """
    allclose-1 isclose-1 array_equal-2 array_equiv-2 isin-0 isin-2 digitize-0 digitize-1
    searchsorted-2 ix_-1 intersect1d-1 any.outer-1 any.at-0
    diag_indices_from-0 tril_indices_from-0 tril_indices_from-1 triu_indices_from-0
    triu_indices_from-1
    """
)
# The result is of a shape that depends on numbers, is Python's or text, or CuPy checks a range.
READING_CALLS = names(
    """
    argwhere-0 flatnonzero-0 nonzero-0 nonzero-1 ix_-0 ix_-1 ravel_multi_index-0
    unique_values-0 unique_all-0 unique_counts-0 unique_inverse-0 intersect1d-0 intersect1d-1
    shares_memory-1 array2string-0 array_repr-0 array_str-0 unravel_index-0
    """
)
FUNCTIONS = {
    row.id: row.values[0]
    for row in (
        *rows(CALLS, lambda f: f.__name__),
        *rows(UFUNC_CALLS, lambda f: f.__name__),
        *rows(METHOD_CALLS, lambda key: f"{getattr(key[0], '__name__', 'any')}.{key[1]}"),
    )
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_moves_nothing_but_what_is_listed(name):
    call, x = on_device(FUNCTIONS[name]), there(MATRIX)
    uploaded, reads, waits = traffic_of(lambda: gx.grad_bp(lambda v: (call(v), v)[1], x))
    assert (uploaded > 0) is (name in UPLOADING_CALLS)
    assert (reads > 0) is (waits > 0) is (name in READING_CALLS)
