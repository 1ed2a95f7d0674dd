"""Keyword arguments of ufuncs: those that cast, those that change nothing, and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.naming import ufunc_name
from gradx.core.objects import joined
from gradx.core.spec import spec_of
from gradx.errors import NotLiftedError

__all__ = ["operands_for"]

_WITHOUT_EFFECT = MappingProxyType({"where": True, "order": "K", "subok": True})
"""Keyword arguments that say what happens without them."""


def operands_for(ufunc: Any, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> Sequence[Any]:
    """The operands of a call with keyword arguments, cast as the ufunc casts them.

    Raises:
        NotLiftedError: an argument that a lifted call cannot have; says what to write instead.
        TypeError: NumPy's own, where a cast is not of the kind that is allowed.
    """
    name = ufunc_name(ufunc)
    for key, given in keywords.items():
        if key in ("dtype", "casting"):
            continue
        if type(given) in (bool, str) and given == _WITHOUT_EFFECT.get(key):
            continue
        if key == "where":
            raise NotLiftedError(
                f"{name} with where= and no out= leaves undefined what it skips; write "
                f"np.where(condition, {name}(x), other)"
            )
        raise NotLiftedError(
            f"{name} with {key}= is not differentiable in gradx; cast with x.astype(dtype), and "
            "order the memory with np.copy(x, order)"
        )
    dtype, casting = keywords.get("dtype"), keywords.get("casting", "same_kind")
    if dtype is None and casting == "same_kind":
        return inputs
    if dtype is not None and np.dtype(dtype).kind == "O":
        raise NotLiftedError(f"{name} with dtype=object would lose the gradient; leave dtype out")
    inputs = [_one_of_numpy(x) for x in inputs]
    own = tuple(getattr(x, "dtype", None) or spec_of(x).dtype for x in inputs)
    before, after = (None,) * ufunc.nin, (None,) * ufunc.nout
    signature = (*before, *[dtype if dtype is None else np.dtype(dtype) for _ in after])
    wanted = ufunc.resolve_dtypes((*own, *after), signature=signature, casting=casting)
    return [_cast(x, to) for x, to in zip(inputs, wanted, strict=False)]


def _one_of_numpy(x: Any) -> Any:
    """A list as the array of it, a bool as NumPy's; a number, whose precision is weak, as it is."""
    if isinstance(x, (list, tuple)):
        return joined(np.asarray(x))
    return np.bool_(x) if type(x) is bool else x


def _cast(x: Any, dtype: Any) -> Any:
    """An operand as a number or array of a dtype."""
    if not hasattr(x, "astype"):
        if not hasattr(x, "_run"):
            return np.asarray(x, dtype)[()]
        x = np.positive(x)  # a number of NumPy's
    return x if x.dtype == dtype else x.astype(dtype)
