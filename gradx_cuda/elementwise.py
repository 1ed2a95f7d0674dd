"""Elementwise functions as one kernel each, made from their own NumPy code.

What stands in for a function here computes what the function does, in one launch instead of one
for each operation. Where a kernel cannot be made of it, or an operand is neither an array nor a
Python number, the function itself runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from inspect import unwrap
from typing import Any

import numpy as np

from gradx.extension import UFUNCS, Op, elementwise, fused, numbers, scaling, summed_to
from gradx_cuda.formulas import Formula, Untraceable, computed, formula_of, input_type

__all__ = ["Elementwise", "Summed", "SummedTo", "elementwise_table"]

Shape = tuple[int, ...]

_HEADERS = "#include <cupy/complex.cuh>\n"
_NUMBERS: Mapping[Any, str] = {float: "float64", int: "int64"}
_MOST = 2**63


class Elementwise:
    """What stands in for a function of arrays that works item by item.

    Args:
        cupy: the module.
        function: plain NumPy code, with one result.
        name: of the kernel, for those who look at a profile.
    """

    def __init__(self, cupy: Any, function: Callable[..., Any], name: str) -> None:
        self._cupy, self.function, self.name = cupy, function, name
        self._kernels: dict[Any, Any] = {}

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """The result of the function, from one kernel where all operands are arrays or numbers."""
        kinds = self.kinds(operands)
        if kinds is None:
            return self.function(*operands, **params)
        key = (*kinds, *params.values())
        kernel = self._kernels.get(key)
        if kernel is None:
            kernel = self._kernels[key] = self._compiled(kinds, params)
        return kernel(*operands)

    def kinds(self, operands: Sequence[Any]) -> list[Any] | None:
        """The dtype of each array and the type of each Python number; None if one is neither."""
        array, kinds, arrays = self._cupy.ndarray, [], 0
        for x in operands:
            if type(x) is array:
                kinds.append(x.dtype)
                arrays += 1
            elif type(x) is float or (type(x) is int and -_MOST <= x < _MOST):
                kinds.append(type(x))
            else:
                return None
        return kinds if arrays else None

    def formula(self, dtypes: Sequence[Any], params: Mapping[str, Any]) -> Formula | None:
        """The formula of the function for operands of these dtypes; None if it has none."""
        function = partial(self.function, **params) if params else self.function
        try:
            formula = formula_of(function, dtypes)
        except Untraceable:
            return None
        return formula if formula.lines else None

    def _compiled(self, dtypes: Sequence[Any], params: Mapping[str, Any]) -> Callable[..., Any]:
        formula = self.formula(dtypes, params)
        if formula is None:
            return partial(self.function, **params) if params else self.function
        return self._kernel(formula)

    def _kernel(self, formula: Formula) -> Callable[..., Any]:
        kernel: Callable[..., Any] = self._cupy.ElementwiseKernel(
            _inputs(formula),
            f"{formula.outputs[0].name} out0",
            "\n".join(
                [
                    f"{computed(formula.outputs[0])} y0;",
                    f"gradx_formula({_operands(formula)}, y0);",
                    "out0 = y0;",
                ]
            ),
            f"gradx_{self.name}",
            preamble=_HEADERS + formula.source("gradx_formula"),
        )
        return kernel


class Summed(Elementwise):
    """As `Elementwise`, with a sum over the axes along which one operand was repeated.

    A rule's cotangent of an operand that was broadcast has the larger shape, and gradx sums it;
    here the sum is a part of the kernel.

    Args:
        cupy: the module.
        function: plain NumPy code, with one result.
        name: of the kernel.
        own: the position of the operand whose shape the result is to have.
    """

    def __init__(self, cupy: Any, function: Callable[..., Any], name: str, own: int) -> None:
        super().__init__(cupy, function, name)
        self.own = own
        self._sums: dict[Any, Any] = {}

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """The result, of the shape of the operand."""
        own = operands[self.own]
        if type(own) is not self._cupy.ndarray:
            return super().__call__(*operands, **params)
        return self.summed(operands, own.shape, params)

    def summed(self, operands: tuple[Any, ...], shape: Shape, params: Mapping[str, Any]) -> Any:
        """The result, summed to a shape."""
        kinds = self.kinds(operands)
        if kinds is None:
            return self.function(*operands, **params)
        whole = np.broadcast_shapes(*[getattr(x, "shape", ()) for x in operands])
        if shape == whole:
            return Elementwise.__call__(self, *operands, **params)
        key = (*kinds, *params.values())
        kernel = self._sums.get(key)
        if kernel is None:
            kernel = self._sums[key] = self._summing(kinds, params)
        if kernel is False:
            return summed_to(self.function(*operands, **params), shape)
        extra = len(whole) - len(shape)
        axes = tuple(
            i for i, n in enumerate(whole) if i < extra or (shape[i - extra] == 1 and n != 1)
        )
        return kernel(*operands, axis=axes, keepdims=True).reshape(shape)

    def _summing(self, dtypes: Sequence[Any], params: Mapping[str, Any]) -> Any:
        formula = self.formula(dtypes, params)
        if formula is None:
            return False
        dtype = formula.outputs[0]
        kind = computed(dtype)
        operands = [f"const {input_type(d)} a{i}" for i, d in enumerate(formula.inputs)]
        names = ", ".join(f"a{i}" for i in range(len(dtypes)))
        return self._cupy.ReductionKernel(
            _inputs(formula),
            f"{dtype.name} out0",
            f"gradx_map({_operands(formula)})",
            "a + b",
            "out0 = a",
            f"{kind}(0)",
            f"gradx_{self.name}_sum",
            reduce_type=kind,
            preamble=_HEADERS
            + formula.source("gradx_formula")
            + f"__device__ inline {kind} gradx_map({', '.join(operands)}) {{\n"
            + f"    {kind} y;\n    gradx_formula({names}, y);\n    return y;\n}}\n",
        )


def _inputs(formula: Formula) -> str:
    """The operands of a kernel, as CuPy has them declared."""
    names = [_NUMBERS.get(kind) or kind.name for kind in formula.inputs]
    return ", ".join(f"{name} in{i}" for i, name in enumerate(names))


def _operands(formula: Formula) -> str:
    return ", ".join(
        f"({computed(kind)})in{i}" if getattr(kind, "char", "") == "e" else f"in{i}"
        for i, kind in enumerate(formula.inputs)
    )


class SummedTo(Summed):
    """As `Summed`, to a shape that is a parameter of the function."""

    def __init__(self, cupy: Any, function: Callable[..., Any], whole: Any, name: str) -> None:
        super().__init__(cupy, function, name, 0)
        self._whole = whole

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """The result, of the shape that is asked for."""
        if self.kinds(operands) is None:
            return self._whole(*operands, **params)
        shape = params.pop("shape")
        return self.summed(operands, shape, params)


# --- The rules of the elementwise ops -----------------------------------------------------------

_OPERANDS: Mapping[int, tuple[str, ...]] = {1: ("x",), 2: ("a", "b"), 3: ("a", "b", "c")}


def _rules() -> Iterator[tuple[str, Callable[..., Any], int, int | None]]:
    """The rules of a cotangent and items: name, rule, operands, and which one it is for."""
    named = [*vars(elementwise).values(), *vars(numbers).values(), *vars(scaling).values()]
    ops = [*UFUNCS.values(), *[op for op in named if isinstance(op, Op)]]
    for op in ops:
        names = _OPERANDS.get(len(op.rules), ())
        for name, rule in zip(names, op.rules, strict=len(names) > 0):
            if rule is None or rule.params or not {"y", *names}.issuperset(rule.needs):
                continue
            # Only where operands are repeated is there anything to sum.
            sums = op.broadcasts and name in rule.needs
            own = rule.needs.index(name) + 1 if sums else None
            kernel_name = op.name.removeprefix("operator.").replace(".", "_")
            yield f"{kernel_name}_rule", rule.pull, len(rule.needs) + 1, own


def _size(pull: Callable[..., Any], arity: int) -> int:
    """How many operations a rule does, of single precision; 0 if it is no formula."""
    try:
        return len(formula_of(pull, [np.dtype(np.float32)] * arity).lines)
    except Untraceable:
        return 0


def elementwise_table(cupy: Any) -> dict[Any, Callable[..., Any]]:
    """From elementwise functions, and rules of more than one operation, to their kernels.

    Args:
        cupy: the module.
    """
    table: dict[Any, Callable[..., Any]] = {}
    own_of: dict[Any, set[int | None]] = {}
    for _, pull, _, own in _rules():
        own_of.setdefault(pull, set()).add(own)
    for name, pull, arity, _ in _rules():
        if pull in table:
            continue
        # A rule that two ops share may be for one operand here and for the other there.
        (own, *others) = own_of[pull]
        size = _size(pull, arity)
        if size and own is not None and not others:
            table[pull] = Summed(cupy, pull, name, own)
        elif size > 1:
            table[pull] = Elementwise(cupy, pull, name)
    for name in ("logistic", "relu", "bias_activation", "activation_backward"):
        function = unwrap(getattr(fused, name).forward)
        table[function] = Elementwise(cupy, function, name)
    for op in (scaling.product, scaling.quotient):  # which rules of any op are made of
        function = unwrap(op.forward)
        table[function] = Elementwise(cupy, function, op.name)
    power = numbers.integer_power.rules[0].pull
    table[power] = Elementwise(cupy, power, "power_rule")
    slope = unwrap(fused.activation_backward.forward)
    whole = unwrap(fused.bias_backward.forward)
    table[whole] = SummedTo(cupy, slope, whole, "bias_backward")
    return table
