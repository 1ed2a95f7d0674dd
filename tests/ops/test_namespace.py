"""`gradx.numpy` beside NumPy's namespace, and as one of the array API standard."""

import inspect
import types

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.core.dispatch import FUNCTIONS
from gradx.testing.gradients import check_grads
from tests.processes import printed

# --- All of NumPy ---------------------------------------------------------------------------------

WITHOUT_VARIABLES = {
    *("busday_count", "busday_offset", "is_busday", "datetime_as_string"),
    *("packbits", "unpackbits", "save", "savetxt", "savez", "savez_compressed"),
}
"""Functions that NumPy dispatches and that raise on a variable: of dates, bits and files."""

NOT_GIVEN = {
    *("asmatrix", "bmat", "matrix", "row_stack", "recarray", "record"),
    *("busday_count", "busday_offset", "busdaycalendar", "is_busday"),
    *("datetime_as_string", "datetime_data", "flatiter", "nested_iters"),
    *("core", "ctypeslib", "f2py", "typing", "__version__"),
    *("get_include", "info", "show_config", "show_runtime", "test", "complex256", "float128"),
}
"""Names of NumPy that gradx.numpy has no use for: dates, matrices, tools, what is deprecated."""

WRITING = {"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"}


def dispatched(namespace):
    """The functions of a namespace that ask their arguments, by NumPy's protocol."""
    return {
        name: f
        for name, f in vars(namespace).items()
        if not name.startswith("_") and hasattr(f, "_implementation")
    }


@pytest.mark.parametrize(
    "path", ["", "linalg", "fft", "emath", "lib.stride_tricks"], ids=lambda path: path or "numpy"
)
def test_every_function_that_numpy_dispatches_is_lifted(path):
    namespace, ours = np, gnp
    for part in filter(None, path.split(".")):
        namespace, ours = getattr(namespace, part), getattr(ours, part)
    functions = dispatched(namespace)
    missing = {name for name, f in functions.items() if f not in FUNCTIONS}
    assert missing == (WITHOUT_VARIABLES if namespace is np else set())
    assert {n for n in functions if not hasattr(ours, n)} <= NOT_GIVEN | WRITING


def test_every_name_of_numpy_is_given_or_left_out_by_name():
    missing = {name for name in np.__all__ if not hasattr(gnp, name)}
    assert missing - WRITING == {name for name in NOT_GIVEN if hasattr(np, name)}
    with pytest.raises(AttributeError, match=r"module 'gradx\.numpy' has no attribute 'nothing'"):
        _ = gnp.nothing


def test_submodules_of_no_variables_are_numpys_own():
    assert gnp.random is np.random
    assert gnp.linalg.LinAlgError is np.linalg.LinAlgError
    assert isinstance(gnp.exceptions, types.ModuleType)


def test_a_function_that_raises_names_what_to_write():
    with pytest.raises(gx.NotLiftedError, match=r"np\.savetxt has no derivative.*gx\.value\(v\)"):
        gx.grad_bp(lambda v: np.savetxt("unwritten.txt", v), np.ones(2))


KINDS = ["?", "i1", "u2", "i8", "f4", "f8", "F", "D"]
UNARY = """
    sum prod mean max min std var any all argmax cumulative_sum cumulative_prod sort argsort
    unique_values unique_counts sign square sqrt round real imag flip tril matrix_transpose
    ones_like diff nan_to_num ptp median trace diag cumsum histogram unwrap gradient sinc
    angle
"""


@pytest.mark.parametrize("name", UNARY.split())
def test_a_call_without_a_variable_is_one_of_numpys_own(name):
    """The results are equal in type, dtype and value; where NumPy raises, its error is raised."""
    for kind in KINDS:
        x = np.arange(1, 7).reshape(2, 3).astype(kind)
        for options in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"dtype": "f8"}):
            try:
                wanted = getattr(np, name)(x, **options)
            except Exception as error:
                with pytest.raises(type(error)):
                    getattr(gnp, name)(x, **options)
            else:
                got = getattr(gnp, name)(x, **options)
                assert repr(got) == repr(wanted)


@pytest.mark.parametrize("name", ["add", "sum", "linspace", "concatenate", "astype", "unique_all"])
def test_a_function_shows_numpys_signature(name):
    ours, numpys = (inspect.signature(getattr(namespace, name)) for namespace in (gnp, np))
    assert str(ours) == str(numpys)


def test_out_of_a_call_without_a_variable_is_written_to():
    buffer = np.zeros(())
    assert gnp.sum(np.ones(3), out=buffer) is buffer
    assert buffer == 3.0


# --- The array API standard -----------------------------------------------------------------------

