"""Compiles every kernel that gradx owns to machine code for each architecture, with NVRTC.

A program of its own, since CuPy must not take kernels out of its cache:

    python -m tests.cuda.compile_all 70 75 80 86 89 90 100 120

It calls what stands in the CuPy backend's table on small arrays. What CuPy hands to the compiler
for the device at hand is compiled for the others as well, unless the same compiler has compiled the
same source before (architectures.txt in $SOFTCUDA_CACHE_DIR). Prints a line of JSON: the version of
NVRTC, and how many pieces of machine code there are for each architecture.
"""

import inspect
import json
import os
import sys

import numpy as np

os.environ["CUPY_CACHE_IN_MEMORY"] = "1"
if os.environ.get("GRADX_CUDA") != "real":
    import softcuda  # noqa: F401 (before CuPy)

import cupy as cp
from cupy_backends.cuda.libs import nvrtc

import gradx as gx
import gradx.scipy.special  # whose rules are formulas too
from gradx.ops.scaling import divided, scaled
from gradx.records.record import _OPERATORS
from gradx_cuda.elementwise import Elementwise, Summed, SummedTo
from gradx_cuda.formulas import computed
from gradx_cuda.softmax import _SOURCE, Softmax
from gradx_cuda.tables import kernel_table
from tests.softcuda import nvrtc_check

REAL = "efd"
LABELS = "Bil"
ALL = "efdFD"


@gx.record
class Pair:
    """Two arrays."""

    a: np.ndarray
    b: np.ndarray


def ones(*shape, char="f"):
    return cp.ones(shape, char)


def signature(function):
    """The parameters of a function; C code has a gradient and a derivative or a divisor."""
    try:
        return inspect.signature(function).parameters.values()
    except ValueError:
        assert function in (scaled, divided)
        return inspect.signature(lambda g, d: None).parameters.values()


def arity(function):
    parameters = signature(function)
    return len([p for p in parameters if p.kind is not p.KEYWORD_ONLY])


def params_of(function):
    names = [p.name for p in signature(function) if p.kind is p.KEYWORD_ONLY]
    values = {"activation": ("logistic", "tanh", "relu"), "n": (3,)}
    rows = [{}]
    for name in names:
        rows = [{**row, name: value} for row in rows for value in values[name]]
    return rows


def formulas(table):
    """All rules and functions that are formulas, a module of them for each dtype."""
    names = set()
    for char in ALL:
        sources = ["#include <cupy/complex.cuh>\n#include <cupy/carray.cuh>\n"]
        stand_ins = {id(s): (f, s) for f, s in table.items() if isinstance(s, Elementwise)}
        for k, (_, stand_in) in enumerate(stand_ins.values()):
            function = stand_in.function
            for j, params in enumerate(params_of(function)):
                formula = stand_in.formula([np.dtype(char)] * arity(function), params)
                if formula is None:
                    continue
                names.add(stand_in.name)
                kind, of = computed(formula.outputs[0]), computed(np.dtype(char))
                given = ", ".join(["x[i]"] * arity(function))
                sources.append(
                    formula.source(f"f{k}_{j}")
                    + f'extern "C" __global__ void k{k}_{j}(const {of} *x, {kind} *y) {{\n'
                    f"    const int i = threadIdx.x; f{k}_{j}({given}, y[i]);\n}}\n"
                )
        nvrtc_check.compile_alone("".join(sources))
    return names


def whole_kernels(table):
    """Some elementwise kernels, and every sum, as CuPy puts them together."""
    for function, stand_in in table.items():
        if isinstance(stand_in, SummedTo):
            for params in params_of(stand_in.function):
                x = ones(4, 3)
                stand_in(x, x, shape=(3,), **params)
        elif isinstance(stand_in, Summed):
            arrays = [ones(4, 3) for _ in range(arity(function))]
            arrays[stand_in.own] = ones(1, 3)
            stand_in(*arrays)
        elif isinstance(stand_in, Elementwise) and not stand_in.name.endswith("_rule"):
            for params in params_of(function):
                stand_in(*[ones(4, 3)] * arity(function), **params)


def records():
    """Whole records: each operator in single precision, the updates in every dtype."""
    p = Pair(ones(3), ones(2, 2))
    for name, method in _OPERATORS.items():
        if method is not None:
            method(*([p] if name in ("__neg__", "__pos__", "__abs__") else [p, p]))
            if "pow" not in name and name not in ("__neg__", "__pos__", "__abs__"):
                method(p, 2.0)
    for char in ALL:
        p = Pair(ones(3, char=char), ones(2, 2, char=char))
        p - 0.5 * p
        gx.updates.sgd(p, p, 0.1)
        gx.updates.momentum(p, p, p, 0.1)
        gx.updates.momentum(p, p, p, 0.1, nesterov=True)
        gx.updates.adam(p, p, gx.updates.AdamState(p, p))
    for name in ("adagrad", "rmsprop", "adamw", "lamb", "lion"):
        method = getattr(gx.optim, name)()
        method.update(p, method.init(p), p)


class Named(Softmax):
    """Tells which kernels would be launched."""

    def __init__(self, cupy):
        super().__init__(cupy)
        self.names = []

    def _kernel(self, name):
        self.names.append(name)
        return lambda *args: None


def softmax_kernels():
    """Every kernel of softmax and cross-entropy: each dtype, each kind of row and of label."""
    named = Named(cp)
    for char in REAL:
        for n in (4, 40, 2000):
            x, g = ones(2, n, char=char), ones(2, char=char)
            named.softmax(x, axis=-1)
            named.log_softmax(x, axis=-1)
            named.softmax_backward(x, x, axis=-1)
            named.cross_entropy(x, x)
            named.cross_entropy_backward(g, x, x)
            for kind in LABELS:
                labels = cp.zeros(2, kind)
                named.label_cross_entropy(x, labels)
                named.label_backward(g, x, labels)
    names = tuple(dict.fromkeys(named.names))
    nvrtc_check.compile_alone(_SOURCE, names)
    return names


def scatter(table):
    """Adding at one and at two arrays of indices."""
    for char in ALL:
        for several in (1, 2):
            places = (cp.zeros(3, int),) * several
            g = ones(3, *(2,) * (2 - several), char=char)
            table[np.add.at](cp.zeros((2, 2), char), places, g)


def main(architectures):
    folder = os.environ.get("SOFTCUDA_CACHE_DIR")
    cache = folder and os.path.join(folder, "architectures.txt")
    nvrtc_check.install(architectures, cache)
    table = kernel_table(cp)
    gx.register_array(cp.ndarray, table)
    scatter(table)
    names = formulas(table)
    whole_kernels(table)
    records()
    labels = softmax_kernels()
    told = {
        "version": nvrtc.getVersion(),
        "compiled": {a: 0 for a in architectures},
        "formulas": sorted(names),
        "softmax": len(labels),
    }
    for (_, architecture), size in nvrtc_check.compiled.items():
        told["compiled"][architecture] += size > 0
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
