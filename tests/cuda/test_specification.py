"""The op specification on the device: each case gives NumPy's values, gradients and dtypes.

Cases all of whose operands are Python numbers have nothing on a device, and are proved elsewhere.
"""

import contextlib
import re
import warnings
import zlib
from dataclasses import dataclass, replace

import numpy as np
import pytest

import gradx as gx
from gradx.devices.placement import on_device_of as at_device_of
from gradx.testing.gradients import random_like
from tests.cuda import places
from tests.cuda.device_numpy import on_device
from tests.cuda.lacking import DOUBLE, ON_THE_HOST, ONCE, REAL
from tests.cuda.places import assert_same, beside, has_gradient, here, leaves, there
from tests.ops.cases import ALL_CASES


@dataclass(frozen=True)
class Mode:
    """What the operands of a case are made into.

    Attributes:
        tolerance: the largest difference from NumPy, relative to the largest number.
        complex: the operands are complex, of two draws.
        dtypes: from the character of a dtype to what it is cast to.
        second: the second order is compared too.
    """

    tolerance: float
    complex: bool = False
    dtypes: str = ""
    second: bool = False


MODES = {
    "double": Mode(1e-9, second=True),
    "single": Mode(2e-3, dtypes="f"),
    "half": Mode(5e-2, dtypes="e"),
    "complex": Mode(1e-9, complex=True, second=True),
    "complex-single": Mode(2e-3, complex=True, dtypes="F"),
}


@pytest.fixture(autouse=True)
def quiet():
    """Rules work on whole arrays, so what np.where does not choose may overflow."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
        warnings.filterwarnings("ignore", "overflow encountered in cast")
        yield


EIGENVALUES = {
    *("eig/3x3", "eig/2x3x3", "eigvals/3x3", "eigvals/2x3x3"),
    *("scipy.linalg.eig", "scipy.linalg.eigvals"),
}


def is_real(x):
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype == np.float64)


def has_arrays(case):
    """Whether a case has something that can be on a device."""
    parts = leaves(case.make(np.random.default_rng(0))) if case.device else []
    return any(isinstance(leaf, np.ndarray) and has_gradient(leaf) for leaf in parts)


def is_there(case):
    """Whether a case has something on a device, where what it calls is too."""
    names = {case.name, case.name.partition("/")[0]}
    return ON_THE_HOST.isdisjoint(names) and has_arrays(case)


CASES = [
    replace(case, order=1) if case.name in ONCE else case for case in ALL_CASES if is_there(case)
]


def joined(x, y):
    """A complex operand of two real ones."""
    if not is_real(x):
        return x
    return complex(x, y) if isinstance(x, float) else np.asarray(x + 1j * y)


def operands(case, mode):
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    xs = case.make(rng)
    if mode.complex:
        xs = tuple(joined(x, y) for x, y in zip(xs, case.make(rng), strict=True))
    if not mode.dtypes:
        return xs
    inexact = "dD" if mode.complex else "d"
    return tuple(
        x.astype(mode.dtypes) if isinstance(x, np.ndarray) and x.dtype.char in inexact else x
        for x in xs
    )


# --- What NumPy leaves open -----------------------------------------------------------------------


def sign_of(x):
    """The sign or phase of the numbers in an array, as a constant."""
    x = gx.value(x)
    return x / np.absolute(x)


def fixed(y):
    """A decomposition with the free signs of its vectors fixed."""
    kind = type(y).__name__
    if kind == "SVDResult":
        sign = sign_of(y[0][..., :1, :])
        return y[0] * np.conj(sign), y[1], y[2] * np.swapaxes(sign, -1, -2)
    if kind == "EighResult":
        return y[0], y[1] * np.conj(sign_of(y[1][..., :1, :]))
    if kind == "QRResult":
        sign = sign_of(np.diagonal(y[1], 0, -2, -1))
        return y[0] * sign[..., None, :], y[1] * np.conj(sign)[..., :, None]
    return y


def ordered(y, values_alone):
    """Eigenvalues and their vectors by the real parts, since libraries have orders of their own.

    A vector of real numbers gets a first item that is positive, and one of complex numbers keeps
    the largest item real.
    """
    w, *v = (y,) if values_alone else y
    plain = here(gx.value(w))
    order = np.argsort(plain.real + 1e-3 * plain.imag, axis=-1)
    device = contextlib.nullcontext()
    if isinstance(gx.value(w), places.ARRAY):
        device = gx.value(w).device
        with device:
            order = there(order)
    w = np.take_along_axis(w, order, axis=-1)
    if values_alone:
        return w
    v = np.take_along_axis(v[0], order[..., None, :], axis=-1)
    with device:
        sign = np.sign(np.real(gx.value(v)[..., :1, :]))
    return w, v * sign


def settled(case, f):
    """A case's function with what two libraries may choose differently made the same."""
    if case.name in EIGENVALUES:
        return lambda *xs: ordered(f(*xs), "eigvals" in case.name)
    if case.name.partition("/")[0] == "partition":  # the order within the parts
        return lambda *xs: np.sort(f(*xs), axis=0 if case.name.endswith("/axis") else -1)

    def call(*xs):
        y = f(*xs)
        first = y[0] if isinstance(y, tuple) else y
        with at_device_of(gx.value(first)):
            return fixed(y)

    return call


