"""Fused functions: softmax, cross-entropy and dense layers, each one operation of the tape.

They do what a few NumPy calls would, without overflow, with fewer operations to record and, on
a CUDA device, with one kernel forward and one backward. All take plain values and variables alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import apply, check_operand
from gradx.core.op import Op
from gradx.core.spec import shape_of
from gradx.devices.placement import on_common_device, on_device_of
from gradx.numpy.arguments import operand, operands, primals
from gradx.ops import fused, products
from gradx.ops.helpers import is_complex

__all__ = ["dense", "log_softmax", "logistic", "relu", "softmax", "softmax_cross_entropy"]

Activation = Literal["logistic", "tanh", "relu"] | None


def _dtype_of(x: Any) -> Any:
    return getattr(x, "dtype", None) or np.asarray(primals(x)).dtype


def _placed(op: Op, operands: Sequence[Any], params: dict[str, Any] | None = None) -> Any:
    """Do an operation on the device of its operands."""
    with on_common_device(op.name, operands):
        return apply(op, operands, params)


def _refuse_complex(x: Any, function: str) -> None:
    if is_complex(x):
        raise TypeError(
            f"{function} takes real numbers and was given complex ones ({_dtype_of(x)}); pass the "
            "real and imaginary parts on their own, with np.real and np.imag"
        )


def _floats(x: Any, function: str, dtype: Any = float) -> Any:
    """An operand of real numbers; integers become floats of a dtype.

    Raises:
        TypeError: it is complex.
    """
    x = operand(x)
    check_operand(function, x)
    _refuse_complex(x, function)
    own = getattr(x, "dtype", None)
    if own is not None and own.kind in "biu":
        with on_device_of(primals(x)):
            return x.astype(dtype)
    return float(x) if type(x) in (bool, int) else x


def _with_axis(op: Op, x: Any, axis: int) -> Any:
    x = _floats(x, f"gx.{op.name}")
    shape = shape_of(x)
    if not shape:
        raise ValueError(
            f"gx.{op.name} goes along an axis and was given a single number; give an array of one "
            "axis or more"
        )
    return _placed(op, (x,), {"axis": normalize_axis_index(axis, len(shape))})


def softmax(x: Any, axis: int = -1) -> Any:
    """The exponentials of an array, scaled so that they add up to one along an axis.

    The largest item is subtracted first, so that nothing overflows.

    Args:
        x: (…, k, …) real numbers.
        axis: that of the k items.

    Returns:
        An array of the same shape and dtype.

    Raises:
        TypeError: the numbers are complex.
        ValueError: ``x`` is a single number.

    >>> softmax(np.array([0.0, 1000.0, 1000.0]))
    array([0. , 0.5, 0.5])
    """
    return _with_axis(fused.softmax, x, axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of `softmax`, right also where that is too small for a number.

    Args:
        x: (…, k, …) real numbers.
        axis: that of the k items.

    Returns:
        An array of the same shape and dtype.

    Raises:
        TypeError: the numbers are complex.
        ValueError: ``x`` is a single number.

    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return _with_axis(fused.log_softmax, x, axis)


def softmax_cross_entropy(logits: Any, targets: Any) -> Any:
    """The cross-entropy of the softmax of each row of logits and its target.

    Args:
        logits: (…, k), the classes along the last axis.
        targets: the probabilities of the classes, of a shape that broadcasts to that of the logits;
            or the number of the right class of each row, integers of shape (…). A class whose
            probability is 0 counts nothing, even where its logit is minus infinity.

    Returns:
        (…), the loss of each row; mostly you want its mean.

    Raises:
        TypeError: one of them is complex.
        ValueError: the shapes do not fit.
        IndexError: a label is none of the k classes. (On a device it is not looked at, which would
            wait for it; there the loss and the gradient of such a row are NaN.)

    >>> logits = np.array([[2.0, 0.0], [0.0, 0.0]])
    >>> softmax_cross_entropy(logits, np.array([[1.0, 0.0], [0.5, 0.5]])).round(4)
    array([0.1269, 0.6931])
    >>> softmax_cross_entropy(logits, np.array([0, 1])).round(4)
    array([0.1269, 0.6931])
    """
    logits, targets = operands(logits, targets)
    logits = _floats(logits, "gx.softmax_cross_entropy")
    check_operand("gx.softmax_cross_entropy", targets)
    shape, other = shape_of(logits), shape_of(targets)
    if not shape:
        raise ValueError(
            "gx.softmax_cross_entropy was given a single number as logits; the classes are along "
            "their last axis"
        )
    if _dtype_of(targets).kind in "iu" and other == shape[:-1]:
        labels = np.int64(targets) if type(targets) is int else targets
        return _placed(fused.label_cross_entropy, (logits, labels))
    targets = _floats(targets, "gx.softmax_cross_entropy", _dtype_of(logits))
    if other != shape:
        if other[-1:] != shape[-1:] or not _broadcasts(other, shape):
            raise ValueError(
                f"gx.softmax_cross_entropy of logits of shape {shape} and targets of shape "
                f"{other}; give probabilities of shape {shape}, or integer labels of shape "
                f"{shape[:-1]}"
            )
        targets = np.broadcast_to(targets, shape)
    return _placed(fused.cross_entropy, (logits, targets))


def _broadcasts(own: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    pairs = zip(reversed(own), reversed(shape), strict=False)
    return len(own) <= len(shape) and all(n in (1, m) for n, m in pairs)


def dense(x: Any, weights: Any, bias: Any, activation: Activation = None) -> Any:
    """A dense layer: a linear map, a bias, and a function of each item.

    Args:
        x: (n,) for one sample, or (…, n) for one in each row.
        weights: (m, n).
        bias: (m,).
        activation: the function: ``"logistic"``, ``"tanh"``, ``"relu"``, or None for none.

    Returns:
        (m,) or (…, m).

    Raises:
        ValueError: the shapes do not fit, or the activation is none of these.
        TypeError: complex numbers, which ``"logistic"`` and ``"relu"`` do not take.

    >>> dense(np.array([1.0, 2.0]), np.array([[3.0, 0.0], [0.0, -4.0]]), np.zeros(2), "relu")
    array([3., 0.])
    """
    x, weights, bias = operands(x, weights, bias)
    for each in (x, weights, bias):
        check_operand("gx.dense", each)
    n, m, b = shape_of(x), shape_of(weights), shape_of(bias)
    if len(m) != 2 or not n or n[-1] != m[1] or b != m[:1]:
        raise ValueError(
            f"gx.dense of x of shape {n}, weights of shape {m} and bias of shape {b}; give x "
            "(…, n), weights (m, n) and bias (m,)"
        )
    if activation not in fused.ACTIVATIONS:
        names = ", ".join(map(repr, fused.ACTIVATIONS))
        raise ValueError(f"gx.dense with activation={activation!r}; it is one of {names}")
    if activation in ("logistic", "relu"):
        for each in (x, weights, bias):
            _refuse_complex(each, f"gx.dense with activation={activation!r}")
    with on_common_device("dense", (x, weights, bias)):
        if len(n) == 1:
            z = apply(products.matmul, (weights, x))
        else:
            z = apply(fused.linear, (x, weights))
        return apply(fused.bias_activation, (z, bias), {"activation": activation})


def logistic(x: Any) -> Any:
    """The logistic function ``1 / (1 + exp(-x))``, item by item, with no overflow.

    Args:
        x: real numbers of any shape.

    Returns:
        Numbers of the same shape and dtype.

    Raises:
        TypeError: the numbers are complex.

    >>> logistic(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return _placed(fused.logistic, (_floats(x, "gx.logistic"),))


def relu(x: Any) -> Any:
    """The larger of each item and 0; its derivative at 0 is 0.

    Args:
        x: real numbers of any shape.

    Returns:
        Numbers of the same shape and dtype.

    Raises:
        TypeError: the numbers are complex.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return _placed(fused.relu, (_floats(x, "gx.relu"),))
