"""The tables of what each function has in each mode, found by running the specification.

A row has the functions that are alike in every column. ``python -m tests.docs.mode_tables`` writes
the tables into docs/numpy.md and docs/scipy.md; `test_mode_tables` compares them with these.
"""

import importlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

import numpy as np

import gradx as gx
from gradx.batch.loops import counted_loops
from gradx.core.op import OPS
from gradx.forward import rules
from tests.architecture.sources import ROOT
from tests.cuda.lacking import ON_THE_HOST, ONCE
from tests.docs.tables import text_of
from tests.ops.cases import ALL_CASES
from tests.ops.specification import Case
from tests.ops.test_specification import has_gradient, leaves

BEGIN, END = "<!-- generated: python -m tests.docs.mode_tables -->", "<!-- end -->"
HEADER = "| forward | vmap | complex | device | functions |\n|---|---|---|---|---|\n"
EXAMPLES = 2
PROPERTIES, OWN, TRANSPOSED = "properties", "own rule", "transposed"
RULE, LOOP, RAISED = "rule", "loop", "raises"

# --- Names ----------------------------------------------------------------------------------------

_HELPERS = frozenset({"scaled", "divided", "spectrum", "operator", "outer_of_vectors"})
"""Cases of several functions that have cases of their own."""
_SHOWN = MappingProxyType(
    {"getitem": "v[i]", "put": "v[i] = w", "in-place": "v += w", "out": "out=", "array": "array"}
    | {name: f"gx.{name}" for name in ("softmax", "log_softmax", "softmax_cross_entropy")}
    | {name: f"gx.{name}" for name in ("dense", "logistic", "relu")}
    | {"log_base": "gx.numeric_ops.log_base", "all_reduce": "gx.parallel.all_reduce"}
)


def name_of(case: Case) -> str:
    """The function that a case is about, as the tables call it; empty if it is about several."""
    name, _, rest = case.name.partition("/")
    if name in ("math", "cmath"):
        return f"{name}.{rest.partition('-')[0]}"
    name = name.replace("special-alone", "special")
    if name not in _SHOWN:
        name = name.partition("-")[0]
    return "" if name in _HELPERS else _SHOWN.get(name, name)


def cases_of(scipy: bool) -> list[Case]:
    """The cases of NumPy's functions and gradx's own, or those of SciPy's."""
    files = (Path(ROOT) / "tests" / "ops").glob("cases_scipy_*.py")
    modules = [importlib.import_module(f"tests.ops.{path.stem}") for path in sorted(files)]
    of_scipy = {case.name for module in modules for case in module.CASES}
    return [case for case in ALL_CASES if (case.name in of_scipy) is scipy and name_of(case)]


# --- What a case has ------------------------------------------------------------------------------


def is_number(x: object) -> bool:
    return isinstance(x, np.ndarray | float | complex) and has_gradient(x)


@contextmanager
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        yield


def forward_of(case: Case) -> str:
    """How the tangents of a case are found."""
    xs = case.make(np.random.default_rng(0))
    transposed: Counter[str] = Counter()
    ts = tuple(gx.one(x) if has_gradient(x) else x for x in xs)

    def counting(*args: object) -> object:
        transposed["pullback"] += 1
        return original(*args)

    original = rules.transposed
    with quiet(), patch.object(rules, "transposed", counting):
        gx.jvp(case.call, xs, ts)
    if transposed:
        return TRANSPOSED
    ops = [OPS[name] for name in case.ops if name in OPS]
    return OWN if any(op.jvp is not None for op in ops) else PROPERTIES


def vmap_of(case: Case) -> set[str]:
    """How a case is done for several examples, with all operands mapped, or the first alone."""
    rng = np.random.default_rng(0)
    drawn = [case.make(rng) for _ in range(EXAMPLES)]
    numbers = [i for i, x in enumerate(drawn[0]) if is_number(x)]
    found = _mapped(case, drawn, frozenset(numbers))
    return {found, _mapped(case, drawn, frozenset(numbers[:1]))} if found == LOOP else {found}


def _mapped(case: Case, drawn: list[tuple[object, ...]], mapped: frozenset[int]) -> str:
    first = drawn[0]
    xs = [
        np.stack([one[i] for one in drawn]) if i in mapped else x  # type: ignore[misc]
        for i, x in enumerate(first)
    ]

    def f(*vs: object) -> object:
        numbers = zip(vs, first, strict=True)
        return case.call(*[v.item() if _is_python(x, v) else v for v, x in numbers])  # type: ignore[attr-defined]

    axes = tuple(0 if i in mapped else None for i in range(len(first)))
    with quiet(), counted_loops() as loops:
        try:
            gx.vmap(f, in_axes=axes)(*xs)
        except (TypeError, ValueError, IndexError):
            if case.abstract:
                raise
            return RAISED
    return LOOP if loops else RULE


def _is_python(x: object, v: object) -> bool:
    return isinstance(x, float | complex) and isinstance(v, np.generic)


def is_on_devices(case: Case) -> bool:
    """Whether the tests of devices have a case."""
    parts = leaves(case.make(np.random.default_rng(0))) if case.device else []
    there = ON_THE_HOST.isdisjoint({case.name, case.name.partition("/")[0]})
    return there and any(isinstance(x, np.ndarray) and has_gradient(x) for x in parts)


# --- The tables -----------------------------------------------------------------------------------


def columns_of(cases: Iterable[Case]) -> tuple[str, ...]:
    """What a function has in each mode, from its cases."""
    cases = list(cases)
    forward, vmap = set(map(forward_of, cases)), set().union(*map(vmap_of, cases))
    there = [case for case in cases if is_on_devices(case)]
    first = there and all({case.name, case.name.partition("/")[0]} & ONCE for case in there)
    return (
        next(kind for kind in (TRANSPOSED, OWN, PROPERTIES) if kind in forward),
        " or ".join(kind for kind in (RULE, LOOP, RAISED) if kind in vmap),
        "yes" if any(case.complex for case in cases) else "no",
        "first order" if first else "yes" if there else "no",
    )


def table(scipy: bool) -> str:
    """The table of NumPy's functions and gradx's own, or that of SciPy's."""
    functions: dict[str, list[Case]] = defaultdict(list)
    for case in cases_of(scipy):
        functions[name_of(case)].append(case)
    rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in sorted(functions, key=str.lower):
        rows[columns_of(functions[name])].append(f"`{name}`")
    ordered = sorted(rows.items(), key=lambda row: (-len(row[1]), row[0]))
    return HEADER + "".join(
        f"| {' | '.join(columns)} | {' '.join(names)} |\n" for columns, names in ordered
    )


def in_document(text: str) -> str:
    """The generated table that a document has."""
    return text.partition(f"{BEGIN}\n")[2].partition(END)[0]


DOCUMENTS = MappingProxyType({"numpy.md": False, "scipy.md": True})


def main() -> None:
    for name, scipy in DOCUMENTS.items():
        text = text_of(name)
        written = text.replace(f"{BEGIN}\n{in_document(text)}", f"{BEGIN}\n{table(scipy)}")
        (ROOT / "docs" / name).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
