"""What stands for the names of NumPy, SciPy, math and cmath in an adopted program.

A module of these is gradx's module of the name, and a function that was imported from one is
gradx's function. Calls without a variable go to the library's own function, so nothing about them
changes. And `importlib.import_module` gives adopted code adopted modules.
"""

from __future__ import annotations

import cmath
import functools
import importlib
import math
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx import cmath as gradx_cmath
from gradx import math as gradx_math
from gradx import numpy as gnp
from gradx.adoption import iterators
from gradx.adoption.generators import GENERATORS, GeneratorClass, drawing
from gradx.adoption.inside import Globals, handed
from gradx.adoption.number_classes import NUMBER_CLASSES
from gradx.adoption.scipy_names import SCIPY, of_scipy, plain_of_scipy, scipy_module
from gradx.core.dispatch import Lifted
from gradx.core.objects import OBJECT
from gradx.numpy.arguments import has_lifted, is_lifted

__all__ = ["NUMPY", "LibraryView", "library_module", "of_library", "plain_of"]

_NESTED = frozenset({list, tuple, np.ndarray})
_UNDISPATCHED = frozenset(
    {"arange", "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray"}
    | {"asfortranarray", "full", "require"}
)
"""Functions that NumPy does not dispatch: a variable among their arguments is for gradx."""
_MAKING = (
    *("empty", "eye", "identity", "indices", "ones", "tri", "zeros", "fromfunction", "fromstring"),
    *("frombuffer", "fromfile", "loadtxt", "genfromtxt", "load", "bartlett", "blackman"),
    *("hamming", "hanning", "kaiser"),
)
"""Functions that make arrays of no arrays."""