# --- Proofs ---------------------------------------------------------------------------------------


def pullback_of(f):
    """A function's gradient as a function of its operands and the cotangent."""
    return lambda cotangent, *xs: gx.backprop_with(f, *xs)[1](cotangent)


def assert_dtypes(grads, xs):
    """Each gradient is of its operand's dtype, on the device or not."""
    grads = (grads,) if len(xs) == 1 else grads
    for x, g in zip(xs, grads, strict=True):
        for a, b in zip(leaves(x), leaves(g), strict=True):
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


def prove(f, g, xs, order, tolerance):
    """A function ``f`` on the host and ``g``, the same on the device, agree on operands."""
    rng = np.random.default_rng(0)
    device_xs = tuple(map(there, xs))
    y, pullback = gx.backprop_with(f, *xs)
    device_y, device_pullback = gx.backprop_with(g, *device_xs)
    assert_same(device_y, y, tolerance)
    cotangent = random_like(y, rng)
    device_cotangent = beside(cotangent, device_y)
    grads = device_pullback(device_cotangent)
    assert_same(grads, pullback(cotangent), tolerance)
    assert_dtypes(grads, device_xs)
    if order < 2:
        return
    _, pullback = gx.backprop_with(pullback_of(f), cotangent, *xs)
    h, device_pullback = gx.backprop_with(pullback_of(g), device_cotangent, *device_xs)
    wanted = gx.eval_bp(pullback_of(f), cotangent, *xs)
    again = random_like(wanted, rng)
    assert_same(device_pullback(beside(again, h)), pullback(again), 10 * tolerance)


def check(case, mode):
    f, g = settled(case, case.call), settled(case, on_device(case.call))
    prove(f, g, operands(case, mode), case.order if mode.second else 1, mode.tolerance)


ROUNDED_AWAY = {"polydiv"}
"""Cases of which NumPy drops items that are 0 but for rounding, which differs in singles."""

OF_A_RANK = {"scipy.linalg.null_space", "scipy.linalg.orth", "scipy.linalg.orth/vectors"}
"""Cases of a column that is the sum of others: halves round it, so that the rank is another one."""


def is_taken(case, mode):
    """Whether NumPy or SciPy takes such operands: many of their functions have no halves."""
    if mode.complex and (not case.complex or case.name in REAL):
        return False
    if mode.dtypes and (case.name in ROUNDED_AWAY or case.name.partition("/")[0] in DOUBLE):
        return False
    if mode.dtypes != "e":
        return True
    if case.name in OF_A_RANK:
        return False
    if case.name.startswith("sparse/"):  # of which SciPy makes singles, and a device halves
        return False
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        try:
            gx.grad_bp(case.call, *operands(case, mode))
        except (TypeError, RuntimeError, ValueError) as error:
            assert re.search("float16|type not supported|[Uu]nsupported type|dtype not", str(error))
            return False
    return True


def rows():
    """Each case in each mode; what is quick has double precision and one other."""
    for case in CASES:
        taken = [name for name, mode in MODES.items() if is_taken(case, mode)]
        others = [name for name in taken if name != "double"]
        chosen = {"double", *others[zlib.crc32(case.name.encode()) % max(1, len(others)) :][:1]}
        for name in taken:
            marks = [] if name in chosen else [pytest.mark.thorough]
            yield pytest.param(case, MODES[name], id=f"{case.name}-{name}", marks=marks)


@pytest.mark.parametrize(("case", "mode"), [*rows()])
def test_the_device_agrees_with_the_host(case, mode):
    check(case, mode)
