"""The lifted value is the plain one to the bit, however the operands lie in memory.

NumPy adds and multiplies in an order that depends on strides, sizes and dtypes, and picks the
routine of a matrix product by them. An op that computes by another function than the plain call,
as `matmul` for `np.dot`, agrees on small contiguous arrays and differs elsewhere.
"""

import numpy as np
import pytest

import gradx as gx
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import leaves, per_case

pytestmark = pytest.mark.thorough


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def bits(y):
    """The type, dtype, shape, order in memory and bits of each number and array of a result."""
    parts = [(type(x), np.asarray(x)) for x in leaves(y)]
    return [(kind, x.dtype, x.shape, steps(x), x.tobytes()) for kind, x in parts]


def steps(x):
    """The steps in memory along the axes that have more than one item."""
    return [step for n, step in zip(x.shape, x.strides, strict=True) if n > 1 and x.size]


def lifted(call, *xs):
    """What a call gives inside a run, where others would go on with it."""
    seen = []

    def f(*vs):
        seen.append(gx.value(call(*vs)))
        return 0.0

    gx.backprop(f, *xs)
    return seen[0]


# --- Layouts --------------------------------------------------------------------------------------


def repeated(x):
    """Each item twice along each axis."""
    for axis in range(x.ndim):
        x = np.repeat(x, 2, axis=axis)
    return x


LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "every second": lambda x: repeated(x)[(slice(None, None, 2),) * x.ndim],
    "by columns": lambda x: np.array(x, order="F"),
    "reversed": lambda x: np.flip(np.flip(x).copy()),
    "part of a larger one": lambda x: np.pad(x, 1)[(slice(1, -1),) * x.ndim],
    "singles": lambda x: x.astype(np.float32),
}


def laid_out(layout, xs, only):
    """The operands, of which one, or each, lies otherwise in memory."""
    for i, x in enumerate(xs):
        array = type(x) is np.ndarray and x.dtype.kind == "f" and x.ndim
        yield LAYOUTS[layout](x) if array and only in (None, i) else x


OF_GRADIENTS = {"eigvalsh/second-order"}
"""Cases whose value is a gradient, of which the last bit is not promised."""


@pytest.mark.filterwarnings("ignore")
@per_case([case for case in ALL_CASES if case.name not in OF_GRADIENTS])
def test_every_case_in_every_layout(case):
    for layout in LAYOUTS:
        for only in (None, 0, 1):
            xs = case.make(np.random.default_rng(3))
            if only is not None and not only < len(xs) > 1:
                continue
            xs = list(laid_out(layout, xs, only))
            assert bits(lifted(case.call, *xs)) == bits(case.call(*xs)), (layout, only)


# --- Larger arrays, where orders of summation and blocks of products differ -----------------------

