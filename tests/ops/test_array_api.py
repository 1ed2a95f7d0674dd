"""The functions of the array API standard on variables, beside NumPy's on the plain values.

Type, dtype, shape and every bit are the same, and so is the class of an error. What NumPy itself
computes otherwise than the standard says, gradx computes as NumPy does.
"""

from __future__ import annotations

import itertools
import operator
import warnings

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.reverse.variables import BVar
from gradx.testing.gradients import check_grads

# --- Comparing -----------------------------------------------------------------------------------


def plain(x):
    if isinstance(x, BVar):
        return gx.value(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(plain, x))
    return type(x)(map(plain, x)) if type(x) in (list, tuple) else x


def outcome(function, args, options):
    """What a call gives, in terms that compare equal only to the bit, or the class of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = function(*args, **options)
        except Exception as error:
            return error
    return described(plain(y))


def described(y):
    if isinstance(y, (tuple, list)):
        return type(y), *map(described, y)
    if isinstance(y, (np.ndarray, np.generic)):
        return type(y), y.dtype, y.shape, np.ascontiguousarray(y).tobytes()
    return type(y), repr(y)


def compare(ours, theirs, args, options, note=""):
    got = outcome(ours, args, options)
    wanted = outcome(theirs, plain(args), {key: plain(x) for key, x in options.items()})
    said = f"{note}: {args} {options}: {got} in place of {wanted}"
    if isinstance(wanted, Exception):
        assert isinstance(got, type(wanted)), said
    else:
        assert got == wanted, said


def on_variables(check, *xs):
    """Call a check with variables of values."""

    def f(vs):
        check(*vs)
        return sum(np.sum(np.abs(v)) for v in vs)

    with np.errstate(all="ignore"):
        gx.backprop(f, list(xs))


def named(name):
    ours, theirs = gnp, np
    for part in name.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    return ours, theirs


# --- Values that are special ----------------------------------------------------------------------

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.0, 3.0, 1e30]
SHAPES = [(), (0,), (14,), (2, 3), (2, 0, 3)]
UNARY = """
    abs acos acosh asin asinh atan atanh ceil conj cos cosh exp expm1 floor imag isfinite isinf
    isnan log log1p log2 log10 negative positive real reciprocal round sign signbit sin sinh square
    sqrt tan tanh trunc logical_not clip
"""
BINARY = """
    add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal
    logaddexp logical_and logical_or logical_xor maximum minimum multiply nextafter not_equal pow
    remainder subtract
