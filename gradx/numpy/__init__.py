"""NumPy's functions, lifted: each works on plain values and on variables alike.

``np.f(v)`` on a variable arrives here through NumPy's own protocols; ``gradx.numpy.f(v)`` is the
same function. Creation functions, which NumPy cannot dispatch, are here too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.lifted import Lifted, apply, implements
from gradx.op import shape_of
from gradx.ops import products, reductions, shaping


@implements(np.sum)
def sum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return apply(reductions.sum, (a,), {"axis": axis, "keepdims": keepdims})


@implements(np.reshape)
def reshape(a: Any, shape: Any) -> Any:
    return apply(shaping.reshape, (a,), {"shape": shape})


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    return apply(shaping.transpose, (a,), {"axes": axes})


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    return apply(shaping.broadcast_to, (array,), {"shape": shape})


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    return apply(products.matmul, (a,b))


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return shape_of(a) if not isinstance(a, Lifted) else np.shape(a._value)
