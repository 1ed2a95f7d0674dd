"""The C extension, as type checkers see it; its sources are the files beside."""

from typing import Any

SOURCE: int
"""The CRC-32 of the sources that it was built from."""

class Recorder:
    """A function or method that does an op on variables and writes its node."""

    def __init__(
        self,
        form: str,
        op: Any,
        forward: Any,
        broadcasts: bool,
        pull: Any,
        residuals: str,
        /,
        *more: Any,
    ) -> None: ...
    def __call__(self, *operands: Any) -> Any: ...

class Layout:
    """How the instances of a class of records are taken apart and made.

    Args:
        cls: the class, whose instances keep their fields in their dict.
        names: the fields that can be parts.
        marks: the first letter of the mark of each.
        fixed: the fields that are static.
        parts: takes apart the instances that the layout leaves.
        rebuild: makes those.
    """

    def __init__(
        self,
        cls: type,
        names: tuple[str, ...],
        marks: bytes,
        fixed: tuple[str, ...],
        parts: Any,
        rebuild: Any,
        /,
    ) -> None: ...
    def parts(self, x: Any, /) -> tuple[Any, Any]:
        """The names and the parts of an instance."""

    def rebuild(self, template: Any, keys: Any, parts: Any, /) -> Any:
        """An instance with other parts, made without its ``__init__``."""

def use(**objects: Any) -> None:
    """Give the module the functions and classes that it calls or knows by identity."""

def sweep(nodes: Any, cotangents: dict[int, Any], /) -> dict[int, Any]:
    """As `gradx.reverse.backward.sweep`."""

def lifted(run: Any, nodes: list[Any], general: Any, x: Any, spec: Any, /) -> Any:
    """The variable of a leaf of an input, or what ``general(run, nodes, x, spec)`` gives."""

def executed(call: Any, inputs: Any, names: Any, /) -> Any:
    """A `gradx.reverse.run.Execution`, or None for what is left to Python."""

def cotangents(execution: Any, nodes: Any, seeds: list[Any], /) -> list[Any] | None:
    """As `gradx.reverse.run.Execution.cotangents`, or None for what is left to Python."""

def lifted_inputs(
    inputs: Any, names: Any, leaf: Any, static: Any, noted: list[Any], /
) -> list[Any]:
    """As `gradx.reverse.lift.inputs_lifted`."""

def settled(cotangents: list[Any], general: Any, x: Any, spec: Any, /) -> Any:
    """The gradient of a leaf from the last cotangent, or ``general(cotangents, x, spec)``."""

def map_leaves(
    value: Any, leaf: Any, root: str, static: Any, own: bool, met: Any, noted: Any, atoms: bool, /
) -> Any:
    """As `gradx.values.leaves.walk`."""

def leaves_of(value: Any, /) -> list[Any]: ...
def unshared(noted: list[Any], /) -> bool:
    """As `gradx.reverse.copies.all_apart`."""

def variables_of(x: Any, /) -> list[Any] | None:
    """Variables in a value, at least one of each run; None if more than C looks at may be in it."""

def user_op(op: Any, operands: tuple[Any, ...], /) -> Any:
    """The result of a user's op, done and recorded; NotImplemented for what is left to Python."""

def checked_leaves(
    g: Any, op: Any, pullback: Any, operands: list[Any], targets: Any, /
) -> list[Any]:
    """As in `gradx.core.check_cotangents`."""

def alike(x: Any, g: Any, out: list[Any], /) -> bool:
    """As `gradx.core.check_cotangents.leaves_alike`, of parts of parts too."""

def class_of(v: Any, /) -> Any: ...
def view_of(base: Any, op: Any, params: Any, node: Any, value: Any, /) -> Any:
    """As `gradx.reverse.variables.view_of`."""

def protocol_methods() -> tuple[Any, Any]:
    """The methods ``__array_ufunc__`` and ``__array_function__`` of the class of variables."""

def scaled(g: Any, d: Any, /) -> Any:
    """As `gradx.ops.scaling.scaled`."""

def divided(g: Any, b: Any, /) -> Any:
    """As `gradx.ops.scaling.divided`."""

def outer(column: Any, row: Any, /) -> Any:
    """The matrix of all products, or None for other operands than plain vectors."""

def subtract_scaled(x: Any, rate: float | None, g: Any, /) -> bool:
    """Whether ``x -= rate * g`` was done; for None, whether it can be."""

def subtract_outer(x: Any, rate: float | None, column: Any, row: Any, /) -> bool:
    """Whether ``x -= rate * outer(column, row)`` was done; for None, whether it can be."""

def descend(arrays: Any, rate: float | None, factors: Any, /) -> int:
    """The errors of ``x -= rate * g`` for each array; for None, whether it can be done."""

def blockwise(steps: bytes, temporaries: int, numbers: Any, asked: bool, /, *arrays: Any) -> bool:
    """Whether steps on single items were done into arrays; if asked, whether they can be."""
