"""Random programs that write into arrays: names, views, writes, operators, ``out=``, containers.

A program is a list of statements in Python's own words, made at random while it runs on plain
arrays, so that each statement fits the shapes that there are. It may raise, as NumPy does for
what is read-only or does not fit; then the same must be raised on variables.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHAPES = [(6,), (2, 3), (4, 3), (3, 3), (2, 3, 2), (), (5,), (1, 4)]


@dataclass
class Program:
    """Statements on the names of inputs and of what the statements make."""

    inputs: dict[str, np.ndarray]
    lines: list[str] = field(default_factory=list)
    raised: list[type | None] = field(default_factory=list)

    def run(self, inputs: dict[str, Any], at: Callable[[int, dict[str, Any]], None] | None = None):
        """The names at the end; raises AssertionError where another error came than before."""
        names: dict[str, Any] = {"np": np, "box": [], "bag": {}, **inputs}
        for number, (line, expected) in enumerate(zip(self.lines, self.raised, strict=True)):
            try:
                exec(line, names)
                got: type | None = None
            except Exception as error:
                got, reason = type(error), error
            if got is not expected and not (expected and got and issubclass(got, expected)):
                why = "" if got is None else f": {reason}"
                raise Differs(f"line {number}, {line!r}: {got} instead of {expected}{why}")
            if at is not None:
                at(number, names)
        return names

    def text(self) -> str:
        heads = [f"{name} = array of shape {x.shape}" for name, x in self.inputs.items()]
        return "\n".join([*heads, *self.lines])


class Differs(AssertionError):
    """The lifted program did something else than the plain one."""


def arrays_in(names: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a program, by name; those in its containers too."""
    found = {k: x for k, x in names.items() if k not in ("np", "row")}
    found |= {f"box[{i}]": x for i, x in enumerate(names["box"])}
    found |= {f"bag[{k!r}]": x for k, x in names["bag"].items()}
    return {k: x for k, x in found.items() if hasattr(x, "shape")}


