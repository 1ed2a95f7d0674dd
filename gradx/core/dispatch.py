"""Lifted values: the base class of variables and other tracers, and the dispatch of operations.

A variable of a reverse run is one kind of lifted value; a traced, a batched or a dual value will
be others. All share this base: each belongs to a run, which has a level from one process-wide
counter, and the run of the highest level among the operands handles an operation; values of lower
runs are constants to it. NumPy's protocols end here too: a call of a NumPy function becomes an
op, its operands and its static parameters.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gradx.core.assignment import taking_out
from gradx.core.inside import has_variables, static_fields, variables_in
from gradx.core.naming import is_made_of_python, qualified, ufunc_name
from gradx.core.objects import OBJECT, as_operand, joined
from gradx.core.op import Op
from gradx.core.plain_calls import unless_plain
from gradx.core.refusals import as_another_library
from gradx.core.spec import Answering, Form, Spec, concrete, home, primal, shape_of, spec_of
from gradx.core.ufunc_keywords import operands_for
from gradx.devices.placement import PLACES, common_device, on_device_of
from gradx.errors import (
    AssignmentError,
    ConversionError,
    GradxError,
    NotLiftedError,
    UnregisteredTypeError,
)
from gradx.native import native
from gradx.values.operations import ValueType, registry

__all__ = [
    "FUNCTIONS",
    "LIBRARIES",
    "UFUNCS",
    "Form",
    "Lifted",
    "Run",
    "Spec",
    "apply",
    "call_of_another_library",
    "check_operand",
    "concrete",
    "has_variables",
    "holds",
    "implements",
    "next_level",
    "one_by_one",
    "primal",
    "shape_of",
    "spec_of",
    "static_fields",
    "variables_in",
]

_levels = itertools.count(1)
next_level: Callable[[], int] = _levels.__next__
"""A level above every level given out before; atomic, so that threads may ask at once."""


class Run:
    """One execution of a function on lifted values; each mode is a subclass.

    Attributes:
        level: orders nested runs; the higher one is the inner one.
    """

    __slots__ = ("level",)

    def pulled(self, op: Op, pullback: Callable[[Any], Any], g: Any) -> Any:
        """What a user's pullback gives for a cotangent of this run, which may look at it."""
        return pullback(g)

    def __init__(self) -> None:
        self.level = next_level()

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an operation; this run is the highest among its operands.

        Args:
            op: the op.
            operands: as they are; lifted values of lower runs are constants to this one, and go
                down unchanged to where the op is done.
            params: the static parameters.
        """
        raise NotImplementedError

    def wrap(self, value: Any, spec: Spec) -> Any:
        """The lifted value of this run that stands for a value of this spec."""
        raise NotImplementedError

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into a lifted array; this run is the highest of the two.

        Args:
            target: the array, which may be of a lower run, or a view.
            index: where, as NumPy takes it.
            item: what, plain or lifted.
            fresh: nobody else has the item, so it may become the array's value if it fits.

        Raises:
            AssignmentError: the run cannot do it.
        """
        raise AssignmentError(
            f"a {type(target).__name__} cannot be written into by a {type(self).__name__}; build "
            "the array with np.where, np.stack or np.concatenate"
        )

    def choose(self, p: Any, yes: Any, no: Any, xs: Sequence[Any]) -> Any:
        """The branch of `gradx.cond` for a predicate of this run, one of whose values decides."""
        return yes(*xs) if p else no(*xs)

    def goes_on(self, p: Any) -> bool:
        """Whether `gradx.while_loop` does a step for a condition of this run."""
        return bool(p)

    def advanced(self, p: Any, body: Callable[[Any], Any], state: Any) -> Any:
        """The state after a step for a condition of this run, which holds."""
        return body(state)

    def one_by_one(
        self, function: Callable[..., Any], args: Any, kwargs: Any, error: Exception
    ) -> Any:
        """What a call gives that asked for a number of a value of this run, which has no one.

        Args:
            function: the lifted function of NumPy or SciPy that was called.
            args: its arguments.
            kwargs: those by keyword.
            error: what the call raised.

        Raises:
            Exception: that, as it cannot be told here either.
        """
        raise error

    def owns(self, x: Any) -> bool:
        """Whether a value is a lifted value of this run."""
        return isinstance(x, Lifted) and x._run is self


