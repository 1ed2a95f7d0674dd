"""Sums of exponentials, as `scipy.special` has them: logsumexp, softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from gradx.core.op import Op, register_ops
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import summed_to
from gradx.ops.reductions import Axis, restored
from gradx.ops.scaling import scaled

__all__ = ["log_softmax", "logsumexp", "softmax", "weighted_logsumexp"]

Shape = tuple[int, ...]
_logsumexp, _softmax = dispatched(sc.logsumexp), dispatched(sc.softmax)
_log_softmax, _where = dispatched(sc.log_softmax), dispatched(np.where)


def _shares(x: Any, y: Any, axis: Axis, keepdims: bool, shape: Shape) -> Any:
    """``exp(x - y)``; 0 where all items are -inf, and so the logarithm of their sum."""
    whole = restored(y, axis, keepdims, shape)
    return np.exp(x - _where(np.isfinite(whole), whole, 0.0))


def _logsumexp_rule(g: Any, x: Any, y: Any, *, axis: Axis, keepdims: bool) -> Any:
    share = _shares(x, y, axis, keepdims, x.shape)
    return scaled(restored(g, axis, keepdims, x.shape), share)


def _shared(g: Any, a: Any, b: Any, y: Any, params: dict[str, Any]) -> Any:
    """The cotangent, with the sign of the sum, times ``exp(a - y)``: of the shape of both."""
    axis, keepdims = params["axis"], params["keepdims"]
    shape = np.broadcast_shapes(a.shape, b.shape)
    if params["return_sign"]:
        g, y = g[0] * y[1], y[0]
    return scaled(restored(g, axis, keepdims, shape), _shares(a, y, axis, keepdims, shape))


def _of_exponents(g: Any, a: Any, b: Any, y: Any, *, params: dict[str, Any]) -> Any:
    return summed_to(scaled(_shared(g, a, b, y, params), b), a.shape)


def _of_weights(g: Any, a: Any, b: Any, y: Any, *, params: dict[str, Any]) -> Any:
    return summed_to(_shared(g, a, b, y, params), b.shape)


def _softmax_rule(g: Any, y: Any, *, axis: Axis) -> Any:
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax_rule(g: Any, y: Any, *, axis: Axis) -> Any:
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


logsumexp = Op(
    "scipy.special.logsumexp",
    lambda x, *, axis, keepdims: _logsumexp(x, axis=axis, keepdims=keepdims),
    _logsumexp_rule,
)
weighted_logsumexp = Op(
    "scipy.special.weighted_logsumexp",
    lambda a, b, *, params: _logsumexp(a, b=b, **params),
    _of_exponents,
    _of_weights,
)
"""The logarithm of the sum of ``b exp(a)``; with ``return_sign`` that of its modulus, and its sign.
"""
softmax = Op("scipy.special.softmax", lambda x, *, axis: _softmax(x, axis=axis), _softmax_rule)
log_softmax = Op(
    "scipy.special.log_softmax", lambda x, *, axis: _log_softmax(x, axis=axis), _log_softmax_rule
)

register_ops(vars().values())