class Writer:
    """Makes a program, statement by statement."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        rng = np.random.default_rng(seed)
        self.program = Program(
            {f"x{i}": _input(rng, self.random.choice(SHAPES), self.random) for i in range(2)}
        )
        self.names: dict[str, Any] = {"np": np, "box": [], "bag": {}}
        self.names |= {k: twin(x) for k, x in self.program.inputs.items()}
        self.made = 0

    def write(self, count: int) -> Program:
        """The program with so many statements."""
        while len(self.program.lines) < count:
            line = self.statement()
            with np.errstate(all="ignore"):
                try:
                    exec(line, self.names)
                    raised: type | None = None
                except (ValueError, IndexError, TypeError, AttributeError) as error:
                    raised = type(error)
            if raised is not None and self.random.random() < 0.8:
                continue  # most programs should run
            self.program.lines.append(line)
            self.program.raised.append(raised)
        return self.program

    # Words.

    def array(self) -> str:
        return self.random.choice(
            sorted(
                k
                for k, x in arrays_in(self.names).items()
                if np.ndim(x) or isinstance(x, np.ndarray)
            )
        )

    def shape(self, name: str) -> tuple[int, ...]:
        return eval(name, self.names).shape

    def fresh(self) -> str:
        self.made += 1
        return f"a{self.made}"

    def basic(self, shape: tuple[int, ...]) -> str:
        r = self.random
        parts: list[str] = []
        for n in shape[: r.randint(0, len(shape))]:
            parts.append(
                r.choice(
                    [
                        str(r.randint(-n, max(n - 1, 0))),
                        ":",
                        f"{r.randint(0, n)}:",
                        "::-1",
                        "::2",
                        f":{r.randint(0, n)}",
                        "-1:0:-1",
                        f"{r.randint(-n, n)}:{r.randint(-n, n)}",
                    ]
                )
            )
        if r.random() < 0.2:
            parts.insert(r.randint(0, len(parts)), "None")
        if r.random() < 0.2:
            parts.insert(r.randint(0, len(parts)), "...")
        return ", ".join(parts) or "..."

    def index(self, name: str) -> str:
        r, shape = self.random, self.shape(name)
        if r.random() < 0.7 or not shape:
            return self.basic(shape)
        n = shape[0]
        if r.random() < 0.4:
            return f"{name} > {r.choice(['0', '0.3', '-0.2'])}"
        places = [r.randint(-n, n - 1) for _ in range(r.randint(1, 4))] if n else []
        rest = self.basic(shape[1:]) if r.random() < 0.5 else "..."
        return f"{places}, {rest}" if "..." not in rest or len(shape) > 0 else f"{places}"

    def value(self, shape: tuple[int, ...] | None = None) -> str:
        r = self.random
        kinds = [
            "{a}",
            "np.sin({a})",
            "{a} * {c}",
            "{c} - {a}",
            "{a}[...]",
            "{a} * {a}",
            "{c}",
            "np.cos({a}).sum()",
            "np.tanh({a} + {b})",
            "{a}.mean(axis=0)",
            "{a} * {b}",
            "{a}.T",
        ]
        return r.choice(kinds).format(a=self.array(), b=self.array(), c=round(r.uniform(-1, 1), 2))

    def fitting(self, place: str) -> str:
        """A value that can be written into a place, more often than not."""
        try:
            shape = np.shape(eval(place, self.names))
        except Exception:
            return self.value()
        for _ in range(6):
            text = self.value()
            try:
                with np.errstate(all="ignore"):
                    np.broadcast_to(eval(text, self.names), shape)
            except Exception:
                continue
            return text
        return f"{round(self.random.uniform(-1, 1), 2)}"

    def statement(self) -> str:
        return self.random.choice(STATEMENTS)(self)


def _views(w: Writer) -> str:
    a, r = w.array(), w.random
    shape = w.shape(a)
    size = int(np.prod(shape))
    ways = [
        "{a}",
        "{a}.T",
        "{a}.reshape(-1)",
        "{a}.ravel()",
        "{a}[{i}]",
        "{a}.real",
        "{a}.squeeze()",
        "{a}.swapaxes(0, -1)",
        "np.diagonal({a})",
        "{a}[...]",
        "np.flip({a})",
        "{a}.reshape({s})",
        "np.expand_dims({a}, 0)",
        "np.atleast_2d({a})",
        "{a}.view()",
        "np.broadcast_to({a}, (2, *{a}.shape))",
        "np.array_split({a}, 2)[1]",
        "np.moveaxis({a}, 0, -1)",
        "{a}.conj()",
        "np.rot90({a})",
        "np.asarray({a}.T)",
        "list({a})[0]",
    ]
    ways.remove("{a}.view()")
    ways.remove("np.asarray({a}.T)")
    if len(shape) == 2 and shape[0] == shape[1]:
        ways.append("np.einsum('ii->i', {a})")
    pairs = [(k, size // k) for k in range(1, size + 1) if size % k == 0] or [(0, 1)]
    return f"{w.fresh()} = " + r.choice(ways).format(a=a, i=w.index(a), s=r.choice(pairs))


def _copies(w: Writer) -> str:
    a = w.array()
    ways = [
        "{a}.copy()",
        "np.zeros_like({a})",
        "np.ones_like({a})",
        "{a}.flatten()",
        "np.copy({a})",
        "np.full_like({a}, 0.5)",
        "{a}.astype(float)",
        "{a}.clip(-0.5, 0.5)",
        "np.sort({a}, axis=None)",
        "np.tile({a}, 2)",
        "np.roll({a}, 1)",
        "np.concatenate([{a}, {a}])",
        "np.tril({a})",
    ]
    return f"{w.fresh()} = " + w.random.choice(ways).format(a=a)


def _computed(w: Writer) -> str:
    return f"{w.fresh()} = {w.value()}"


def _writes(w: Writer) -> str:
    a = w.array()
    place = f"{a}[{w.index(a)}]"
    return f"{place} = {w.fitting(place)}"


def _updates(w: Writer) -> str:
    a = w.array()
    place = f"{a}[{w.index(a)}]"
    sign = w.random.choice(["+=", "-=", "*="])
    return f"{place} {sign} {w.fitting(place)}"


def _whole(w: Writer) -> str:
    a = w.array()
    return f"{a} {w.random.choice(['+=', '-=', '*='])} {w.fitting(a)}"


def _functions(w: Writer) -> str:
    a, b, r = w.array(), w.array(), w.random
    mask = f"{a} > {round(r.uniform(-1, 1), 1)}"
    ways = [
        f"np.multiply({a}, {w.fitting(a)}, out={a})",
        f"np.add({b}, 0.25, out={a})",
        f"np.sin({a}, out={a})",
        f"np.copyto({a}, {w.fitting(a)})",
        f"np.copyto({a}, {w.fitting(a)}, where={mask})",
        f"np.put({a}, [0, -1], {w.value()})",
        f"np.putmask({a}, {mask}, {w.value()})",
        f"np.place({a}, {mask}, np.tanh({b}))",
        f"np.add.at({a}, [0, 0, -1], 0.5)",
        f"np.subtract.at({a}, [0, 0], {b}[0])",
        f"np.maximum.at({a}, [0, -1, 0], 0.1)",
        f"np.fill_diagonal({a}, {w.value()})",
        f"{a}.sort()",
        f"{a}.fill(0.25)",
        f"{a}.flat[1:3] = {w.value()}",
        f"{a}.flat[0] = {b}.flat[-1]",
        f"np.sum({b}, axis=0, out={a})",
        f"{b}.clip(-0.3, 0.3, out={a})",
        f"np.divide({a}, 2.0, out={a}, where={mask})",
        f"np.put_along_axis({a}, np.argmax({a}, axis=0)[None], 0.0, axis=0)",
        f"{a}.shape = {a}.shape[::-1]",
        f"{a}.shape = (-1,)",
    ]
    line = r.choice(ways)
    if (".at(" in line or "copyto" in line) and not eval(a, w.names).flags.writeable:
        return f"{a}[...] = 0"  # NumPy does some of these although it is read-only
    return line


def _contained(w: Writer) -> str:
    a, r = w.array(), w.random
    ways = [f"box.append({a})", f"bag['k'] = {a}", f"box += [{a}, {w.value()}]"]
    if w.names["box"]:
        i = r.randrange(len(w.names["box"]))
        ways += [
            f"box[{i}] = {a}",
            f"box[{i}] += {round(r.uniform(-1, 1), 2)}",
            f"for row in {a}: row *= 0.5",
        ]
    return r.choice(ways)


STATEMENTS = (
    _views,
    _views,
    _copies,
    _computed,
    _writes,
    _writes,
    _updates,
    _updates,
    _whole,
    _functions,
    _functions,
    _contained,
)


def _input(rng: Any, shape: tuple[int, ...], chance: random.Random) -> np.ndarray:
    """An input; some are in Fortran's order, some parts of larger arrays."""
    x = rng.uniform(-1, 1, shape)
    way = chance.random()
    if way < 0.6 or not shape:
        return x
    if way < 0.75:
        return np.asfortranarray(x)
    wide = rng.uniform(-1, 1, (*shape[:-1], 2 * shape[-1] + 1))
    return wide[..., 1::2] if way < 0.9 else wide[..., : shape[-1]]


def twin(x: np.ndarray) -> np.ndarray:
    """A copy with the same steps in memory."""
    if x.flags.c_contiguous or x.flags.f_contiguous:
        return x.copy("K")
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1))
    copy = wide[..., : x.shape[-1]] if x.strides[-1] == x.itemsize else wide[..., 1::2]
    assert copy.strides == x.strides
    copy[...] = x
    return copy