class Lifted(Answering):
    """The base of every lifted value.

    Attributes:
        _run: the run it belongs to.
    """

    __slots__ = ("_run",)
    _run: Any
    _origin: Any = None
    """The array and the flat index of which it is a lazy item; None for any other."""

    def _become(self, other: Any) -> None:
        """Go on as another value of the same shape and dtype: what a write does to an array.

        Raises:
            AssignmentError: the other one is of another kind of run.
        """
        raise AssignmentError(
            f"{self!r} was written into with a {type(other).__name__}, of another kind of run; "
            "make the array inside that run"
        )

    def _frozen(self) -> Any:
        """A value that stays what this one is now, whatever is written into it later."""
        return self

    def _class(self) -> Any:
        """The class of the value it stands for, so that `isinstance` answers as for that.

        Values whose own operators ask `isinstance` too are the exception: numbers of classes
        written in Python, which would take the numerator out of a variable of a `Fraction`, and
        arrays of a device, whose ``x @ v`` would take the variable for an array.
        """
        cls = self._kind()
        if cls in PLACES:
            return type(self)
        known = cls.__module__ in _OWN_CLASSES or issubclass(cls, _BUILT_UPON)
        return cls if known or not _is_number(cls) else type(self)

    def _refuse_class(self, cls: Any) -> NoReturn:
        raise TypeError("the class of a lifted value cannot be changed")

    if native is not None:  # NumPy asks in each call of a function of several arrays
        native.use(class_of=_class)
    _answer = _class if native is None else native.class_of
    __class__ = property(_answer, _refuse_class)  # pyright: ignore[reportIncompatibleMethodOverride]

    def _kind(self) -> Any:
        """The type of the value it stands for."""
        kind = type(self._primal())
        if issubclass(kind, Lifted) and (kind := type(home(self))) not in PLACES:
            return _CLASSES[self._spec().form](self._spec())
        return kind

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            op = UFUNCS.get(ufunc)
            if op is not None:
                return apply(op, inputs)
        return _unusual_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        lifted = FUNCTIONS.get(func)
        if lifted is None:
            raise _not_lifted(qualified(func))
        args = [joined(x) for x in args]
        try:
            if not PLACES:
                return lifted(*args, **kwargs)
            placed = [*_placed_among([*args, *kwargs.values()])]
            if not PLACES.keys().isdisjoint(types):
                common_device(func.__name__, placed)
            # The plain work of a function of several steps is done there too.
            with on_device_of(next((x for x in placed if type(x) in PLACES), None)):
                return lifted(*args, **kwargs)
        except ConversionError as error:
            return one_by_one(func, args, kwargs, error)

    def __cupy_override_elementwise_kernel__(self, ufunc: Any, *args: Any, **kwargs: Any) -> Any:
        # CuPy calls this on operands of its ufuncs; NumPy's function of the same name dispatches.
        name = str(getattr(ufunc, "name", ufunc)).removeprefix("cupy_")
        function = getattr(np, name, None)
        if function is None:
            raise NotLiftedError(
                f"{name} of CuPy has no counterpart among NumPy's functions; write it with "
                "functions that have one, or make an op of it with @gx.lift"
            )
        return function(*args, **kwargs)

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any:
        raise as_another_library(self)

    def __dlpack_device__(self) -> Any:
        raise as_another_library(self)


_OWN_CLASSES = frozenset({"builtins", "numpy", "decimal"})
_BUILT_UPON = (float, int, complex, Decimal, np.generic, np.ndarray)


def _is_number(cls: type) -> bool:
    entry = registry.find(cls)
    return isinstance(entry, ValueType) and entry.numeric


_CLASSES: Mapping[Form, Callable[[Spec], Any]] = MappingProxyType(
    {
        Form.NUMBER: lambda spec: spec.dtype,
        Form.SCALAR: lambda spec: spec.dtype.type,
        Form.ARRAY: lambda spec: np.ndarray,
        Form.OPAQUE: lambda spec: spec.dtype,
    }
)


