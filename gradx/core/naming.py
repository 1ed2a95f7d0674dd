"""Naming: how a function of NumPy or of another library is called in messages."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

__all__ = ["is_made_of_python", "qualified", "ufunc_name"]

_MADE = " (vectorized)"
"""What NumPy puts behind the name of a Python function that `np.frompyfunc` made a ufunc of."""


def qualified(func: Any) -> str:
    """The name of a function with its module, as users write it: ``np.linalg.norm``."""
    module = (getattr(func, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module}.{getattr(func, '__name__', func)}"


def is_made_of_python(ufunc: Any) -> bool:
    """Whether a ufunc is a Python function behind `np.frompyfunc` or `np.vectorize`."""
    return str(ufunc.__name__).endswith(_MADE)


def ufunc_name(ufunc: Any) -> str:
    """The name of a ufunc with the module that has it, such as ``scipy.special.gammaln``.

    A ufunc does not know where it is from, so the modules that are loaded are asked. Only done to
    write a message.
    """
    name = str(ufunc.__name__)
    if is_made_of_python(ufunc):
        return f"np.frompyfunc({name.removesuffix(_MADE)})"
    if getattr(np, name, None) is ufunc:
        return f"np.{name}"
    owners = [
        module
        for module, contents in list(sys.modules.items())
        if not any(part.startswith("_") for part in module.split("."))
        and getattr(contents, "__dict__", {}).get(name) is ufunc
    ]
    if not owners:
        return name
    libraries = [module for module in owners if module != "__main__"] or owners
    return f"{min(libraries, key=lambda module: (module.count('.'), len(module)))}.{name}"
