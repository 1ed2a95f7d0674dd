"""Program: a model of the user's own, read from a Python file or a module.

It is a handful of functions over a value of any type: ``init`` and ``loss``, and where there are
any ``data``, ``metrics`` and ``predict``. This module finds them and looks at their signatures;
`gradx.train.rehearsal` calls them for the first time.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from gradx.train.errors import ProgramError
from gradx.train.modules import PYTHON, line_of, module_at, module_named, said_by
from gradx.train.task import Task

REDUCTIONS = ("mean", "sum")
_FIRST_FIX = "; look at what init and data give"


@dataclass(frozen=True)
class Program:
    """What a model file, or a class in a module, holds.

    Attributes:
        name: as the user gave it, such as ``MODEL.py`` or ``module:Class``.
        init: ``init(rng)`` gives the first parameters, a value of any type that gradx knows; it
            draws what is random from the ``numpy.random.Generator``.
        loss: ``loss(params, batch)`` gives one number, how wrong the parameters are on a batch;
            ``loss(params)`` where there is no ``data``.
        data: ``data()`` gives a tuple of arrays of equal length, whose rows are samples; a tuple of
            two such tuples is data to train and to test on. One that has a parameter takes a path.
        metrics: ``metrics(params, batch)`` gives numbers by name, means over the batch;
            ``metrics(params)`` where there is no ``data``.
        predict: ``predict(params, inputs)`` gives the results for some inputs.
        reduction: what ``loss`` makes of a batch, the mean over its samples or their sum.
        folder: where its source is.
        file: its source.
    """

    name: str
    init: Callable[[np.random.Generator], Any]
    loss: Callable[..., Any]
    data: Callable[..., Any] | None = None
    metrics: Callable[..., Mapping[str, Any]] | None = None
    predict: Callable[[Any, Any], Any] | None = None
    reduction: str = "mean"
    folder: Path | None = None
    file: Path | None = None

    @property
    def task(self) -> Task:
        """What the loop trains: losses and metrics of a batch, which is None without data."""
        loss, metrics = self.loss, self.metrics
        if self.data is not None:
            return Task(loss, metrics, self.reduction, first_fix=_FIRST_FIX)
        return Task(
            lambda params, _: loss(params),
            None if metrics is None else lambda params, _: metrics(params),
            self.reduction,
            first_fix=_FIRST_FIX,
        )

    @property
    def mark(self) -> str:
        """Its name, and a CRC-32 of its source."""
        source = b"" if self.file is None else self.file.read_bytes()
        return f"{self.name} ({zlib.crc32(source):08x})"

    @property
    def path_use(self) -> str:
        """Whether ``data`` takes a path: ``"none"``, ``"optional"`` or ``"required"``."""
        if self.data is None or not _fits(self.data, 1):
            return "none"
        return "optional" if _fits(self.data, 0) else "required"


@dataclass(frozen=True)
class _Wanted:
    """A function that a program may have: what it is called with, and what to write."""

    counts: tuple[int, ...]
    example: str


_FUNCTIONS = MappingProxyType(
    {
        "init": _Wanted((1,), "def init(rng): return Net(w=rng.normal(size=(10, 784)), …)"),
        "loss": _Wanted((2,), "def loss(params, batch): x, y = batch; return np.mean(…)"),
        "data": _Wanted((0, 1), "def data(): return x, y"),
        "metrics": _Wanted((2,), 'def metrics(params, batch): return {"error": …}'),
        "predict": _Wanted((2,), "def predict(params, inputs): return …"),
    }
)
# The same where there is no data.
_ALONE = MappingProxyType(
    {
        "loss": _Wanted((1,), "def loss(params): return …, or add def data(): return x, y"),
        "metrics": _Wanted((1,), 'def metrics(params): return {"distance": …}'),
    }
)


def load_program(name: str) -> Program:
    """Find a program by its file, or by a class in a module.

    Args:
        name: ``MODEL.py``, a path, whose functions are those of the file; ``MODEL.py:Class`` or
            ``module:Class``, whose functions are the class's, and the module's where it has none.
            A module is looked for in the current folder too.

    Returns:
        The program; nothing of it has been called yet.

    Raises:
        ProgramError: there is no such file, module or class; it is not Python, or raises; a
            function is missing or takes something else. Says what, where, and what to write.
    """
    where, _, attribute = name.rpartition(":")
    if not where or attribute.endswith(PYTHON):
        where, attribute = name, ""
    if where.endswith(PYTHON):
        module = module_at(Path(where), where)
    elif attribute:
        module = module_named(where, name)
    else:
        near = f"{name}{PYTHON}"
        raise ProgramError(
            f"{name}: is neither a Python file nor a class; give "
            + (near if Path(near).is_file() else "MODEL.py, or module:Class")
        )
    places: list[Any] = [module]
    for part in filter(None, attribute.split(".")):
        found = getattr(places[0], part, None)
        if not isinstance(found, type):
            raise ProgramError(
                f"{name}: there is no class {part!r} in {where}; name one of "
                f"{_classes_of(places[0]) or 'its classes (it has none)'}"
            )
        places.insert(0, found)
    return _program(name, places, module)


def _program(name: str, places: list[Any], module: ModuleType) -> Program:
    functions = {each: _find(name, each, places, module) for each in _FUNCTIONS}
    missing = [each for each in ("init", "loss") if functions[each] is None]
    if missing:
        raise ProgramError(
            f"{name}: there is no {' and no '.join(missing)}; write "
            + "; ".join(_FUNCTIONS[each].example for each in missing)
            + _hint(places[0], missing)
        )
    reduction = next((p.reduction for p in places if hasattr(p, "reduction")), "mean")
    if reduction not in REDUCTIONS:
        raise ProgramError(
            f'{name}: reduction is {reduction!r:.40}; write reduction = "mean" or "sum", what '
            "loss makes of a batch"
        )
    for each, function in functions.items():
        if function is not None:
            alone = functions["data"] is None and each in _ALONE
            _check_signature(name, each, function, (_ALONE if alone else _FUNCTIONS)[each])
    source = getattr(module, "__file__", None)
    file = None if source is None else Path(source).resolve()
    folder = None if file is None else file.parent
    return Program(name=name, reduction=reduction, folder=folder, file=file, **functions)


def _find(name: str, function: str, places: list[Any], module: ModuleType) -> Any:
    """A function of the first place that has it; None where there is none."""
    for place in places:
        found = getattr(place, function, None)
        if callable(found):
            return found
        if found is not None and place is module:
            raise ProgramError(
                f"{name}: {function} is {found!r:.40}, not a function; write "
                f"{_FUNCTIONS[function].example}"
            )
    return None


def _hint(place: Any, missing: list[str]) -> str:
    """Which class has what a file lacks."""
    for cls in vars(place).values():
        own = isinstance(cls, type) and cls.__module__ == getattr(place, "__name__", None)
        if own and all(callable(getattr(cls, each, None)) for each in missing):
            return f", or name the class that has them with ':{cls.__name__}'"
    return ""


def _classes_of(place: Any) -> str:
    module = place.__module__ if isinstance(place, type) else place.__name__
    return ", ".join(
        cls.__name__
        for cls in vars(place).values()
        if isinstance(cls, type) and cls.__module__ == module
    )


# --- Signatures -----------------------------------------------------------------------------------


def _fits(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments, as far as it says."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # one of C does not say
        return True
    return True


def _check_signature(name: str, called: str, function: Callable[..., Any], wanted: _Wanted) -> None:
    if any(_fits(function, count) for count in wanted.counts):
        return
    code = getattr(inspect.unwrap(function), "__code__", None)
    line = "" if code is None else f", line {code.co_firstlineno}"
    raise ProgramError(
        f"{name}{line}: {called}{inspect.signature(function)} cannot be called with "
        f"{' or '.join(map(str, wanted.counts))} argument{'s' * (wanted.counts[-1] != 1)}; write "
        f"{wanted.example}"
    )


@contextmanager
def faults_told(program: Program) -> Iterator[None]:
    """In the block, what the functions of a program raise becomes one line that names the place.

    Args:
        program: whose functions are called in the block.

    Raises:
        ProgramError: one of them raised; says where, and what. What is raised elsewhere goes on as
            it is, and so do interruptions, a lack of memory and a pipe that nobody reads.
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit, MemoryError, BrokenPipeError, ProgramError):
        raise
    except BaseException as error:  # SystemExit, and the user's own
        line = None if program.folder is None else line_of(error, program.folder)
        if line is None:
            raise
        raise ProgramError(f"{program.name}: {line}: {said_by(error)}; mend it there") from error
