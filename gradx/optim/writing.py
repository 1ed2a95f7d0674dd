"""Writing: a formula at every leaf, into the arrays of the values themselves.

Nothing is written before everything is known: every leaf has its mates, each array that a result
goes to can be written into and shares memory with no other, and every write is a call of C code
that only has to be done. So on the host a step is whole or is not done at all
(`gradx.optim.atomic`); arrays of a device follow, all by one kernel where its library has one.
Leaves that cannot be written into, such as Python's numbers, are replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, NoReturn

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.devices.kernel_table import TABLES
from gradx.devices.placement import copied, on_common_device, on_device_of
from gradx.errors import InPlaceError, StructureError
from gradx.optim.atomic import overlaps_itself, write
from gradx.optim.blocks import Program
from gradx.optim.sharing import Owners, is_array
from gradx.records.tree_map import (
    as_python,
    check_mate,
    expand,
    leafwise,
    like,
    no_complex_in,
    refilled,
)
from gradx.values.operations import ValueType, Where, every_mismatch, fold

__all__ = ["check_writable", "written"]

Call = Callable[[], Any]
Row = tuple[Any, ...]
_WRITTEN: Final = object()


def written(
    formula: Callable[..., Any],
    wholes: Sequence[Any],
    numbers: Sequence[Any],
    into: Sequence[int],
    names: Sequence[str],
    marks: Any = None,
    unmarked: Sequence[Any] | None = None,
) -> tuple[Any, ...]:
    """Write the results of a formula into the values that it takes.

    Args:
        formula: ``formula(*leaves, *numbers)`` gives a tuple of results.
        wholes: values of one structure.
        numbers: what goes to the formula at each leaf.
        into: for each result the value that it is written into.
        names: how the values are called in messages.
        marks: of the structure of the values, with None at leaves that get other numbers.
        unmarked: those numbers; by default all leaves get the same.

    Returns:
        For each result the value that it was written into, with new numbers where there are any.

    Raises:
        StructureError: the structures or the shapes of leaves differ; with the paths.
        InPlaceError: an array cannot be written into; with its path. Nothing is written then.
        DeviceMismatchError: the arrays of a leaf are on several devices. Nothing is written then.
    """
    step = _Step(formula, wholes, into, names)
    step.collect([numbers] if unmarked is None else [numbers, unmarked], marks)
    return step.done()


def check_writable(whole: Any, name: str) -> None:
    """Refuse a value that cannot be written into.

    Raises:
        InPlaceError: an array of it cannot, or two share memory; with the paths.
    """
    _Step(check_writable, (whole,), (0,), (name,)).collect([()])


class _Step:
    """A formula about to be written into the values that it takes; see `written`."""

    def __init__(
        self,
        formula: Callable[..., Any],
        wholes: Sequence[Any],
        into: Sequence[int],
        names: Sequence[str],
    ) -> None:
        self.formula, self.wholes, self.names = formula, wholes, names
        self.into = tuple(into)
        self.rows: list[Row] = []
        self.sets: list[Row] = []
        self.set_of: list[int] = []  # which set of numbers goes to a leaf
        # What the arrays of the host need, and then those of devices.
        self.arrays: list[Any] = []
        self.calls: list[Call] = []
        self.late: list[Call] = []

    def done(self) -> tuple[Any, ...]:
        """Write all, and give the values."""
        alone = any(hasattr(x, "shape") for x in chain(*self.sets))  # such as a rate on a device
        alike: dict[tuple[Any, int], list[int]] = {}
        made: list[Any] = [(_WRITTEN,) * len(self.into)] * len(self.rows)
        for n, row in enumerate(self.rows):
            kind = None if alone else _kind(row)
            if kind is None:
                made[n] = self._by_itself(n)
            else:
                alike.setdefault((kind, self.set_of[n]), []).append(n)
        for members in alike.values():
            self._at_once(members)
        write(self.arrays, self.calls)
        for call in self.late:
            call()
        return tuple([self._whole(d, made) for d in range(len(self.into))])

    def _whole(self, d: int, made: Sequence[Any]) -> Any:
        """The value that a result was written into."""
        k = self.into[d]
        if all(new[d] is _WRITTEN for new in made):
            return self.wholes[k]
        leaves = [
            row[k] if new[d] is _WRITTEN else new[d]
            for row, new in zip(self.rows, made, strict=True)
        ]
        return refilled(self.wholes[0], leaves)

    # --- What there is, and whether it can be written ---

    def collect(self, sets: Sequence[Sequence[Any]], marks: Any = None) -> None:
        """Enter the leaves, each with its mates, and which set of numbers it gets."""
        first, others, name = self.wholes[0], tuple(self.wholes[1:]), self.names[0]
        several = len(sets) > 1

        def leaf(a: Any, spec: ValueType, rest: Row, where: Where) -> None:
            mates, mark = (rest[:-1], rest[-1]) if several else (rest, None)
            for b in mates:
                if type(b) is not np.ndarray or type(a) is not np.ndarray or a.shape != b.shape:
                    check_mate(a, spec, b)
            if not spec.static:
                row = (a, *mates)
                for k, x in enumerate(row):
                    if type(x) is not np.ndarray or not x.flags.carray:
                        self._check(x, k, where)
                self.rows.append(row)
                self.set_of.append(int(several and mark is None))

        self.sets = [tuple([as_python(x) for x in numbers]) for numbers in sets]
        if any(isinstance(x, Lifted) for x in chain(*self.sets)):
            _refuse_variables("the rate or another number of the method")
        try:
            along = (*others, marks) if several else others
            fold(first, along, expand, leaf, name, rebuild=lambda *_: None)
        except StructureError as error:
            several = False
            text = every_mismatch(error, first, others, expand, leaf, name, (StructureError,))
            raise StructureError(text) from None
        self._set_apart()

    def _check(self, x: Any, k: int, where: Where) -> None:
        """Refuse what cannot be written into.

        Raises:
            InPlaceError: it cannot.
        """
        if isinstance(x, Lifted):
            _refuse_variables(self._named(k, where()))
        if k not in self.into or not isinstance(x, np.ndarray):
            return
        if not x.flags.writeable:
            raise InPlaceError(
                f"{self._named(k, where())} is a read-only array and cannot be changed in place; "
                "pass a copy of it, or leave out in_place=True"
            )
        if overlaps_itself(x):
            raise InPlaceError(
                f"{self._named(k, where())} is an array whose items share memory, as "
                "np.broadcast_to and as_strided make them, so that one step would move a number "
                "several times; pass a copy of it, or leave out in_place=True"
            )

    def _named(self, k: int, path: str) -> str:
        return (self.names[k] + path.removeprefix(self.names[0])).removeprefix(".")

    def _path(self, n: int, k: int) -> str:
        """The path of a leaf in a value, for messages."""
        paths: list[str] = []

        def leaf(_: Any, spec: ValueType, context: Any, where: Where) -> None:
            if not spec.static:
                paths.append(self._named(k, where()))

        fold(self.wholes[0], (), expand, leaf, self.names[0], rebuild=lambda *_: None)
        return paths[n]

    def _set_apart(self) -> None:
        """Refuse arrays that share memory and are both written; copy what shares and is read."""
        targets = [
            (n, k)
            for n, row in enumerate(self.rows)
            for k in self.into
            if is_array(row[k]) and row[k].size
        ]
        owners = Owners([self.rows[n][k] for n, k in targets])
        pair = owners.pair()
        if pair is not None:
            one, two = (self._path(*targets[position]) for position in pair)
            raise InPlaceError(
                f"{one} and {two} share memory, so that a step in place would move the same "
                "numbers twice; give each an array of its own, or leave out in_place=True"
            )
        read = [k for k in range(len(self.wholes)) if k not in self.into]
        for n, row in enumerate(self.rows):
            if any(owners.may_have(row[k]) for k in read):
                self.rows[n] = tuple([copied(x) if k in read else x for k, x in enumerate(row)])

    # --- Ways of doing it ---

    def _at_once(self, members: Sequence[int]) -> None:
        """Make ready what is to be done to leaves of arrays of the same dtypes in one place.

        Raises:
            StructureError: a result is complex, and its leaf is real.
            DeviceMismatchError: the arrays of a leaf are on several devices.
        """
        rows, numbers = [self.rows[n] for n in members], self.sets[self.set_of[members[0]]]
        program = Program(self.formula, [x.dtype for x in rows[0]], numbers, self.into)
        for found, k in zip(program.dtypes, self.into, strict=True):
            if found.kind == "c" and rows[0][k].dtype.kind != "c":
                raise no_complex_in(rows[0][k].dtype, self._path(members[0], k))
        if _is_plain(rows[0][0]):
            plain = [[_plain(x) for x in row] for row in rows]
            self.arrays += [row[k] for row in plain for k in self.into]
            self.calls += program.calls(plain)
            return
        for row in rows:
            with on_common_device(self.formula.__name__, row):
                pass  # it raises where they are on several
        stand_in = TABLES[type(rows[0][0])][leafwise]
        self.late.append(partial(stand_in, self.formula, rows, numbers, out=self.into))

    def _by_itself(self, n: int) -> list[Any]:
        """The results of one leaf, where they are not written into its arrays."""
        row, numbers = self.rows[n], self.sets[self.set_of[n]]
        made: list[Any] = []
        with on_common_device(self.formula.__name__, (*row, *numbers)):
            try:
                results = self.formula(*[_plain(x) if _is_plain(x) else x for x in row], *numbers)
                results = [like(y, row[k], True) for y, k in zip(results, self.into, strict=True)]
            except (StructureError, ValueError) as error:
                raise StructureError(f"{error} (at {self._path(n, 0)})") from None
        for y, k in zip(results, self.into, strict=True):
            x = row[k]
            if _is_plain(x):
                self.arrays.append(_plain(x))
                self.calls.append(partial(np.positive, y, _plain(x)))
            elif is_array(x) and hasattr(type(x), "__setitem__"):
                self.late.append(partial(_assign, x, y))
            else:
                made.append(y)
                continue
            made.append(_WRITTEN)
        return made


def _kind(row: Row) -> Any:
    """What leaves that are done together have in common; None for one that is done by itself."""
    kind = type(row[0])
    if kind in TABLES:
        fits = leafwise in TABLES[kind] and all(type(x) is kind for x in row)
        return (kind, *[x.dtype for x in row]) if fits else None
    return tuple([x.dtype for x in row]) if all([_is_plain(x) for x in row]) else None


def _refuse_variables(what: str) -> NoReturn:
    raise InPlaceError(
        f"{what} depends on variables of an outer function, whose gradient a step in place would "
        "lose; leave out in_place=True there"
    )


def _is_plain(x: Any) -> bool:
    """Whether it is an array of NumPy's, or of a subclass whose arithmetic is NumPy's."""
    if type(x) is np.ndarray:
        return True
    own = np.ndarray.__array_ufunc__
    return isinstance(x, np.ndarray) and type(x).__array_ufunc__ is own and type(x) not in TABLES


def _plain(x: Any) -> Any:
    """Such an array without the subclass's code of Python's."""
    return x if type(x) is np.ndarray else x.view(np.ndarray)


def _assign(x: Any, y: Any) -> None:
    with on_device_of(x):
        x[...] = y
