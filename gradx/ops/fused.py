"""Fused ops: softmax, cross-entropy and dense layers, each one op that avoids overflow.

Each forward is plain NumPy here and may be one kernel of an array library
(`gradx.devices.kernel_table.dispatched`). So may each backward, since a backward is an op with
rules of its own: derivatives of every order use the same kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched, kernel
from gradx.ops.helpers import kept, summed_to, transposed
from gradx.ops.scaling import scaled

__all__ = [
    "ACTIVATIONS",
    "activation_backward",
    "bias_activation",
    "bias_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "label_cross_entropy",
    "label_cross_entropy_backward",
    "linear",
    "log_softmax",
    "logistic",
    "relu",
    "softmax",
    "softmax_backward",
]

Shape = tuple[int, ...]


def _wide(x: Any) -> Any:
    """Half precision as single, in which its sums are made."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if x.dtype != dtype else x


def _column(g: Any) -> Any:
    """A number for each row, to multiply rows with."""
    return np.expand_dims(g, -1)


# --- Softmax ------------------------------------------------------------------------------------


def _shifted(x: Any, axis: int) -> Any:
    """``x`` less its largest item, so that no exponential overflows."""
    x = _wide(x)
    return x - np.max(x, axis=axis, keepdims=True, initial=-math.inf)


def _softmax(x: Any, *, axis: int) -> Any:
    e = np.exp(_shifted(x, axis))
    return _cast(e / np.sum(e, axis=axis, keepdims=True), x.dtype)


def _log_softmax(x: Any, *, axis: int) -> Any:
    s = _shifted(x, axis)
    return _cast(s - np.log(np.sum(np.exp(s), axis=axis, keepdims=True)), x.dtype)