STANDARD = """
    e inf nan newaxis pi arange asarray empty empty_like eye from_dlpack full full_like
    linspace meshgrid ones ones_like tril triu zeros zeros_like astype broadcast_arrays
    broadcast_to can_cast finfo iinfo isdtype result_type bool int8 int16 int32 int64 uint8
    uint16 uint32 uint64 float32 float64 complex64 complex128 abs acos acosh add asin asinh
    atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or
    bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp expm1
    floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal
    log log1p log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum
    minimum multiply negative nextafter not_equal positive pow real reciprocal remainder
    round sign signbit sin sinh square sqrt subtract tan tanh trunc take take_along_axis
    matmul matrix_transpose tensordot vecdot concat expand_dims flip moveaxis permute_dims
    repeat reshape roll squeeze stack tile unstack argmax argmin count_nonzero nonzero
    searchsorted where unique_all unique_counts unique_inverse unique_values argsort sort
    cumulative_prod cumulative_sum max mean min prod std sum var all any diff
    linalg.cholesky linalg.cross linalg.det linalg.diagonal linalg.eigh linalg.eigvalsh
    linalg.inv linalg.matmul linalg.matrix_norm linalg.matrix_power linalg.matrix_rank
    linalg.matrix_transpose linalg.outer linalg.pinv linalg.qr linalg.slogdet linalg.solve
    linalg.svd linalg.svdvals linalg.tensordot linalg.trace linalg.vecdot linalg.vector_norm
    fft.fft fft.ifft fft.fftn fft.ifftn fft.rfft fft.irfft fft.rfftn fft.irfftn fft.hfft
    fft.ihfft fft.fftfreq fft.rfftfreq fft.fftshift fft.ifftshift __array_namespace_info__
    __array_api_version__
"""
"""The names of version 2024.12, extensions included."""


def test_every_name_of_the_standard_is_there():
    for path in STANDARD.split():
        found = gnp
        for part in path.split("."):
            found = getattr(found, part)
    info = gnp.__array_namespace_info__()
    assert info.dtypes()["float64"] == gnp.float64
    assert info.default_device() == "cpu"


def softmax(x, axis=-1):
    """As SciPy writes it."""
    xp = x.__array_namespace__()
    x_max = xp.max(x, axis=axis, keepdims=True)
    exp_shifted = xp.exp(x - x_max)
    return exp_shifted / xp.sum(exp_shifted, axis=axis, keepdims=True)


def standardized(x):
    xp = x.__array_namespace__(api_version="2024.12")
    assert xp.isdtype(x.dtype, "real floating")
    eps = xp.finfo(x.dtype).eps
    weights = xp.astype(xp.arange(x.shape[0], dtype=xp.int64), xp.float64) + 1.0
    z = (x - xp.mean(x)) / (xp.std(x, correction=1) + eps)
    return xp.sum(weights * xp.where(z > 0, z, xp.expm1(z))) + xp.vecdot(weights, z)


def whitened(x):
    xp = x.__array_namespace__()
    a = xp.permute_dims(xp.reshape(xp.concat([x, x**2, xp.sin(x)]), (3, -1)), (1, 0))
    covariance = xp.matmul(a.mT, a) + xp.eye(3)
    chol = xp.linalg.cholesky(covariance)
    white = xp.linalg.solve(chol, xp.linalg.matrix_transpose(a))
    return xp.linalg.vector_norm(white) + xp.linalg.slogdet(covariance)[1]


def counted(x):
    xp = x.__array_namespace__()
    values = xp.unique_values(xp.concat([x, x]))
    total = xp.cumulative_sum(xp.sort(values), include_initial=True)
    first, *_ = xp.unstack(xp.stack([total, total**2]))
    return (
        xp.max(first) + xp.abs(xp.fft.fft(x))[1] + xp.atan2(x[0], x[1]) + xp.prod(xp.clip(x, 0, 2))
    )


@pytest.mark.parametrize("program", [softmax, standardized, whitened, counted])
def test_programs_of_the_standard(program):
    x = np.array([1.5, -0.7, 0.4, 2.2])
    y, _ = gx.backprop(program, x)
    np.testing.assert_array_equal(y, program(x))
    check_grads(program, x, tolerance=1e-5)


def test_variables_answer_as_arrays_of_the_standard():
    def f(v):
        for x in (v, v[0]):
            assert x.__array_namespace__() is gnp
            assert x.device == "cpu"
            assert x.to_device("cpu") is x
        assert not hasattr(2.0, "__array_namespace__")
        with pytest.raises(ValueError, match=r"write gx\.to_device\(v, 'cuda'\)"):
            v.to_device("cuda")
        with pytest.raises(ValueError, match=r"Version .* is not supported"):
            v.__array_namespace__(api_version="1999.12")
        return np.sum(v)

    gx.grad_bp(f, np.ones(2))


PROGRAM_OF_SCIPY = """
import numpy as np, scipy.integrate, scipy.special, scipy.stats, gradx as gx
from gradx.testing import check_grads
x = np.array([1.5, 0.7, 0.4, 2.2])
for f in (
    lambda v: scipy.special.softmax(v)[0],
    lambda v: scipy.integrate.simpson(v),
    scipy.stats.gmean,
    scipy.stats.kurtosis,
):
    np.testing.assert_array_equal(gx.backprop(f, x)[0], f(x))
    check_grads(f, x)
"""


def test_functions_of_scipy_that_are_written_for_any_array_library_take_variables():
    pytest.importorskip("scipy")
    assert printed(PROGRAM_OF_SCIPY, SCIPY_ARRAY_API="1") == ""


def test_a_window_whose_shape_is_a_variable():
    y, grad = gx.backprop(lambda b: gnp.kaiser(5, b), 2.0)
    np.testing.assert_array_equal(y, np.kaiser(5, 2.0))
    check_grads(lambda b: gnp.kaiser(5, b), 2.0)
    assert gx.backprop(lambda b: gnp.kaiser(1, b), 2.0)[0] == 1.0
    assert grad < 0
