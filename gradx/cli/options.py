"""Options: the table of those that `gradx train` takes, and what is asked for by them.

Every option is one row. Its name is that of the field of `gradx.train.Options`, or of an option of
a method; the defaults are told from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from gradx.cli.shared import device_option
from gradx.parallel import BLOCKS
from gradx.train import OptionError, Options
from gradx.train.options import DTYPES
from gradx.train.recipe import METHODS, options_of, rate_of, schedules_told

F = TypeVar("F", bound=Callable[..., Any])

# --- Those of the run: what it reads and what it writes -----------------------------------------

_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="IDX files of your own, compressed or not: their directory. With MODEL.py: what its "
    "data(path) is given.  [default: the MNIST that gradx ships]",
)
_OUTPUTS = (
    click.option(
        "--save",
        "save_to",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the model here after each epoch, and when stopped.",
    ),
    click.option(
        "--load",
        "load_from",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Go on from this model, with its options unless you give others.",
    ),
    click.option(
        "--json",
        "json_to",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write each report here as a line of JSON; with --load, after the lines there are.",
    ),
    click.option(
        "--parallel",
        is_flag=True,
        help="Share each batch with the other processes that mpiexec started.",
    ),
    click.option("--plot", is_flag=True, help="Draw the curves in text at the end."),
    click.option("--quiet", is_flag=True, help="Print nothing but errors."),
)

# --- Those of training: fields of `Options` -----------------------------------------------------


def _default(name: str) -> str:
    """The default of a field, and that for programs where it is another."""

    def told(options: Options) -> str:
        value = getattr(options, name)
        if name == "rate":
            value = options.recipe.height
        if name == "report_every" and value is None:
            return "one an epoch"
        if name == "dtype" and value is None:
            return "as they are"
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    one, other = told(Options()), told(Options.of_programs())
    if name == "rate":
        other = "the method's own"
    return f"  [default: {one}{'' if other in (one, '') else f'; with MODEL.py {other}'}]"


def _rates() -> str:
    return ", ".join(f"{name} {rate_of(name):g}" for name in METHODS)


_TRAINING = (
    click.option(
        "--method",
        type=click.Choice(list(METHODS)),
        help=f"How the parameters step along the gradient.{_default('method')}",
    ),
    click.option(
        "--rate",
        type=float,
        metavar="X",
        help=f"Learning rate.{_default('rate')} Of its own each method has: {_rates()}.",
    ),
    click.option(
        "--schedule",
        metavar="NAME",
        help=f"How the rate changes: {schedules_told()}.{_default('schedule')}",
    ),
    click.option("--clip", type=float, metavar="X", help="The largest norm of a gradient."),
    click.option(
        "--batch-size",
        type=int,
        metavar="N",
        help=f"Samples a step.{_default('batch_size')}",
    ),
    click.option(
        "--epochs",
        type=int,
        metavar="N",
        help=f"Passes over the data in all.{_default('epochs')}",
    ),
    click.option(
        "--seed",
        type=int,
        metavar="N",
        help=f"The same seed gives the same result, bit for bit.{_default('seed')}",
    ),
    click.option(
        "--dtype", type=click.Choice(list(DTYPES)), help=f"Of all numbers.{_default('dtype')}"
    ),
    click.option(
        "--hidden",
        type=int,
        multiple=True,
        metavar="N",
        help="Units of a hidden layer; repeat it for more layers. Not with MODEL.py."
        f"{_default('hidden')}",
    ),
    click.option(
        "--report-every",
        "--eval-every",
        "report_every",
        type=int,
        metavar="N",
        help=f"Samples between reports, which measure on the test data.{_default('report_every')}",
    ),
    click.option(
        "--patience",
        type=int,
        metavar="N",
        help="End after N reports in a row without a better loss, of the test data or else of the "
        "training data; the best model is kept.",
    ),
    click.option(
        "--deterministic",
        "blocks",
        flag_value=BLOCKS,
        type=int,
        help=f"Compute each batch in {BLOCKS} blocks, so that any number of processes gives the "
        "same result, bit for bit.",
    ),
)

# --- Those of a method --------------------------------------------------------------------------

_MEANING: Mapping[str, str] = MappingProxyType(
    {
        "momentum": "How much of the last step stays",
        "nesterov": "Look ahead along the momentum",
        "b1": "How much of the mean gradient stays",
        "b2": "How much of the mean square stays",
        "eps": "What keeps the root of the mean square from being zero",
        "decay": "How much of the mean square stays",
        "weight_decay": "How much the parameters shrink, times the rate",
    }
)


def method_options() -> list[str]:
    """The names of all options of methods, in the order of the methods."""
    return list(dict.fromkeys(name for method in METHODS for name in options_of(method)))


def _of_method(name: str) -> Any:
    owners = {method: options_of(method)[name] for method in METHODS if name in options_of(method)}
    flag = f"--{name.replace('_', '-')}"
    told = f"{_MEANING[name]}; of {', '.join(owners)}."
    if isinstance(next(iter(owners.values())), bool):
        return click.option(flag, name, is_flag=True, default=None, help=told)
    values = {f"{value:g}" for value in owners.values()}
    default = f"  [default: {values.pop()}]" if len(values) == 1 else ""
    return click.option(flag, name, type=float, metavar="X", help=told + default)


def train_options(command: F) -> F:
    """Give a command all the options of `gradx train`."""
    methods = [_of_method(name) for name in method_options()]
    first, *rest = _TRAINING  # what belongs to the method stands after its name
    table = [device_option, _DATA, first, *rest[:3], *methods, *rest[3:], *_OUTPUTS]
    for option in reversed(table):
        command = option(command)
    return command


def wanted_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for, as fields of `Options`.

    Args:
        given: what click gave for each option; None or () where it was left out.
    """
    names = method_options()
    asked = {name: value for name, value in given.items() if value not in (None, ())}
    wanted = {name: value for name, value in asked.items() if name not in names}
    of_method = {name: value for name, value in asked.items() if name in names}
    return {**wanted, "of_method": of_method} if of_method else wanted


def refuse_hidden(program: str, wanted: Mapping[str, Any]) -> None:
    """Refuse an option that a model of one's own has no use for.

    Raises:
        OptionError: it was given.
    """
    if "hidden" in wanted:
        raise OptionError(
            f"hidden {' '.join(map(str, wanted['hidden']))}: {program} has a model of its own; "
            "leave the option out, or leave MODEL.py out for a network of such layers"
        )
