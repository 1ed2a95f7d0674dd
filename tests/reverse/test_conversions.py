"""What would make a plain value of a variable: right, or an error; never a lost gradient."""

import array
import ctypes
import decimal
import fractions
import json
import math
import operator
import pickle
import random
import statistics
import struct

import numpy as np
import pytest

import gradx as gx

VARIABLES = {
    "float": 2.0,
    "int": 2,
    "complex": 2 + 0j,
    "NumPy scalar": np.float64(2.0),
    "float32": np.float32(2.0),
    "array without axes": np.array(2.0),
    "vector": np.array([2.0, 3.0]),
}
REFUSED = {
    **{
        f"math.{name}": getattr(math, name)
        for name in ("sin", "exp", "sqrt", "log", "gamma", "erf")
    },
    "math.hypot": lambda v: math.hypot(v, 1.0),
    "math.fsum": lambda v: math.fsum([v, v]),
    "math.prod of floats": lambda v: math.dist([v], [1.0]),
    "float": float,
    "int": int,
    "complex": complex,
    "np.float64": lambda v: np.float64(v) if np.ndim(v) == 0 else float(v),
    "np.float32": lambda v: np.float32(v) if np.ndim(v) == 0 else float(v),
    "np.asarray to float": lambda v: np.asarray(v, float),
    "np.array of a list to float": lambda v: np.array([v, v], float),
    "as_integer_ratio": lambda v: v.as_integer_ratio(),
    "Fraction": fractions.Fraction,
    "Decimal": decimal.Decimal,
    "statistics.mean": lambda v: statistics.mean([v, v]),
    "statistics.fmean": lambda v: statistics.fmean([v, v]),
    "memoryview": memoryview,
    "bytes": bytes,
    "bytearray": bytearray,
    "array.array": lambda v: array.array("d", [v]),
    "np.frombuffer": np.frombuffer,
    "np.fromiter": lambda v: np.fromiter([v], float),
    "np.from_dlpack": np.from_dlpack,
    "struct": lambda v: struct.pack("d", v),
    "ctypes": lambda v: ctypes.c_double(v),
    "json": json.dumps,
    "pickle": pickle.dumps,
    "float.__add__": lambda v: float.__add__(v, 1.0),
    "float.hex": lambda v: float.hex(v),
    "hash": hash,
    "dict key": lambda v: {v: 1.0},
    "set": lambda v: {v},
    "item of a buffer": lambda v: operator.setitem(np.zeros(2), 0, v),
    "slice of a buffer": lambda v: operator.setitem(np.zeros(2), slice(None), v),
    "flat of a buffer": lambda v: operator.setitem(np.zeros(2).flat, 0, v),
    "fill of a buffer": lambda v: np.zeros(2).fill(v),
    "in place": lambda v: operator.iadd(np.zeros(2), v),
    "out=": lambda v: np.add(v, 1.0, out=np.zeros(2)),
    "copyto": lambda v: np.copyto(np.zeros(2), v),
    "random": lambda v: np.random.default_rng(0).normal(v),
    "random of Python": lambda v: random.gauss(0.0, 1.0) * float(v),
    "%f": lambda v: "%f" % v,  # noqa: UP031 - it is what is tested
    "%d": lambda v: "%d" % v,  # noqa: UP031
    "range": range,
    "np.zeros": np.zeros,
    "np.ones of a pair": lambda v: np.ones((v, 2)),
    "np.empty": np.empty,
    "np.eye": np.eye,
    "np.full": lambda v: np.full(v, 1.0),
    "np.arange": np.arange,
    "np.linspace": lambda v: np.linspace(0.0, 1.0, v),
    "reshape": lambda v: np.ones(4).reshape(v),
    "np.reshape": lambda v: np.reshape(np.ones(4), v),
    "reshape of a variable": lambda v: (
        (np.ones(4) * v[..., None].sum()).reshape(v)
        if np.ndim(v)
        else np.reshape(np.ones(4) * v, v)
    ),
    "list index": lambda v: [1.0, 2.0, 3.0][v],
    "slice": lambda v: [1.0, 2.0, 3.0][:v],
    "array index": lambda v: np.ones(3)[v],
    "array slice": lambda v: np.ones(3)[:v],
    "repeated list": lambda v: [0.0] * v if not isinstance(v, np.ndarray) else range(v),
    "operator.index": operator.index,
    "np.take": lambda v: np.take(np.ones(3), v),
    "np.take of a variable": lambda v: np.take(np.ones(3) * np.sum(v), v),
    "np.repeat": lambda v: np.repeat(np.ones(2) * np.sum(v), v),
    "np.split": lambda v: np.split(np.ones(4) * np.sum(v), v),
    "np.delete": lambda v: np.delete(np.ones(4) * np.sum(v), v),
    "np.tile": lambda v: np.tile(np.ones(2), v),
    "np.roll": lambda v: np.roll(np.ones(2), v),
    "random size": lambda v: np.random.default_rng(0).normal(size=v),
    "ctypes of it": lambda v: v.ctypes,
    "data": lambda v: v.data,
    "array interface": lambda v: v.__array_interface__,
    "array struct": lambda v: v.__array_struct__,
    "tobytes": lambda v: v.tobytes(),
    "tolist": lambda v: v.tolist(),
}