class LibraryView(types.ModuleType):
    """A module of NumPy as an adopted program sees it.

    Args:
        module: NumPy's module.
        names: what is gradx's in it; all else is NumPy's own.
    """

    def __init__(self, module: types.ModuleType, names: Mapping[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(names, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_module"], name)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_module"])


def _either(name: str, lifted: Callable[..., Any], plain: Any) -> Callable[..., Any]:
    """The library's own function, but gradx's where lists or object arrays hold variables."""
    kinds: Any = (Lifted, list, tuple) if name in _UNDISPATCHED else ()

    @functools.wraps(plain)
    def function(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if (type(x) in _NESTED or (kinds and isinstance(x, kinds))) and _holds_variables(x):
                return lifted(*args, **kwargs)
        return handed(plain(*args, **kwargs), args)

    return function


def _making(plain: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the library, whose arrays can be filled with variables."""

    @functools.wraps(plain)
    def function(*args: Any, **kwargs: Any) -> Any:
        return handed(plain(*args, **kwargs), args)

    return function


@functools.wraps(np.random.shuffle)
def _shuffle(x: Any) -> None:
    if not is_lifted(x):
        np.random.shuffle(x)
        return
    places = np.arange(len(x))
    np.random.shuffle(places)
    x[...] = x[places]  # NumPy would exchange rows of a variable as those of a list


class _Making:
    """An object that makes arrays of its index, such as `np.mgrid`.

    Args:
        plain: that of NumPy, or of gradx.numpy.
    """

    __slots__ = ("_plain",)

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getitem__(self, key: Any) -> Any:
        return handed(self._plain[key])


class _Ufunc(gnp.Ufunc):
    """A ufunc whose results can be filled with variables, also those of plain arrays."""

    __slots__ = ()

    def __call__(self, *operands: Any, **options: Any) -> Any:
        """As the ufunc."""
        for x in operands:
            if type(x) in _NESTED:
                y = super().__call__(*operands, **options)
                break
        else:
            y = self._ufunc(*operands, **options)
        return y if options or isinstance(y, Lifted) else handed(y, operands)


def _holds_variables(x: Any) -> bool:
    return has_lifted(x) if type(x) is not np.ndarray or x.dtype is OBJECT else False


def _names_of(module: Any, own: Any) -> Iterator[tuple[str, Any]]:
    """What is gradx's of a module of NumPy: the functions that NumPy's own differ from."""
    for name in own.__all__:
        plain, lifted = getattr(module, name, None), getattr(own, name)
        if plain is None or plain is lifted or isinstance(plain, types.ModuleType):
            continue
        if isinstance(lifted, gnp.Ufunc):
            yield name, _Ufunc(plain)
        elif name == "fromiter":  # which is given a generator of variables
            yield name, _making(lifted)
        elif isinstance(lifted, types.FunctionType):
            yield name, _either(name, lifted, plain)


def _numpy() -> LibraryView:
    inner = {
        name: LibraryView(module, dict(_names_of(module, own)))
        for name, module, own in (
            ("linalg", np.linalg, gnp.linalg),
            ("fft", np.fft, gnp.fft),
            ("emath", np.emath, gnp.emath),
        )
    }
    own = {name: getattr(iterators, name) for name in iterators.__all__}
    own["vectorize"] = gnp.vectorize
    own |= NUMBER_CLASSES
    making = {name: _making(getattr(np, name)) for name in _MAKING}
    indexed = {name: _Making(getattr(np, name)) for name in ("mgrid", "ogrid")}
    indexed |= {name: _Making(getattr(gnp, name)) for name in ("r_", "c_")}
    drawn = {name: getattr(np.random, name) for name in np.random.__all__}
    functions = {name: drawing(f) for name, f in drawn.items() if not isinstance(f, type)}
    functions["shuffle"] = _shuffle
    classes = {cls.__name__: GeneratorClass(cls) for cls in GENERATORS}
    inner["random"] = LibraryView(np.random, functions | classes)
    lib = LibraryView(np.lib, {"scimath": inner["emath"], "stride_tricks": gnp.lib.stride_tricks})
    names = dict(_names_of(np, gnp)) | making | indexed | inner | own
    return LibraryView(np, {**names, "lib": lib})


@functools.wraps(importlib.import_module)
def _import_module(name: str, package: str | None = None) -> Any:
    module, its = importlib.import_module(name, package), sys._getframe(1).f_globals
    return its.adoption.of(module) if isinstance(its, Globals) else module  # type: ignore[attr-defined]


NUMPY = _numpy()
_IMPORTLIB = LibraryView(importlib, {"import_module": _import_module})
_MODULES: Mapping[str, Any] = MappingProxyType(
    {
        "numpy": NUMPY,
        "numpy.linalg": NUMPY.linalg,
        "numpy.fft": NUMPY.fft,
        "numpy.emath": NUMPY.emath,
        "numpy.random": NUMPY.random,
        "numpy.lib": NUMPY.lib,
        "numpy.lib.scimath": NUMPY.emath,
        "numpy.lib.stride_tricks": gnp.lib.stride_tricks,
        "math": gradx_math,
        "cmath": gradx_cmath,
        "importlib": _IMPORTLIB,
        "scipy": SCIPY,
    }
)


def _functions() -> Iterator[tuple[Any, Any]]:
    views = [NUMPY, NUMPY.linalg, NUMPY.fft, NUMPY.emath, NUMPY.random]
    pairs: list[Any] = [(view._module, vars(view)) for view in views]
    strides = gnp.lib.stride_tricks
    pairs.append((np.lib.stride_tricks, {name: getattr(strides, name) for name in strides.__all__}))
    pairs += [(math, vars(gradx_math)), (cmath, vars(gradx_cmath))]
    yield importlib.import_module, _import_module
    for module, names in pairs:
        for name, new in names.items():
            plain = getattr(module, name, None)
            if callable(plain) or isinstance(new, _Making):
                yield plain, new


_FUNCTIONS: Mapping[int, Any] = MappingProxyType({id(plain): new for plain, new in _functions()})
"""From the identity of a library's function to gradx's; the library keeps its functions alive."""
_PLAIN: Mapping[int, Any] = MappingProxyType({id(new): plain for plain, new in _functions()})
"""The other way round."""


def library_module(module: types.ModuleType) -> Any:
    """What stands for a module of a library; None for any other module."""
    name = module.__name__
    return scipy_module(name) if name.startswith("scipy.") else _MODULES.get(name)


def of_library(x: Any) -> Any:
    """What stands for what was imported from a library; None for others."""
    known = _FUNCTIONS.get(id(x))
    return of_scipy(x) if known is None else known


def plain_of(x: Any) -> Any:
    """The library's own for what stands for it in adopted code; any other object itself."""
    if isinstance(x, LibraryView):
        return x.__dict__["_module"]
    known = _PLAIN.get(id(x))
    return plain_of_scipy(x) if known is None else known