SUMS = {
    "sum": np.sum,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "method sum": lambda x: x.sum(),
    "method mean": lambda x: x.mean(),
    "method std": lambda x: x.std(),
    "sum axis 0": lambda x: np.sum(x, axis=0),
    "mean axis 0": lambda x: np.mean(x, axis=0),
    "var axis 0": lambda x: np.var(x, axis=0),
    "std axis -1": lambda x: np.std(x, axis=-1),
    "sum where": lambda x: np.sum(x, where=np.abs(x) > 0.1),
    "mean where": lambda x: np.mean(x, where=np.abs(x) > 0.1),
    "sum float64": lambda x: np.sum(x, dtype=np.float64),
    "sum float32": lambda x: np.sum(x, dtype=np.float32),
    "mean float64": lambda x: np.mean(x, dtype=np.float64),
    "prod": lambda x: np.prod(x * 0.01 + 1),
    "cumsum": np.cumsum,
    "cumsum float32": lambda x: np.cumsum(x, dtype=np.float32),
    "cumprod": lambda x: np.cumprod(x * 0.01 + 1),
    "add.accumulate": np.add.accumulate,
    "nansum": np.nansum,
    "nanmean": np.nanmean,
    "nanstd": np.nanstd,
    "average": lambda x: np.average(x, weights=np.abs(x)),
    "percentile": lambda x: np.percentile(x, 37),
    "trapezoid": np.trapezoid,
    "norm": np.linalg.norm,
    "norm axis 0": lambda x: np.linalg.norm(x, axis=0),
    "norm axis -1": lambda x: np.linalg.norm(x, axis=-1),
    "norm 3": lambda x: np.linalg.norm(x.ravel(), 3),
    "log-sum-exp": lambda x: np.log(np.sum(np.exp(x))),
    "complex sum": lambda x: np.sum(x * 1j),
    "complex norm": lambda x: np.linalg.norm(x + 1j),
    "complex var": lambda x: np.var(x * 1j + x),
}
PRODUCTS = {
    "dot": lambda x: np.dot(x, x.T),
    "dot transposed": lambda x: np.dot(x.T, x),
    "dot mixed": lambda x: np.dot(x, x.T.astype(np.float64)),
    "dot of vectors": lambda x: np.dot(x.ravel(), x.ravel()[::-1]),
    "dot of stacks": lambda x: np.dot(np.atleast_2d(x)[None], np.atleast_2d(x).T[None]),
    "dot method": lambda x: x.dot(x.T),
    "matmul": lambda x: x @ x.T,
    "vdot": lambda x: np.vdot(x, x),
    "inner": lambda x: np.inner(x, x),
    "outer": lambda x: np.outer(x, x),
    "vecdot": lambda x: np.vecdot(x, x),
    "tensordot": lambda x: np.tensordot(x, x.T, 1),
    "einsum": lambda x: np.einsum("...i,...i->...", x, x),
    "multi_dot": lambda x: np.linalg.multi_dot([np.atleast_2d(x), np.atleast_2d(x).T] * 2),
    "convolve": lambda x: np.convolve(x.ravel(), x.ravel()[:17]),
    "correlate": lambda x: np.correlate(x.ravel()[:17], x.ravel(), "full"),
}
TRANSFORMS = {
    "fft": np.fft.fft,
    "fft longer": lambda x: np.fft.fft(x, 320, norm="ortho"),
    "ifft axis 0": lambda x: np.fft.ifft(x, axis=0),
    "rfft": np.fft.rfft,
    "irfft": lambda x: np.fft.irfft(x, 11),
    "hfft axis 0": lambda x: np.fft.hfft(x, axis=0),
    "ihfft": np.fft.ihfft,
    "fftn": np.fft.fftn,
    "fftn axis 0 twice": lambda x: np.fft.fftn(x, axes=(0, 0)),
    "rfftn": np.fft.rfftn,
    "irfftn": lambda x: np.fft.irfftn(x * 1j),
    "fftshift": np.fft.fftshift,
}
MATRICES = {
    "solve": lambda x: np.linalg.solve(x @ x.T + np.eye(len(x)), x),
    "inv": lambda x: np.linalg.inv(x @ x.T + np.eye(len(x))),
    "pinv": np.linalg.pinv,
    "svd": lambda x: np.linalg.svd(x, full_matrices=False),
    "eigh": lambda x: np.linalg.eigh(x @ x.T),
    "qr": np.linalg.qr,
    "cholesky": lambda x: np.linalg.cholesky(x @ x.T + np.eye(len(x))),
    "lstsq": lambda x: np.linalg.lstsq(x, x[:, 0])[0],
    "matrix_power": lambda x: np.linalg.matrix_power(x @ x.T, 5),
    "nuclear norm": lambda x: np.linalg.norm(x, "nuc"),
    "spectral norm": lambda x: np.linalg.norm(x, 2),
    "cond": np.linalg.cond,
}
SHAPES = [(9, 9), (17, 150), (150, 17)]


@pytest.mark.parametrize("name", [*SUMS, *PRODUCTS, *TRANSFORMS, *MATRICES])
def test_larger_arrays(name):
    f = (SUMS | PRODUCTS | TRANSFORMS | MATRICES)[name]
    rng = np.random.default_rng(1)
    for shape in SHAPES if name in MATRICES else [*SHAPES, (301,)]:
        plain = rng.standard_normal(shape)
        for layout, lay_out in LAYOUTS.items():
            for x in (lay_out(plain), lay_out(plain.astype(np.float32))):
                assert bits(lifted(f, x)) == bits(f(x)), (shape, layout, x.dtype)


# --- The order in memory of what is rearranged ----------------------------------------------------

REARRANGED = {
    "ravel F": lambda x: np.ravel(x, "F"),
    "ravel K": lambda x: np.ravel(x, "K"),
    "ravel A": lambda x: x.ravel("A"),
    "flatten": lambda x: x.flatten(),
    "flatten F": lambda x: x.flatten("F"),
    "reshape F": lambda x: np.reshape(x, (-1,), order="F"),
    "reshape A": lambda x: np.reshape(x, (-1,), order="A"),
    "method copy": lambda x: x.copy(),
    "method copy F": lambda x: x.copy("F"),
    "method copy K": lambda x: x.copy("K"),
    "copy C": lambda x: np.copy(x, "C"),
    "astype": lambda x: x.astype(np.float64),
    "astype C": lambda x: x.astype(np.float64, "C"),
    "astype without a copy": lambda x: x.astype(x.dtype, copy=False),
    "take from the last axis": lambda x: np.take(x, [0, 1], axis=-1),
    "take one": lambda x: np.take(x, 1, axis=-1),
    "compress": lambda x: np.compress([True, False, True], x, axis=-1),
    "pad with edges": lambda x: np.pad(x, 1, "edge"),
    "pad with zeros": lambda x: np.pad(x, 1),
    "insert": lambda x: np.insert(x, 1, 0.0, axis=0),
    "delete": lambda x: np.delete(x, 1, axis=0),
    "append": lambda x: np.append(x, x, axis=0),
    "cross": lambda x: np.cross(x[..., :3], x[..., -3:]),
    "select": lambda x: np.select([x > 0], [x], 0),
    "gradient": lambda x: np.gradient(x, axis=0),
    "row by row": lambda x: np.stack(list(x), axis=-1),
    "rows by a list": lambda x: x[[0, 1]],
    "columns by a list": lambda x: x[..., [0, 1]],
    "by a mask": lambda x: x[x > 0],
    "a new axis": lambda x: x[:, None] + x[None],
    "swapped": lambda x: np.swapaxes(x, 0, -1) * 2,
    "sum of axis 0": lambda x: np.sum(x, axis=0, keepdims=True),
    "sort axis 0": lambda x: np.sort(x, axis=0),
    "cumsum axis 0": lambda x: np.cumsum(x, axis=0),
    "median": lambda x: np.median(x, axis=0),
}