@pytest.mark.parametrize("kind", VARIABLES)
@pytest.mark.parametrize("name", REFUSED)
def test_a_conversion_raises(name, kind):
    errors = (TypeError, ValueError, AttributeError, IndexError, struct.error)
    with pytest.raises(errors) as caught:
        gx.grad_bp(lambda v: REFUSED[name](v) and v, VARIABLES[kind])
    assert not isinstance(caught.value, gx.CotangentError)


COUNTS = ("range", "np.zeros", "np.ones of a pair", "reshape", "list index", "array index")


@pytest.mark.parametrize("kind", ["float", "int", "NumPy scalar", "array without axes"])
@pytest.mark.parametrize("name", [*COUNTS, "repeated list", "slice", "np.take of a variable"])
def test_a_count_says_what_to_write(name, kind):
    with pytest.raises((TypeError, IndexError)) as caught:
        gx.grad_bp(lambda v: REFUSED[name](v) and v, VARIABLES[kind])
    said = " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert "gx.value(" in said


def test_a_repeated_list():
    def f(x, n):
        return x * len([0.0] * n)

    with pytest.raises(gx.ConversionError, match=r"gx\.value.*index or a count"):
        gx.grad_bp(f, 2.0, 3)
    assert gx.grad(lambda v: np.sum([0.5, 1.0] * v))(np.array(3.0)) == 1.5


ALLOWED = {
    "sorted": lambda v: sorted([v * 2.0, v, v + 9.0])[0] * v,
    "min": lambda v: min(v * 2.0, v) * v,
    "max": lambda v: max(v / 2.0, v, key=lambda u: float(gx.value(u))) * v,
    "sum": lambda v: sum([v]) * v,
    "math.prod": lambda v: math.prod([v, v]),
    "pow": lambda v: pow(v, 2),
    "abs": lambda v: abs(v) * v,
    "operator.mul": lambda v: operator.mul(v, v),
    "round": lambda v: round(v) * v * v / 2,
    "format": lambda v: v * v if f"{v:.1f}" == "2.0" else v,
    "math.floor": lambda v: math.floor(v) * v * v / 2,
    "comparison": lambda v: v * v if 1.0 < v <= 2.0 else v,
    "divmod": lambda v: divmod(v * v + 0 * v, 8)[1],
}


@pytest.mark.parametrize("kind", ["float", "NumPy scalar", "float32", "array without axes"])
@pytest.mark.parametrize("name", ALLOWED)
def test_what_keeps_the_gradient(name, kind):
    if kind == "array without axes" and name in ("round", "format"):
        pytest.skip("NumPy has none of its own for an array")
    assert np.isclose(gx.grad_bp(ALLOWED[name], VARIABLES[kind]), 4.0)


def test_the_order_of_a_norm_has_no_derivative():
    for norm in (np.linalg.norm, np.linalg.cond):
        with pytest.raises(
            gx.NotLiftedError, match=r"order of a norm, BVar\(1.0\).*gx\.value\(p\)"
        ):
            gx.grad_bp(lambda v, norm=norm: norm(np.eye(2) * v, v), 1.0)
