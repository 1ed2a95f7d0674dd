"""Many arrays at once: one kernel for the corresponding arrays of whole records.

It stands in for `gradx.records.tree_map.leafwise`: ``net - rate * gradient`` and the steps of
`gradx.optim.updates` are one launch each, however many arrays a network has. The pointers and sizes
of the arrays travel in the arguments of the launch, so nothing is copied to the device for them.

Source of the scheme: PyTorch's ``multi_tensor_apply``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.extension import placed
from gradx_cuda.formulas import STORED, Formula, Untraceable, computed, formula_of, input_type

__all__ = ["MultiTensor"]

THREADS = 256
CHUNK = 4096
"""Items that one block works on."""
_ARGUMENTS = 4096
"""Bytes of arguments that a launch can have."""

_SOURCE = """
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>

struct Table {{
    long long count;
    long long first[{capacity}];       // block at which an array begins
    long long size[{capacity}];
    long long columns[{capacity}];     // length of a row
    long long turned[{capacity}];      // a bit for each array that is stored by columns
    const void *in[{arity}][{capacity}];
    void *out[{results}][{capacity}];
}};

{formula}
extern "C" __global__ void {name}(const Table t{numbers}) {{
    int k = 0;
    while (k + 1 < t.count && t.first[k + 1] <= (long long)blockIdx.x) ++k;
    const long long begin = ((long long)blockIdx.x - t.first[k]) * {chunk};
    const long long end = begin + {chunk} < t.size[k] ? begin + {chunk} : t.size[k];
    const long long columns = t.columns[k], turned = t.turned[k];
    for (long long i = begin + threadIdx.x; i < end; i += blockDim.x) {{
        long long j = i;
        if (turned) j = (i % columns) * (t.size[k] / columns) + i / columns;
        {declared}
        gradx_formula({operands});
        {stored}
    }}
}}
"""


class _Kernel:
    """A compiled formula, and how to call it on lists of arrays."""

    def __init__(self, cupy: Any, formula: Formula, arity: int, name: str) -> None:
        self._cupy, self.formula, self.arity = cupy, formula, arity
        results = len(formula.outputs)
        numbers = formula.inputs[arity:]
        self.capacity = (_ARGUMENTS - 8 * (1 + len(numbers))) // (8 * (4 + arity + results))
        self.function = cupy.RawKernel(self._source(name, numbers), name, options=("-std=c++17",))
        n = self.capacity
        self._table = np.dtype(
            [("count", "i8")]
            + [(field, "i8", (n,)) for field in ("first", "size", "columns", "turned")]
            + [("in", "u8", (arity, n)), ("out", "u8", (results, n))]
        )

    def _source(self, name: str, numbers: Sequence[Any]) -> str:
        formula, arity = self.formula, self.arity
        loads = [
            f"({computed(dtype)})((const {STORED[dtype.char]} *)t.in[{d}][k])"
            f"[(turned >> {d} & 1) ? j : i]"
            for d, dtype in enumerate(formula.inputs[:arity])
        ]
        given = [f"s{i}" for i in range(len(numbers))]
        results = [f"y{i}" for i in range(len(formula.outputs))]
        stores = [
            f"(({STORED[dtype.char]} *)t.out[{d}][k])[turned >> {arity + d} & 1 ? j : i] = y{d};"
            for d, dtype in enumerate(formula.outputs)
        ]
        return _SOURCE.format(
            capacity=self.capacity,
            arity=arity,
            results=len(results),
            formula=formula.source("gradx_formula"),
            name=name,
            numbers="".join(f", const {input_type(kind)} s{i}" for i, kind in enumerate(numbers)),
            chunk=CHUNK,
            declared=" ".join(f"{computed(d)} y{i};" for i, d in enumerate(formula.outputs)),
            operands=", ".join([*loads, *given, *results]),
            stored="\n        ".join(stores),
        )

    def __call__(self, leaves: Sequence[tuple[Any, ...]], numbers: Sequence[Any]) -> list[Any]:
        """The results of each leaf, all of the current device, in as few launches as can be."""
        empty = self._cupy.empty
        done = [
            tuple([empty(arrays[0].shape, dtype) for dtype in self.formula.outputs])
            for arrays in leaves
        ]
        self.write(leaves, numbers, done)
        return [ys[0] for ys in done] if self.formula.single else list(done)

    def write(
        self,
        leaves: Sequence[tuple[Any, ...]],
        numbers: Sequence[Any],
        done: Sequence[tuple[Any, ...]],
    ) -> None:
        """The same into given arrays, which may be those that are read."""
        given = [
            np.float64(x) if kind is float else np.int64(x)
            for x, kind in zip(numbers, self.formula.inputs[self.arity :], strict=True)
        ]
        full = [k for k, arrays in enumerate(leaves) if arrays[0].size]
        for start in range(0, len(full), self.capacity):
            part = full[start : start + self.capacity]
            table, blocks = self._filled([leaves[k] for k in part], [done[k] for k in part])
            self.function((blocks,), (THREADS,), (table, *given))

    def _filled(
        self, leaves: Sequence[tuple[Any, ...]], results: Sequence[tuple[Any, ...]]
    ) -> tuple[Any, int]:
        """The table of a launch, and how many blocks it needs."""
        table = np.zeros((), self._table)
        first, sizes = table["first"], table["size"]
        columns, turned = table["columns"], table["turned"]
        inputs, outputs = table["in"], table["out"]
        table["count"] = len(leaves)
        block = 0
        for k, (arrays, ys) in enumerate(zip(leaves, results, strict=True)):
            first[k], sizes[k] = block, arrays[0].size
            columns[k] = arrays[0].shape[-1] if arrays[0].ndim else 1
            bits = 0
            for d, x in enumerate((*arrays, *ys)):
                if not x.flags.c_contiguous:
                    bits |= 1 << d
            for d, x in enumerate(arrays):
                inputs[d, k] = x.data.ptr
            for d, y in enumerate(ys):
                outputs[d, k] = y.data.ptr
            turned[k] = bits
            block += -(-arrays[0].size // CHUNK)
        return table, block


class MultiTensor:
    """What stands in for `gradx.records.tree_map.leafwise` on CuPy's arrays.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._kernels: dict[Any, _Kernel | None] = {}

    def __call__(
        self,
        function: Callable[..., Any],
        leaves: Sequence[tuple[Any, ...]],
        numbers: Sequence[Any],
        out: Sequence[int] | None = None,
    ) -> list[Any]:
        """``function(*arrays, *numbers)`` for each leaf.

        Args:
            function: plain NumPy code of single items.
            leaves: the arrays of each leaf.
            numbers: what else the function takes.
            out: for each result the array of its leaf that it is written into; then nothing is
                returned.
        """
        # As NumPy's floats do, so go these with whole numbers of more than 64 bits.
        numbers = [float(x) if type(x) is int and not -(2**63) <= x < 2**63 else x for x in numbers]
        done: list[Any] = [None] * len(leaves)
        alone, groups = self._grouped(leaves, numbers)
        for (device, *dtypes), members in groups.items():
            kernel = self._kernel(function, dtypes, tuple(type(number) for number in numbers))
            if kernel is None:
                alone += members
                continue
            with self._cupy.cuda.Device(device):
                arrays = [self._laid_out(leaves[k]) for k in members]
                if out is not None:
                    self._write(kernel, arrays, numbers, [leaves[k] for k in members], out)
                    continue
                for k, y in zip(members, kernel(arrays, numbers), strict=True):
                    done[k] = y
        for k in alone:
            done[k] = placed(function)(*leaves[k], *numbers)
            if out is not None:
                for y, d in zip(done[k], out, strict=True):
                    _assign(leaves[k][d], y)
        return [] if out is not None else done

    @staticmethod
    def _grouped(
        leaves: Sequence[tuple[Any, ...]], numbers: Sequence[Any]
    ) -> tuple[list[int], dict[Any, list[int]]]:
        """The leaves that no kernel can do, and those that one can, by device and dtypes."""
        alone: list[int] = []
        groups: dict[Any, list[int]] = {}
        simple = all(type(number) in (float, int) for number in numbers)
        for k, arrays in enumerate(leaves):
            device, shape = arrays[0].device.id, arrays[0].shape
            if simple and all(x.shape == shape and x.device.id == device for x in arrays):
                groups.setdefault((device, *[x.dtype for x in arrays]), []).append(k)
            else:
                alone.append(k)
        return alone, groups

    def _write(
        self,
        kernel: _Kernel,
        arrays: Sequence[tuple[Any, ...]],
        numbers: Sequence[Any],
        leaves: Sequence[tuple[Any, ...]],
        out: Sequence[int],
    ) -> None:
        """The results of a kernel into arrays of the leaves, at once where their layout allows."""
        later: list[tuple[Any, Any]] = []
        targets = []
        for laid, leaf in zip(arrays, leaves, strict=True):
            ys = []
            for d, dtype in zip(out, kernel.formula.outputs, strict=True):
                y = leaf[d]
                if laid[d] is not y or y.dtype != dtype:
                    y = self._cupy.empty(y.shape, dtype)
                    later.append((leaf[d], y))
                ys.append(y)
            targets.append(tuple(ys))
        kernel.write(arrays, numbers, targets)
        for x, y in later:
            _assign(x, y)

    def _kernel(self, function: Any, dtypes: Sequence[Any], kinds: tuple[Any, ...]) -> Any:
        key = (function, *[dtype.char for dtype in dtypes], kinds)
        if key not in self._kernels:
            try:
                formula = formula_of(function, [*dtypes, *kinds])
            except Untraceable:
                self._kernels[key] = None
            else:
                word = getattr(function, "__name__", "function").strip("_<>")
                name = f"gradx_multi_{word}"
                self._kernels[key] = _Kernel(self._cupy, formula, len(dtypes), name)
        return self._kernels[key]

    def _laid_out(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arrays, copied where they are stored neither by rows nor as a matrix by columns."""
        return tuple(
            x
            if x.flags.c_contiguous or (x.ndim == 2 and x.flags.f_contiguous)
            else self._cupy.ascontiguousarray(x)
            for x in arrays
        )


@placed
def _assign(x: Any, y: Any) -> None:
    x[...] = y