@pytest.mark.parametrize("name", REARRANGED)
def test_the_order_in_memory_is_that_of_the_plain_run(name):
    f = REARRANGED[name]
    rng = np.random.default_rng(5)
    for shape in ((4, 5), (5, 4), (4, 4), (3, 4, 5)):
        layouts = [lay_out(rng.standard_normal(shape)) for lay_out in LAYOUTS.values()]
        first = layouts[0]
        repeated_rows = np.broadcast_to(first[:1], shape), np.broadcast_to(first[..., :1], shape)
        for x in [*layouts, np.swapaxes(first, 0, 1), first.swapaxes(0, -1), *repeated_rows]:
            assert bits(lifted(f, x)) == bits(f(x)), (shape, x.strides)


REPEATED = {
    "tile rows": lambda x: np.tile(x, (5, 1)),
    "tile": lambda x: np.tile(x, 3),
    "tile once": lambda x: np.tile(x, 1),
    "repeat": lambda x: np.repeat(x, 3, axis=0),
    "repeat once": lambda x: np.repeat(x, 1, axis=-1),
    "roll": lambda x: np.roll(x, 2),
    "roll by nothing": lambda x: np.roll(x, 0, axis=0),
    "roll two axes": lambda x: np.roll(x, (1, 2), axis=(0, -1)),
    "ravel K": lambda x: np.ravel(x, "K"),
    "meshgrid": lambda x: np.meshgrid(x.ravel(), x.ravel())[0],
    "meshgrid of views": lambda x: np.meshgrid(x, x, copy=False)[1],
    "full": lambda x: np.broadcast_to(np.sum(x), (3, 4)).copy(),
    "angle": lambda x: np.angle(x * (1 + 1j)),
    "unwrap": lambda x: np.unwrap(x * 5),
    "resize": lambda x: np.resize(x, (3, 5)),
    "clip": lambda x: np.clip(x * 0.0 * np.sign(x), 0, 1),
    "clip to float32": lambda x: np.clip(x, 0.1, 1.0, dtype=np.float32),
    "cumsum of integers": lambda x: np.cumsum(x * 9, dtype=np.int32),
    "std in float32": lambda x: np.std(x, dtype=np.float32),
}


@pytest.mark.parametrize("name", REPEATED)
def test_one_row_one_column_and_repeated_items(name):
    f = REPEATED[name]
    x = np.random.default_rng(6).standard_normal(7)
    views = [x, x[None], x[:, None], x[::2], np.broadcast_to(x, (3, 7)), x[:1], x[None, ::-1]]
    for y in [*views, np.broadcast_to(x[:, None], (7, 3))]:
        assert bits(lifted(f, y)) == bits(f(y)), y.strides


def test_ravel_in_the_order_of_memory_puts_each_cotangent_at_its_item():
    x = np.arange(4.0)
    for make in (lambda v: np.broadcast_to(v, (3, 4)), lambda v: v.reshape(2, 2).T):
        f = lambda v, make=make: np.ravel(make(v), "K")  # noqa: E731
        y, pullback = gx.backprop_with(f, x)
        g = np.arange(1.0, y.size + 1)
        wanted = [np.sum(g[y == item]) for item in x]
        np.testing.assert_array_equal(pullback(g), wanted)


def test_the_copy_of_a_numpy_scalar_is_one():
    assert type(lifted(lambda x: np.sum(x).copy(), np.ones(3))) is np.float64


