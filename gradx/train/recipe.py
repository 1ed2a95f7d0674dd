"""Recipe: a method by its name and options, as the command line gives it and a file keeps it.

The methods themselves are `gradx.optim`'s, and so are the names of their options and the defaults:
they are read from the signatures, so that they stand in one place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import gradx as gx
from gradx.errors import GradxError
from gradx.train.errors import OptionError

METHODS: Mapping[str, Callable[..., gx.optim.Method]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            gx.optim.sgd,
            gx.optim.adam,
            gx.optim.adamw,
            gx.optim.adagrad,
            gx.optim.rmsprop,
            gx.optim.lamb,
            gx.optim.lion,
        )
    }
)


@dataclass(frozen=True)
class _Schedule:
    """A schedule by name.

    Attributes:
        make: ``make(rate, steps, text)``: of the height of the rate, the number of steps of the
            whole run and what is written after the name. It raises ValueError for another form.
        form: what is written after the name.
        whole: whether it depends on the number of steps.
    """

    make: Callable[[Any, int, str], Any]
    form: str = ""
    whole: bool = False


def _bare(make: Callable[[Any, int], Any]) -> Callable[[Any, int, str], Any]:
    """A schedule with nothing after its name."""

    def made(rate: Any, steps: int, text: str) -> Any:
        if text:
            raise ValueError
        return make(rate, steps)

    return made


def _step(rate: Any, steps: int, text: str) -> Any:
    every, factor = text.split(",")
    return gx.optim.step(rate, int(every), float(factor))


def _piecewise(rate: Any, steps: int, text: str) -> Any:
    pairs = [each.split("=") for each in text.split(",")]
    factors = {int(step): float(factor) for step, factor in pairs}
    if len(factors) < len(pairs):  # a step that is named twice
        raise ValueError
    return gx.optim.piecewise(rate, factors)


SCHEDULES: Mapping[str, _Schedule] = MappingProxyType(
    {
        "constant": _Schedule(_bare(lambda rate, steps: rate)),
        "cosine": _Schedule(_bare(gx.optim.cosine), whole=True),
        "one_cycle": _Schedule(_bare(gx.optim.one_cycle), whole=True),
        "step": _Schedule(_step, "STEPS,FACTOR"),
        "piecewise": _Schedule(_piecewise, "STEP=FACTOR,…"),
    }
)
_WARMUP = "warmup"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How parameters step along a gradient, in words and numbers.

    Attributes:
        method: its name, of `METHODS`.
        rate: the learning rate at the schedule's height; None is the method's own.
        schedule: how the rate changes: a name of `SCHEDULES`, with what follows it after a colon,
            such as ``step:1000,0.5``. Before it may stand ``warmup:STEPS+``.
        clip: the largest norm of a gradient; None lets all pass.
        options: others of the method, by name.

    >>> recipe = Recipe(method="adam", schedule="cosine", options={"b2": 0.99})
    >>> recipe.check()
    >>> recipe.words
    'adam (b2 0.99), rate 0.001 (cosine)'
    """

    method: str = "sgd"
    rate: float | None = None
    schedule: str = "constant"
    clip: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot work, whatever the data.

        Raises:
            OptionError: names the option and its value, says why and what would do.
        """
        if self.method not in METHODS:
            raise OptionError(f"method {self.method!r:.40}: use one of {', '.join(METHODS)}")
        known = options_of(self.method)
        for name in self.options:
            if name not in known:
                raise OptionError(
                    f"{name.replace('_', ' ')} {self.options[name]}: {self.method} has none; "
                    + _owners(name, known)
                )
        self.build(1000)

    def build(self, steps: int) -> gx.optim.Method:
        """The method itself.

        Args:
            steps: of the whole run, which schedules that end with it count.

        Raises:
            OptionError: a value cannot work.
        """
        rate = self.height
        if not 0 < rate < float("inf"):
            raise OptionError(
                f"rate {rate}: the learning rate must be a finite number above 0, such as 0.02"
            )
        try:
            method = METHODS[self.method](self._rate(rate, steps), **self.options)
            return method if self.clip is None else gx.optim.clip_by_norm(method, self.clip)
        except GradxError as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(str(error)) from None

    def _rate(self, rate: float, steps: int) -> Any:
        rest, first = self.schedule, 0
        if rest.partition(":")[0] == _WARMUP:
            count, plus, rest = rest.partition(":")[2].partition("+")
            rest = rest if plus else "constant"
            if not count.isdecimal():
                raise self._wrong_schedule(f"{_WARMUP}:STEPS, or {_WARMUP}:STEPS+cosine")
            first = int(count)
        name, _, text = rest.partition(":")
        entry = SCHEDULES.get(name)
        if entry is None:
            raise OptionError(f"schedule {self.schedule!r:.40}: use one of {schedules_told()}")
        try:
            made = entry.make(rate, steps, text)
        except GradxError:
            raise
        except ValueError:
            raise self._wrong_schedule(f"{name}:{entry.form}" if entry.form else name) from None
        return gx.optim.warmup(made, first) if first else made

    def _wrong_schedule(self, form: str) -> OptionError:
        return OptionError(f"schedule {self.schedule!r:.40}: write {form}")

    @property
    def height(self) -> float:
        """The learning rate, the method's own if none was given."""
        return rate_of(self.method) if self.rate is None else self.rate

    @property
    def by_horizon(self) -> bool:
        """Whether the rates depend on how many steps the whole run has."""
        entry = SCHEDULES.get(self.schedule.rpartition("+")[2].partition(":")[0])
        return entry is not None and entry.whole

    @property
    def words(self) -> str:
        """What it is, in words."""
        options = ", ".join(
            name if value is True else f"{name.replace('_', ' ')} {value:g}"
            for name, value in self.options.items()
        )
        schedule = "" if self.schedule == "constant" else f" ({self.schedule})"
        clip = "" if self.clip is None else f", gradients clipped at {self.clip:g}"
        return (
            f"{self.method}{f' ({options})' if options else ''}, rate {self.height:g}{schedule}"
            f"{clip}"
        )


def options_of(method: str) -> dict[str, Any]:
    """The options of a method that are numbers or yes and no, with their defaults.

    >>> options_of("sgd")
    {'momentum': 0.0, 'nesterov': False}
    """
    found = inspect.signature(METHODS[method]).parameters
    return {
        name: parameter.default
        for name, parameter in found.items()
        if name != "rate" and isinstance(parameter.default, (bool, int, float))
    }


def rate_of(method: str) -> float:
    """The learning rate with which a method begins where none is given."""
    return float(inspect.signature(METHODS[method]).parameters["rate"].default)


def schedules_told() -> str:
    """The schedules as they are written.

    >>> schedules_told()
    'constant, cosine, one_cycle, step:STEPS,FACTOR, piecewise:STEP=FACTOR,…, warmup:STEPS, \
warmup:STEPS+any other'
    """
    names = [f"{name}:{each.form}" if each.form else name for name, each in SCHEDULES.items()]
    return ", ".join([*names, f"{_WARMUP}:STEPS", f"{_WARMUP}:STEPS+any other"])


def _owners(option: str, known: Mapping[str, Any]) -> str:
    owners = [name for name in METHODS if option in options_of(name)]
    has = f"{', '.join(owners)} ha{'s' if len(owners) == 1 else 've'} it" if owners else ""
    own = f"its options are {', '.join(known)}" if known else ""
    return "; ".join(filter(None, [own, has]))