"""
OPERATORS = "add sub mul truediv floordiv mod pow matmul lt le gt ge eq ne"


def special(dtype, shape=(14,), first=0):
    values = np.roll(np.array(SPECIAL), -first)
    with np.errstate(all="ignore"):
        x = (values if dtype in "fdFDe" else np.arange(14) - 3).astype(dtype)
    if x.dtype.kind == "c":
        x.imag = np.roll(values, 5)
    return np.resize(x, shape)


@pytest.mark.parametrize("name", UNARY.split())
def test_a_function_of_one_array(name):
    for dtype, shape in itertools.product("fdFDe", SHAPES):
        x = special(dtype, shape)
        on_variables(lambda v: compare(*named(name), (v,), {}, name), x)
        on_variables(
            lambda v: compare(*named(name), (v,), {}, name), x[..., ::-1] if shape else x[()]
        )


@pytest.mark.parametrize("name", BINARY.split())
def test_a_function_of_two_arrays(name):
    _check_binary(*named(name), name)


@pytest.mark.parametrize("name", OPERATORS.split())
def test_an_operator(name):
    function = getattr(operator, name)
    _check_binary(function, function, name)


def _check_binary(ours, theirs, name):
    for one, other in itertools.product("fD", "fdDi?"):
        for shapes in (((14,), (14,)), ((3, 1), (2,)), ((2, 3), (3, 2)), ((), (2,)), ((0,), (1,))):
            x, y = special(one, shapes[0]), special(other, shapes[1], 3)

            def check(v, w, x=x, y=y):
                compare(ours, theirs, (v, y), {}, name)
                compare(ours, theirs, (y, v), {}, name)
                compare(ours, theirs, (v, w), {}, name)

            on_variables(check, x, special(one, shapes[1], 3))
    for dtype, number in itertools.product(
        "fdFD", (0, -1, 2, 0.5, np.inf, True, np.float32(2), np.int64(3))
    ):

        def with_a_number(v, number=number):
            compare(ours, theirs, (v, number), {}, name)
            compare(ours, theirs, (number, v), {}, name)

        on_variables(with_a_number, special(dtype))


# --- Along axes -----------------------------------------------------------------------------------

ALONG = {
    "sum prod mean": [{}, {"keepdims": True}, {"dtype": "d"}, {"dtype": "i8"}],
    "max min all any argmax argmin count_nonzero": [{}, {"keepdims": True}],
    "std var": [{}, {"correction": 1}, {"correction": 0.5, "keepdims": True}],
    "cumulative_sum cumulative_prod": [{}, {"include_initial": True}, {"dtype": "D"}],
    "cumsum cumprod flip squeeze sort argsort median": [{}],
    "diff": [{}, {"n": 2}, {"n": 0}],
}
AXES = [{}, *({"axis": axis} for axis in (None, 0, -1, (0, 1), 2, 0.5))]
CASES_ALONG = [(name, options) for names, options in ALONG.items() for name in names.split()]


@pytest.mark.parametrize(("name", "options"), CASES_ALONG, ids=[name for name, _ in CASES_ALONG])
def test_a_function_along_an_axis(name, options):
    for dtype, shape in itertools.product("fdF", SHAPES):

        def check(v):
            for more, axis in itertools.product(options, AXES):
                if name.startswith("cumulative") and type(axis.get("axis")) is tuple:
                    continue  # NumPy takes one of one axis by oversight
                compare(*named(name), (v,), {**more, **axis}, name)

        on_variables(check, special(dtype, shape))


# --- Matrices -------------------------------------------------------------------------------------

MATRICES = {
    "cholesky": [{}, {"upper": True}],
    "qr": [{}, {"mode": "complete"}],
    "svd": [{}, {"full_matrices": False}],
    "matrix_norm": [{}, *({"ord": p} for p in (1, 2, "nuc", np.inf, -1, -2)), {"keepdims": True}],
    "vector_norm": [
        {},
        *({"ord": p} for p in (1, 0, 3, np.inf, -np.inf)),
        {"axis": 0},
        {"axis": (0, 1)},
    ],
    "diagonal": [{}, {"offset": 1}],
    "trace": [{}, {"offset": -1}, {"dtype": "D"}],
    "det slogdet inv eigh eigvalsh svdvals pinv matrix_rank matrix_transpose cond": [{}],
}
CASES_OF_MATRICES = [
    (name, options) for names, options in MATRICES.items() for name in names.split()
]
SHAPES_OF_MATRICES = [(3, 3), (2, 3, 3), (0, 0), (2, 3), (3, 2), (3,), (), (0, 2, 2)]


def matrix(dtype, shape):
    x = np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * np.sin(x)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        x = x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(shape[-1])
    return x.astype(dtype)


@pytest.mark.parametrize(
    ("name", "options"), CASES_OF_MATRICES, ids=[name for name, _ in CASES_OF_MATRICES]
)
def test_a_function_of_matrices(name, options):
    for dtype, shape in itertools.product("fdD", SHAPES_OF_MATRICES):

        def check(v):
            for more in options:
                compare(*named(f"linalg.{name}"), (v,), more, name)

        on_variables(check, matrix(dtype, shape))


def test_powers_of_a_matrix():
    for shape, n in itertools.product(SHAPES_OF_MATRICES, (0, 1, 2, 5, -2, 1.5)):
        function = named("linalg.matrix_power")
        on_variables(lambda v, n=n, f=function: compare(*f, (v, n), {}), matrix("d", shape))


@pytest.mark.parametrize("name", ["matmul", "vecdot", "tensordot", "linalg.solve"])
def test_products_of_matrices(name):
    for shape, other in itertools.product(SHAPES_OF_MATRICES, SHAPES_OF_MATRICES):

        def check(v, w):
            compare(*named(name), (v, w), {}, name)
            if name == "tensordot":
                for axes in (0, 1, 3, ((0,), (0,)), ((-1,), (0,)), ((0, 1), (1, 0))):
                    compare(*named(name), (v, w), {"axes": axes}, name)

        on_variables(check, matrix("d", shape), matrix("f", other))


# --- What was otherwise ---------------------------------------------------------------------------


def test_an_array_without_axes_counts_as_one_of_one_item():
    def check(v):
        for axis in (0, -1, 1):
            compare(gnp.take, np.take, (v, [0, 0]), {"axis": axis})
            compare(gnp.cumsum, np.cumsum, (v,), {"axis": axis})
            compare(gnp.squeeze, np.squeeze, (v,), {"axis": axis})
            compare(gnp.cumulative_sum, np.cumulative_sum, (v,), {"axis": axis})
        compare(gnp.diff, np.diff, (v,), {})

    on_variables(check, np.array(2.0))
    check_grads(lambda x: np.sum(np.take(x, [0, 0], axis=0) * [1.0, 3.0]), np.array(2.0))
    check_grads(lambda x: np.cumulative_prod(x, include_initial=True)[1] ** 2, np.array(2.0))


def test_equal_items_of_either_sign_are_numpys():
    x = np.array([3.0, 0.0, -0.0, 1.0, 0.0, -0.0, 1.0])
    for name in ("unique", "unique_values", "unique_counts", "unique_all", "unique_inverse"):
        on_variables(lambda v, name=name: compare(*named(name), (v,), {}, name), x)
    check_grads(lambda x: np.sum(np.unique_values(x) * [1.0, 2.0, 5.0]), np.array([3.0, -1.0, 0.5]))


def test_pythons_numbers_do_not_decide_the_dtype_of_what_is_joined_flat():
    def check(v, number):
        for pieces in ([v, 1.0], [1, v], [v, number], [v, 1j], [number, 2.0]):
            compare(gnp.concat, np.concat, (pieces,), {"axis": None})

    on_variables(check, np.ones(2, "f"), 2.5)


def test_norms_of_nothing_are_zero():
    x = np.zeros((2, 0))
    for p in (1, 2, np.inf, "nuc"):
        on_variables(
            lambda v, p=p: compare(gnp.linalg.matrix_norm, np.linalg.matrix_norm, (v,), {"ord": p}),
            x,
        )
    _, grad = gx.backprop(lambda x: np.linalg.vector_norm(x, ord=np.inf) + np.sum(x), x)
    assert grad.shape == (2, 0)


def test_a_norm_along_an_axis_that_is_not_there_raises():
    def check(v):
        for axis in (2, -3, (0, 2), (0, 0)):
            with pytest.raises(ValueError, match="axis"):
                np.linalg.norm(v, axis=axis)
        with pytest.raises(ValueError, match="axis"):
            np.linalg.matrix_norm(v[0])

    on_variables(check, np.ones((2, 3)))


def test_devices_that_an_array_is_not_on():
    def check(v):
        for function in (gnp.asarray, lambda x, device: np.astype(x, "f", device=device)):
            assert isinstance(function(v, device="cpu"), BVar)
            with pytest.raises(ValueError, match="Device not understood"):
                function(v, device="gpu")
        with pytest.raises(ValueError, match="stream"):
            v.to_device("cpu", stream=1)

    on_variables(check, np.ones(2))


def test_the_device_of_an_array_of_which_only_the_shape_is_known():
    said = []
    gx.linearize(lambda x: said.append(x.device) or x * 2, np.ones(2))
    gx.jacobian(lambda x: said.append(x.device) or x * 2, np.ones(2))
    assert set(said) == {"cpu"}


def test_attributes_of_a_scalar():
    def check(v):
        x = v[0]
        assert x.strides == np.float64(1.0).strides
        for call in (lambda: x @ x, lambda: 2.0 @ x, lambda: x @ 2.0):
            with pytest.raises(TypeError, match="unsupported operand"):
                call()
        with pytest.raises(ValueError, match="matmul"):
            x @ v

    on_variables(check, np.ones(2))


def test_the_step_of_a_range_is_of_numpys_type():
    def check(v):
        step = gnp.linspace(v, 4.0, 5, retstep=True)[1]
        assert type(gx.value(step)) is np.float64

    on_variables(check, 1.0)


def test_what_numpy_does_not_take_for_an_axis():
    def check(v):
        for call in (
            lambda: np.diff(v, axis=None),
            lambda: np.sort(v, axis=0.5),
            lambda: np.cumsum(v, (0,)),
        ):
            with pytest.raises(TypeError, match="integer"):
                call()

    on_variables(check, np.ones(3))