def apply(
    op: Op,
    operands: Sequence[Any],
    params: dict[str, Any] | None = None,
    among: Iterable[Any] | None = None,
) -> Any:
    """Do an operation: on plain values, or in the run of the highest level among the operands.

    Args:
        op: the op.
        operands: its operands, plain and lifted mixed.
        params: its static parameters.
        among: for an op of values of any type, lifted values in the operands, of which one is of
            the highest level, where they are known.
    """
    top: Any = None
    nested = False
    if not op.pullback_form:
        among = operands
    elif among is None:
        among = itertools.chain(*map(variables_in, operands))
    for x in among:
        kind = type(x)
        if kind is np.ndarray:
            nested = nested or x.dtype is OBJECT
        elif kind is list or kind is tuple:
            nested = True
        elif isinstance(x, Lifted) and (top is None or x._run.level > top._run.level):
            top = x
    if nested and not op.pullback_form and (top is not None or any(map(has_variables, operands))):
        arrays = [as_operand(x) for x in operands]
        if any(new is not x for new, x in zip(arrays, operands, strict=True)):
            return apply(op, arrays, params)
    if op.pullback_form:
        return _of_user(op, operands, top)
    if top is not None:
        return top._run.process(op, operands, params)
    return op.forward(*operands) if params is None else op.forward(*operands, **params)


def _of_user(op: Op, operands: Sequence[Any], top: Any) -> Any:
    """An op of a user; one that asks for a number in a batch is done for each example."""
    try:
        return op.call(operands)[0] if top is None else top._run.process(op, operands, None)
    except ConversionError as error:
        call: Any = functools.partial(apply, op)
        call.__name__ = op.name
        return one_by_one(call, (operands,), {}, error)


def one_by_one(function: Callable[..., Any], args: Any, kwargs: Any, error: Exception) -> Any:
    """What a call gives that asked for one number where there is one for each example of a batch.

    Args:
        function: the function that was called.
        args: its arguments.
        kwargs: those by keyword.
        error: what the call raised, and is raised again where there is no batch.
    """
    runs = [x._run for x in map(primal, variables_in((args, kwargs))) if isinstance(x, Lifted)]
    if not runs:
        raise error
    return max(runs, key=lambda run: run.level).one_by_one(function, args, kwargs, error)


def holds(p: Any) -> bool:
    """Whether a condition holds, in a batch for an example."""
    return bool(p._run.goes_on(p) if isinstance(p, Lifted) else p)


# --- NumPy's protocols --------------------------------------------------------------------------

UFUNCS: dict[Any, Op] = {}
"""From a NumPy ufunc to its op. Filled by the tables of ops."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""From a NumPy function to its lifted implementation. Filled by `gradx.numpy`."""

LIBRARIES: dict[str, Callable[[], Mapping[Any, Op]]] = {}
"""From a module of another library to what imports the ops of its ufuncs. Filled by `gradx.scipy`.

It is called when a ufunc of the module is first met that has no op.
"""

UFUNC_METHODS: dict[tuple[Any, str], Callable[..., Any]] = {}
"""From a ufunc and a method, such as ``(np.add, "reduce")``, to its lifted implementation."""


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make a function the lifted implementation of NumPy functions.

    One that takes ``out`` fills a lifted one. What the decorator gives is for `gradx.numpy`, where
    a call without a variable is NumPy's own.
    """

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        filling = taking_out(implementation, functions[0], UFUNC_METHODS)
        for function in functions:
            FUNCTIONS[function] = filling
        return unless_plain(functions[0], filling, one_by_one)

    return register


def _not_lifted(name: str) -> NotLiftedError:
    return NotLiftedError(
        f"{name} has no derivative in gradx yet; write it with functions that have one, make an "
        "op of it with @gx.lift (result and pullback), or pass gx.value(v) if no gradient should "
        "flow through it"
    )


def _unusual_ufunc(ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc that is not lifted, is called through a method, or has keyword arguments."""
    if ufunc not in UFUNCS:
        _learn_library_of(ufunc)
    name = ufunc_name(ufunc)
    out = kwargs.get("out")
    if out is not None and any(buffer is not None for buffer in out):
        return UFUNC_METHODS[None, "out"](ufunc, method, *inputs, **kwargs)
    kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    if method != "__call__":
        implementation = UFUNC_METHODS.get((ufunc, method)) or UFUNC_METHODS.get((None, method))
        if implementation is None:
            raise _not_lifted(f"{name}.{method}")
        if (None, method) in UFUNC_METHODS and (ufunc, method) not in UFUNC_METHODS:
            return implementation(ufunc, *inputs, **kwargs)
        return implementation(*inputs, **kwargs)
    op = UFUNCS.get(ufunc)
    if op is None and (ufunc, method) in UFUNC_METHODS:
        return UFUNC_METHODS[ufunc, method](*inputs, **kwargs)
    if op is None and is_made_of_python(ufunc):
        raise NotLiftedError(
            f"{name} (also np.vectorize) calls a Python function for each item and has no "
            "derivative in gradx; call the function on the whole array, or write "
            "np.stack([f(x) for x in v])"
        )
    if op is None:
        raise _not_lifted(name)
    if ufunc.signature is not None and not _OF_AXES.isdisjoint(kwargs):
        return UFUNC_METHODS[None, "axes"](ufunc, *inputs, **kwargs)
    return apply(op, operands_for(ufunc, inputs, kwargs) if kwargs else inputs)


