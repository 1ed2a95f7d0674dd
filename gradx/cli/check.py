"""`gradx check`: the derivatives of a function beside central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
import numpy as np

from gradx.cli.exits import DONE, WRONG
from gradx.cli.inputs import Drawing, Inputs, inputs_of, parse_shapes
from gradx.cli.programs import program_named
from gradx.errors import GradxError
from gradx.testing.differences import Point, numbers_by_path
from gradx.testing.gradients import MODES, Checked, GradientMismatchError, examine, report


@click.command("check", context_settings={"ignore_unknown_options": True})  # -2.5 is a value
@click.argument("name", metavar="MODULE:FUNCTION")
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option(
    "--order", default=2, show_default=True, metavar="N", help="How often to differentiate."
)
@click.option(
    "--modes",
    default=",".join(MODES),
    show_default=True,
    metavar="MODES",
    help="Which modes to compare, with commas between them.",
)
@click.option("--seed", default=0, show_default=True, metavar="N", help="Of all that is random.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="[PATH=]N,N",
    help="The shape of an array that is drawn, such as x=3,4 or net.w=3,4; 3,4 for all others.",
)
def command(
    name: str, values: Sequence[str], order: int, modes: str, seed: int, shapes: Sequence[str]
) -> int:
    """Compare the derivatives of a function with central differences.

    MODULE is imported, from the current folder too. Each VALUE is a number, a .npy file or a .npz
    file, for the parameters in their order or as parameter=value. What is not given is drawn as its
    annotation says: float, complex, np.ndarray, dataclasses, tuples and lists of these.

    The exit code is 0 if the derivatives are right, 1 if one is wrong, 2 for bad input.
    """
    f = _function(name)
    by_path = parse_shapes(shapes)
    inputs = _finite(f, name, values, seed, by_path)

    def of_chosen(*xs: Any) -> Any:
        return inputs.call(f, dict(zip(inputs.chosen, xs, strict=True)))

    of_chosen.__name__ = name
    xs = [inputs.values[key] for key in inputs.chosen]
    try:
        found = examine(
            of_chosen, xs, inputs.chosen, order=order, modes=modes.split(","), seed=seed
        )
    except GradientMismatchError as error:  # it gives two results
        return _tell(name, inputs, [str(error)], "wrong")
    except GradxError:
        raise
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    kinds = {mistake.kind for each in found for mistake in each.mistakes}
    if not kinds:
        return _tell(name, inputs, _rows(found), "right")
    lines = [report(of_chosen, found)]
    return _tell(name, inputs, lines, "wrong" if kinds - {"kink", "jump"} else "not smooth there")


def _function(name: str) -> Callable[..., Any]:
    try:
        f = program_named(name, "gradx check")
    except GradxError:
        raise
    except Exception as error:
        raise click.ClickException(
            f"{name} could not be imported ({type(error).__name__}: {error}); run the module by "
            "itself to see where"
        ) from None
    if not callable(f):
        raise click.ClickException(
            f"{name} is a {type(f).__name__}; name a function in a module, as in program:loss"
        )
    return f  # type: ignore[no-any-return]


def _finite(
    f: Callable[..., Any], name: str, values: Sequence[str], seed: int, shapes: Any
) -> Inputs:
    """Inputs for which the result is finite: of normal numbers or else of positive ones.

    Raises:
        ClickException: there are none, or the function fails.
    """
    for positive in (False, True):
        drawing = Drawing(np.random.default_rng(seed), shapes, positive)
        inputs = inputs_of(f, name, values, drawing)
        try:
            with np.errstate(all="ignore"):
                y = inputs.call(f, {})
        except Exception as error:
            raise click.ClickException(
                f"{name} raised {type(error).__name__}: {error}; give other values, or shapes with "
                "--shape"
            ) from None
        leaves = numbers_by_path(y).values()
        if all(np.all(np.isfinite(np.asarray(leaf, complex))) for leaf in leaves):
            return inputs
    raise click.ClickException(
        f"the result of {name} is not finite for these inputs; give values where it is"
    )


def _rows(found: Sequence[Checked]) -> list[str]:
    width = max(len(each.name) for each in found)
    return [
        f"{each.name:{width}}  {_counted(each.numbers)}, largest error {each.error:.1e}"
        for each in found
    ]


def _counted(n: int) -> str:
    return f"{n} number{'' if n == 1 else 's'}"


def _tell(name: str, inputs: Inputs, lines: Sequence[str], verdict: str) -> int:
    """The report, and the exit code."""
    click.echo(f"{name} is {verdict}")
    width = max(len(key) for key in inputs.values)
    for key, x in inputs.values.items():
        what = _counted(Point([x], [key]).size) if key in inputs.chosen else "constant"
        click.echo(f"  {key:{width}}  {inputs.origins[key]}, {what}")
    for line in lines:
        click.echo(line)
    return DONE if verdict == "right" else WRONG