WARNED = {
    "cond of a singular matrix": lambda x: np.linalg.cond(x * 0 + 1),
    "number times infinity": lambda x: np.dot(0.5, x[0] / 1e-300 * 1e300),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_numpy_computes_without_a_warning_raises_nothing(name):
    x = np.eye(3) + 1
    with np.errstate(divide="raise", invalid="raise"):
        assert bits(lifted(WARNED[name], x)) == bits(WARNED[name](x))


REFUSED = {
    "astype object": lambda x: x.astype(object) * x,
    "sum in objects": lambda x: np.sum(x, dtype=object) * x,
    "ufunc in objects": lambda x: np.add(x, 0.5, dtype=object) * x,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_dtype_of_objects_would_lose_the_gradient(name):
    with pytest.raises(gx.NotLiftedError, match="dtype=object"):
        gx.grad(lambda v: np.sum(REFUSED[name](v)))(np.ones(3))


RAISING = {
    "sort of one": lambda x: np.sort(np.sum(x)),
    "partition of another kind": lambda x: np.partition(x, 1, kind="bogus"),
    "pad by a fraction": lambda x: np.pad(x, 1.5),
    "resize to less than nothing": lambda x: np.resize(x, (-1,)),
    "concatenate integers": lambda x: np.concatenate([x, x], dtype=int),
    "clip to integers": lambda x: np.clip(x, 0, 1, dtype=int),
}


@pytest.mark.parametrize("name", RAISING)
def test_what_numpy_refuses_is_refused(name):
    x, f = np.ones(3), RAISING[name]
    with pytest.raises((TypeError, ValueError)) as plain:
        f(x)
    with pytest.raises(type(plain.value)):
        gx.grad(lambda v: np.sum(f(v)))(x)


def test_operands_that_a_ufunc_with_a_dtype_takes():
    x = np.linspace(0.5, 2, 3)
    calls = [
        lambda v: np.add(v, [1, 2, 3], dtype="f4"),
        lambda v: np.add(v, True, dtype="f4"),
        lambda v: np.multiply(v, 10**30, dtype="f8"),
        lambda v: np.add(v, np.int64(3), dtype="f4"),
    ]
    for f in calls:
        assert bits(lifted(f, x)) == bits(f(x))
    f = lambda z: np.add(z, 1, dtype="c16")  # noqa: E731
    assert repr(lifted(f, complex(np.inf, 1))) == repr(f(complex(np.inf, 1)))


def test_a_cast_that_numpy_refuses_is_refused():
    x = np.ones(3)
    for f in (lambda x: x.astype(np.float32, casting="safe"), lambda x: np.ravel(x, "X")):
        with pytest.raises((TypeError, ValueError)):
            f(x)
        with pytest.raises((TypeError, ValueError)):
            gx.grad(lambda v, f=f: np.sum(f(v)))(x)


# --- Casts before a ufunc computes ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "f4"])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, dtype: np.exp(x, dtype=dtype),
        lambda x, dtype: np.add(x, 0.1, dtype=dtype),
        lambda x, dtype: np.multiply(np.arange(x.size) + 1, x, dtype=dtype),
        lambda x, dtype: np.power(x, np.float64(0.3), dtype=dtype),
    ],
    ids=["exp", "add", "multiply", "power"],
)
@pytest.mark.parametrize("given", [np.float32, np.float64])
def test_a_ufunc_with_a_dtype_casts_its_operands_first(call, dtype, given):
    x = np.random.default_rng(2).uniform(0.5, 2, 30).astype(given)
    y, pullback = gx.backprop_with(lambda v: call(v, dtype), x)
    assert bits(y) == bits(call(x, dtype))
    assert pullback(np.ones_like(y)).dtype == given


def test_an_integer_operand_is_not_cast():
    x, powers = np.linspace(0.5, 2, 5, dtype=np.float32), np.arange(5)
    y, pullback = gx.backprop_with(lambda v: np.ldexp(v, powers, dtype=np.float64), x)
    assert bits(y) == bits(np.ldexp(x, powers, dtype=np.float64))
    np.testing.assert_array_equal(pullback(np.ones(5)), 2.0**powers)


def test_a_cast_of_another_kind_raises_the_plain_error():
    x = np.array([1.0 + 1j])
    with pytest.raises(TypeError) as plain:
        np.exp(x, dtype=float)
    with pytest.raises(TypeError) as lifted:
        gx.grad(lambda v: np.sum(np.abs(np.exp(v, dtype=float))))(x)
    assert str(lifted.value) == str(plain.value)
    assert isinstance(gx.grad(lambda v: np.exp(v, dtype=np.float32))(0.3), float)


def test_a_padded_constant_takes_the_dtype_of_the_array():
    x, c = np.ones(3, np.float32), np.float64(0.1)
    y, pullback = gx.backprop_with(lambda v, k: gx.numpy.pad(v, 1, constant_values=k), x, c)
    assert bits(y) == bits(np.pad(x, 1, constant_values=c))
    assert pullback(np.ones(5, np.float32))[1] == 2.0