def _learn_library_of(ufunc: Any) -> None:
    """Add the ops of the ufuncs of a library to the table, if a ufunc is one of them."""
    for module, lifted_ufuncs in LIBRARIES.items():
        if getattr(sys.modules.get(module), ufunc.__name__, None) is ufunc:
            UFUNCS.update(lifted_ufuncs())


_OF_AXES = frozenset({"axis", "axes", "keepdims"})


def _placed_among(xs: Iterable[Any]) -> Iterator[Any]:
    """The values of variables, and the arrays on devices, among arguments and lists of them.

    Arrays of the host are left out: some functions take them beside arrays of a device.
    """
    for x in xs:
        if type(x) in (list, tuple):
            yield from _placed_among(x)
        elif isinstance(x, Lifted) or type(x) in PLACES:
            yield home(x)


# --- Other libraries ------------------------------------------------------------------------------


def check_operand(name: str, x: Any) -> None:
    """Refuse an array of a library that gradx does not know.

    Raises:
        UnregisteredTypeError: it is one; says how to convert it.
    """
    if type(x).__module__.startswith("scipy.sparse"):
        raise UnregisteredTypeError(
            f"{name} was given a sparse array of SciPy, {type(x).__name__}, whose products have no "
            "derivative in gradx; write x.toarray(), or for the product of a constant matrix "
            "gx.scipy.sparse.csr_array(x) @ v"
        )
    if hasattr(x, "__dlpack__") and not isinstance(x, Lifted) and registry.find(type(x)) is None:
        raise UnregisteredTypeError(
            f"{name} was given a {type(x).__module__}.{type(x).__name__}, an array of a library "
            "that gradx does not know; convert it with gx.from_dlpack(x), which copies nothing"
        )


def call_of_another_library(error: BaseException) -> NotLiftedError | None:
    """The error to raise where an array library refused a lifted value.

    Only NumPy's own functions ask their operands what to do. A library of device arrays says
    merely that the type is unsupported.

    Args:
        error: what came out of a differentiated function.

    Returns:
        The error that names the call to write instead, or None if it was something else.
    """
    if isinstance(error, GradxError) and not isinstance(error, ConversionError):
        return None
    libraries = {cls.__module__.partition(".")[0] for cls in PLACES} - {"__main__"}
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        library = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if library in libraries:
            name = frame.f_code.co_name
            if not _any_lifted(frame.f_locals.values()):
                return None
            numpys = getattr(np, name, None)
            known = numpys is not None and (numpys in FUNCTIONS or numpys in UFUNCS)
            remedy = (
                f"write np.{name}, which reaches the device by itself"
                if known
                else "write it with functions of NumPy, or make an op of it with @gx.lift"
            )
            return NotLiftedError(
                f"{library}.{name} was given a variable, and only ufuncs of {library} take one; "
                f"{remedy}"
            )
        trace = trace.tb_next
    return None


def _any_lifted(values: Iterable[Any]) -> bool:
    return any(
        isinstance(x, Lifted) or (isinstance(x, (list, tuple)) and _any_lifted(x)) for x in values
    )
