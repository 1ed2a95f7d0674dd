"""Special functions of SciPy: its ufuncs.

Source of the rules, unless another is named: NIST Digital Library of Mathematical Functions
(DLMF), https://dlmf.nist.gov, by the number of the equation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.core.op import POINTWISE, Op, register_ops
from gradx.core.properties import Property
from gradx.ops.scaling import scaled

__all__ = ["UFUNCS"]

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _ufunc(ufunc: Any, *rules: Callable[..., Any] | None) -> Op:
    op = Op(
        f"special.{ufunc.__name__}",
        ufunc,
        *rules,
        broadcasts=len(rules) > 1,
        properties=Property.ELEMENTWISE,
    )
    POINTWISE[ufunc] = op
    return op


erf = _ufunc(sc.erf, lambda g, x: scaled(g, _TWO_OVER_ROOT_PI * np.exp(-x * x)))

register_ops(vars().values())

UFUNCS = MappingProxyType({op.forward: op for op in [*vars().values()] if isinstance(op, Op)})
"""From a ufunc of SciPy to its op."""