def _softmax_transposed(g: Any, y: Any, *, axis: int) -> Any:
    """``(diag(y) - y y') g``: the derivative of softmax, which is symmetric, on each row."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _softmax_result(g: Any, a: Any, b: Any, *, axis: int) -> Any:
    """The transpose of `_softmax_transposed` by its ``y``: from dy (a - a.y) - (a.dy) y."""
    inner = np.sum(a * b, axis=axis, keepdims=True)
    return g * (a - inner) - a * np.sum(g * b, axis=axis, keepdims=True)


softmax_backward: Op = Op(
    "softmax_backward",
    dispatched(_softmax_transposed),
    lambda g, b, *, axis: apply(softmax_backward, (g, b), {"axis": axis}),
    _softmax_result,
)
softmax = Op(
    "softmax",
    dispatched(_softmax),
    lambda g, y, *, axis: apply(softmax_backward, (g, y), {"axis": axis}),
)
log_softmax = Op(
    "log_softmax",
    dispatched(_log_softmax),
    lambda g, y, *, axis: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
)


def _softmax_of(x: Any) -> Any:
    return apply(softmax, (x,), {"axis": -1})


def _pulled_by(g: Any, p: Any) -> Any:
    return apply(softmax_backward, (g, p), {"axis": -1})


# --- Softmax and cross-entropy: rows are along the last axis ------------------------------------


def _cross_entropy(a: Any, b: Any) -> Any:
    """``-sum(b * log_softmax(a))`` for each row; a class of target 0 counts nothing."""
    dtype = np.result_type(a.dtype, b.dtype)
    log_p = _log_softmax(_wide(_cast(a, dtype)), axis=-1)
    terms = b * np.where(b == 0, 0.0, log_p)
    return _cast(np.sum(-terms, axis=-1), dtype)


def _cross_entropy_logits(g: Any, a: Any, b: Any) -> Any:
    """``g (t p - b)`` with p the softmax and t the sum of the targets, 1 for probabilities."""
    return _column(g) * (_softmax_of(a) * np.sum(b, axis=-1, keepdims=True) - b)


def _cross_entropy_again(g: Any, a: Any, b: Any, c: Any) -> Any:
    """`_cross_entropy_logits`, differentiated by the logits once more."""
    scale = _column(a) * np.sum(c, axis=-1, keepdims=True)
    return _pulled_by(scale * g, _softmax_of(b))


cross_entropy_backward = Op(
    "softmax_cross_entropy_backward",
    dispatched(_cross_entropy_logits),
    lambda g, b, c: np.sum(g * (_softmax_of(b) * np.sum(c, axis=-1, keepdims=True) - c), axis=-1),
    _cross_entropy_again,
    lambda g, a, b: _column(a) * (np.sum(g * _softmax_of(b), axis=-1, keepdims=True) - g),
)
cross_entropy = Op(
    "softmax_cross_entropy",
    dispatched(_cross_entropy),
    lambda g, a, b: apply(cross_entropy_backward, (g, a, b)),
    lambda g, a: _column(-g) * apply(log_softmax, (a,), {"axis": -1}),
)
"""The loss of each row of logits, shape (…, k), for probabilities of the same shape."""


def _label_cross_entropy(a: Any, b: Any) -> Any:
    """``-log_softmax(a)[b]`` for each row."""
    b, k = np.asarray(b), a.shape[-1]
    wrong = (b < 0) | (b >= k)
    if wrong.any():
        raise IndexError(
            f"the label {b[wrong].flat[0]} and logits of {k} classes; labels are from 0 to {k - 1}"
        )
    log_p = _log_softmax(_wide(a), axis=-1)
    return _cast(-np.take_along_axis(log_p, _column(b), axis=-1)[..., 0], a.dtype)


def _one_hot(labels: Any, like: Any) -> Any:
    classes = kernel(np.arange, labels)(like.shape[-1])
    return (_column(labels) == classes).astype(like.dtype)


def _label_logits(g: Any, a: Any, b: Any) -> Any:
    """``g (p - e)`` with e one at the label and zero elsewhere."""
    return _column(g) * (_softmax_of(a) - _one_hot(b, a))


label_cross_entropy_backward = Op(
    "label_cross_entropy_backward",
    dispatched(_label_logits),
    lambda g, b, c: np.sum(g * (_softmax_of(b) - _one_hot(c, b)), axis=-1),
    lambda g, a, b: _pulled_by(_column(a) * g, _softmax_of(b)),
    None,
)
label_cross_entropy = Op(
    "label_cross_entropy",
    dispatched(_label_cross_entropy),
    lambda g, a, b: apply(label_cross_entropy_backward, (g, a, b)),
    None,
)
"""The loss of each row of logits, shape (…, k), for the numbers of the right classes."""


# --- Activations: each slope is a function of the result ----------------------------------------


def _logistic(x: Any) -> Any:
    """``1 / (1 + exp(-x))`` with no exponential of a positive number."""
    e = np.exp(-np.absolute(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


ACTIVATIONS: Mapping[str | None, Callable[[Any], Any]] = MappingProxyType(
    {None: lambda x: x, "logistic": _logistic, "tanh": np.tanh, "relu": _relu}
)
"""From the name of an activation to its function."""

_BACKWARD: Mapping[str | None, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        None: lambda g, y: g,
        "logistic": lambda g, y: scaled(g, y * (1 - y)),
        "tanh": lambda g, y: scaled(g, 1 - y * y),
        "relu": lambda g, y: kept(y > 0, g),
    }
)
_BACKWARD_RESULT: Mapping[str | None, Callable[[Any, Any, Any], Any]] = MappingProxyType(
    {
        None: lambda g, a, b: None,
        "logistic": lambda g, a, b: scaled(g * a, 1 - 2 * b),
        "tanh": lambda g, a, b: scaled(-2 * (g * a), b),
        "relu": lambda g, a, b: None,
    }
)


def _slope(g: Any, y: Any, *, activation: str | None) -> Any:
    return _BACKWARD[activation](g, y)


def _pulled(g: Any, y: Any, *, activation: str | None) -> Any:
    return g if activation is None else apply(activation_backward, (g, y), _named(activation))


def _named(activation: str | None) -> dict[str, Any]:
    return {"activation": activation}


activation_backward: Op = Op(
    "activation_backward",
    dispatched(_slope),
    lambda g, b, *, activation: apply(activation_backward, (g, b), _named(activation)),
    lambda g, a, b, *, activation: _BACKWARD_RESULT[activation](g, a, b),
    properties=Property.ELEMENTWISE,
)
"""A cotangent ``a`` of ``y = f(x)`` pulled back to ``x``, by the result ``b = y``."""

logistic = Op(
    "logistic",
    dispatched(_logistic),
    lambda g, y: _pulled(g, y, activation="logistic"),
    properties=Property.ELEMENTWISE,
)
relu = Op(
    "relu",
    dispatched(_relu),
    lambda g, y: _pulled(g, y, activation="relu"),
    properties=Property.ELEMENTWISE,
)


# --- Bias and activation ------------------------------------------------------------------------


def _bias_activation(a: Any, b: Any, *, activation: str | None) -> Any:
    return ACTIVATIONS[activation](a + b)


def _bias_sum(a: Any, b: Any, *, activation: str | None, shape: Shape) -> Any:
    return summed_to(_slope(a, b, activation=activation), shape)


def _bias(g: Any, y: Any, b_shape: Shape, *, activation: str | None) -> Any:
    if activation is None or b_shape == y.shape:
        return _pulled(g, y, activation=activation)
    return apply(bias_backward, (g, y), {"activation": activation, "shape": b_shape})


bias_backward = Op(
    "bias_backward",
    dispatched(_bias_sum),
    lambda g, b, *, activation: _pulled(np.broadcast_to(g, b.shape), b, activation=activation),
    lambda g, a, b, *, activation: _BACKWARD_RESULT[activation](g, a, b),
)
"""`activation_backward` summed to the shape of the bias."""

bias_activation = Op(
    "bias_activation",
    dispatched(_bias_activation),
    _pulled,
    _bias,
    broadcasts=True,
)
"""``f(a + b)`` for a bias ``b`` that is the same for each row."""


# --- Linear layers ------------------------------------------------------------------------------


def _rows(x: Any) -> Any:
    """A stack of rows as one matrix."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _linear(a: Any, b: Any) -> Any:
    y = np.matmul(_rows(a), transposed(b))
    return np.reshape(y, (*a.shape[:-1], b.shape[0]))


linear: Op = Op(
    "linear",
    _linear,
    lambda g, b: apply(linear, (g, np.transpose(b))),
    lambda g, a: np.matmul(transposed(_rows(g)), _rows(a)),
    properties=Property.BILINEAR,
)
"""``a @ b.T`` for rows ``a``, shape (…, n), and weights ``b``, shape (m, n).

The cotangent of the weights comes out in their own order in memory, which that of ``a @ b.T``
written with two ops does not.
"""

register_ops(vars().values())
