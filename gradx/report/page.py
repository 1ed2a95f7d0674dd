"""Page: a whole report as one file that needs nothing else, neither a script nor a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradx._version import __version__
from gradx.debugging.markup import Markup, element, joined
from gradx.report.charts import Curve, chart
from gradx.report.checkpoints import Parameters, parameters_of
from gradx.report.digits import MODEL, confusion, digits_net, look, worst
from gradx.report.logs import Run
from gradx.report.overview import notes, results, settings, times
from gradx.report.parameters import tree
from gradx.report.style import POLICY, STYLE
from gradx.report.words import duration, number

__all__ = ["page", "trouble"]

_MOST_CHARTS = 40
_PARTS = ("training", "validation")


def page(runs: Sequence[Run], made: str) -> bytes:
    """The report of one run or several.

    Args:
        runs: one or more; see `gradx.report.logs.read_logs`.
        made: when the report was made, in words.

    Returns:
        A file of HTML.
    """
    sections = {
        "Results": [
            *_told(runs),
            element("div", *_facts(results(runs), times(runs)), class_="columns"),
        ],
        "Curves": [element("div", *_curves(runs), *_speeds(runs), class_="charts")],
        "Settings": _facts(settings(runs)),
        **_of_checkpoints(runs),
    }
    names = ", ".join(run.name for run in runs)
    body = [
        element("a", "Skip to the report", href="#report", class_="skip"),
        element("header", element("h1", "Training report"), _lead(runs), _contents(sections)),
        element(
            "main",
            *(_section(i, name, parts) for i, (name, parts) in enumerate(sections.items())),
            id="report",
        ),
        _footer(runs, made),
    ]
    return _document(f"{names} – gradx report", body)


def trouble(text: str) -> bytes:
    """A page that says why there is no report.

    Args:
        text: the reason.
    """
    return _document(
        "No report – gradx report",
        [element("main", element("h1", "No report"), element("p", text, class_="bad"))],
    )


def _document(title: str, body: Sequence[Markup]) -> bytes:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    whole = element("html", head, element("body", *body), lang="en")
    return joined(Markup("<!doctype html>\n"), whole, "\n").encode()


def _section(number: int, name: str, parts: Sequence[Markup]) -> Markup:
    heading = element("h2", name, id=f"part-{number}")
    return element("section", heading, *parts, aria_labelledby=f"part-{number}")


def _contents(names: Iterator[str] | dict[str, list[Markup]]) -> Markup:
    links = [element("li", element("a", name, href=f"#part-{i}")) for i, name in enumerate(names)]
    return element("nav", element("ul", *links), aria_label="Contents")


def _lead(runs: Sequence[Run]) -> Markup:
    """What this is, in one line."""
    if len(runs) > 1:
        names = [joined(", " if i else "", element("bdi", run.name)) for i, run in enumerate(runs)]
        return element("p", f"{len(runs)} runs: ", *names, class_="lead")
    [run] = runs
    count = f": {len(run):,} report{'' if len(run) == 1 else 's'}"
    if len(run) and run.across != "reports":
        count += f", {number(float(run.places(run.across)[-1]))} {run.across}"
    if "seconds" in run.columns:
        count += f" in {duration(float(run.elapsed[-1]))}"
    return element("p", element("bdi", run.name), count, class_="lead")


def _facts(*tables: Markup) -> list[Markup]:
    return [element("div", each, class_="card facts") for each in tables]


def _told(runs: Sequence[Run]) -> list[Markup]:
    items = list(notes(runs))
    return [element("ul", *items, class_="note")] if items else []


def _curves(runs: Sequence[Run]) -> Iterator[Markup]:
    """A chart of each measure over the training, then one of the rate."""
    across = _common(runs)
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    for i, name in enumerate(metrics[:_MOST_CHARTS]):
        keys = [f"{part}_{name}" for part in _PARTS]
        yield chart(f"measure-{i}", name.capitalize(), _drawn(runs, keys, across), across)
    if len(metrics) > _MOST_CHARTS:
        yield element("p", f"And {len(metrics) - _MOST_CHARTS:,} more metrics.", class_="note")
    if any("rate" in run.columns for run in runs):
        drawn = _drawn(runs, ["rate"], across)
        yield chart("rate", "Rate", drawn, across, "learning rate", zero=True)
    if not metrics:
        yield element("p", "There are no reports yet.", class_="note")


def _common(runs: Sequence[Run]) -> str:
    """What all runs can be compared by."""
    kinds = {run.across for run in runs if len(run)}
    if len(kinds) == 1:
        return kinds.pop()
    shared = all("step" in run.columns for run in runs if len(run))
    return "steps" if shared and kinds else "reports"


def _drawn(runs: Sequence[Run], keys: Sequence[str], across: str) -> list[Curve]:
    """The curves of some keys; runs have their colours, validation is dashed."""
    found = []
    for i, run in enumerate(runs):
        for j, key in enumerate(keys):
            if key not in run.columns or not np.isfinite(run.places(across)).all():
                continue
            part = key.partition("_")[0]
            name = part if len(runs) == 1 else run.name if len(keys) == 1 else f"{run.name}, {part}"
            series = run.series(key, name)._replace(xs=run.places(across))
            found.append(Curve(series, i if len(runs) > 1 else j, dashed=j > 0))
    return found


def _speeds(runs: Sequence[Run]) -> Iterator[Markup]:
    """How fast the runs were, and with several what they learned in their time."""
    across = _common(runs)
    speeds = []
    for i, run in enumerate(runs):
        if "seconds" in run.columns and "points" in run.columns:
            name = run.name if len(runs) > 1 else "samples a second"
            series = run.series("points", name)._replace(xs=run.places(across), ys=run.speed)
            speeds.append(Curve(series, i))
    if speeds:
        yield chart("speed", "Speed", speeds, across, "samples a second", zero=True)
    if sum("seconds" in run.columns for run in runs) > 1:
        keys = [f"{part}_loss" for part in _PARTS]
        yield chart(
            "loss-by-time", "Loss by time", _drawn(runs, keys, "seconds"), "seconds", "loss"
        )


def _of_checkpoints(runs: Sequence[Run]) -> dict[str, list[Markup]]:
    """The parameters that the runs left, and for networks of digits what they see."""
    shown: list[Markup] = []
    seen: list[Markup] = []
    for i, run in enumerate(runs):
        found = parameters_of(run)
        heading = element("h3", element("bdi", run.name))
        if isinstance(found, str):
            shown.append(element("div", heading, element("p", found), class_="card"))
            continue
        doubts = [element("p", doubt, class_="bad") for doubt in found.doubts]
        file = element("p", "from ", element("bdi", str(found.path)), class_="note")
        parts = [heading, file, *doubts, tree(f"parameters-{i}", found.tensors)]
        shown.append(element("div", *parts, class_="card"))
        seen += _digits(run, found, heading)
    sections = {"Parameters": shown}
    return {**sections, "Test images": seen} if seen else sections


def _digits(run: Run, found: Parameters, heading: Markup) -> list[Markup]:
    """What a network of `gradx train` sees; nothing of other models."""
    net, data = digits_net(found.tensors), run.header.get("data")
    if run.header.get("model") != MODEL or net is None or not isinstance(data, str):
        return []
    seen = look(net, data, found.about.get("data"))
    if isinstance(seen, str):
        return [element("div", heading, element("p", seen), class_="card")]
    errors = element("h3", "Worst errors of ", element("bdi", run.name))
    parts = ((heading, confusion(seen)), (errors, worst(seen)))
    return [element("div", *(element("div", *p, class_="card") for p in parts), class_="columns")]


def _footer(runs: Sequence[Run], made: str) -> Markup:
    paths = [joined(", " if i else "", element("bdi", str(r.path))) for i, r in enumerate(runs)]
    said = element("p", f"Made by gradx {__version__}, {made}, from ", *paths, ".", class_="note")
    return element("footer", said)
