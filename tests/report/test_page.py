"""The page: that it is sound and needs nothing else, and what it shows of runs of every kind."""

import json
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gradx.report.charts import Curve, chart
from gradx.report.logs import Run, read_logs
from gradx.report.page import page, trouble
from gradx.report.series import Series
from gradx.report.words import number
from tests.report.html import parsed
from tests.report.samples import HEADER, report, run_log, write_log

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style><b onclick='x'>&amp;&lt;",
    "javascript:alert(1)//\u202e\x00\x1b[2J\ud800",
)


def made(*runs):
    return parsed(page(runs, "today"))


def page_of(*paths):
    return made(*read_logs(paths))


@pytest.fixture
def two(tmp_path):
    """The page of two runs that differ in their rate and their metrics."""
    other = {**HEADER, "settings": {**HEADER["settings"], "rate": 0.1, "clip": 1.0}}
    lines = [report(i, validation_recall=0.1 * i, step=20 * i, points=200) for i in range(1, 5)]
    first = run_log(tmp_path / "first.jsonl")
    return page_of(first, write_log(tmp_path / "second.jsonl", other, *lines))


def check_sound(tree):
    """What holds of every page."""
    nodes = list(tree.all())
    names = {node.name for node in nodes}
    assert not names & {"script", "iframe", "object", "base", "form", "input", "button"}
    identities = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    assert len(set(identities)) == len(identities)
    for node in nodes:
        assert not [key for key in node.attributes if key.startswith("on") or key == "style"]
        for key in ("href", "src"):
            assert re.match(r"#|data:(image/png;base64,|,$)", node.attributes.get(key, "#"))
        for key in ("aria-labelledby", "aria-describedby"):
            assert key not in node.attributes or node.attributes[key] in identities
        if node.attributes.get("href", "").startswith("#"):
            assert node.attributes["href"][1:] in identities
        if node.attributes.get("role") == "img" or node.name == "img":
            described = list(node.all("title")) or [node.attributes["alt"]]
            assert described[0]
    style = tree.one("style").text
    assert not re.search(r"url\(|@import|@font-face|//", style)
    levels = [int(node.name[1]) for node in tree.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert levels.count(1) == 1


def test_the_page_of_a_run(tmp_path):
    tree = page_of(run_log(tmp_path / "run.jsonl"))
    check_sound(tree)
    assert tree.one("html").attributes["lang"] == "en"
    assert tree.one("head").one("title").text == "run – gradx report"
    assert "run: 12 reports, 1,200 samples in 3 s" in tree.one("header").text
    assert [h.text for h in tree.all("h2")] == ["Results", "Curves", "Settings", "Parameters"]
    assert [h.text for h in tree.all("h3")][:4] == ["Loss", "Error", "Rate", "Speed"]
    results, times, *_ = tree.all("table")
    assert results.rows() == [
        ["Reports", "12"],
        ["Samples", "1,200"],
        ["Training loss", "0.1667"],
        ["Validation loss", "0.2083"],
        ["Smallest validation loss", "0.2083 after 1,200 samples"],
        ["Training error", "0.01667"],
        ["Validation error", "0.025"],
        ["Smallest validation error", "0.025 after 1,200 samples"],
    ]
    assert times.rows() == [
        ["Begun", "2026-11-29 11:06 UTC"],
        ["Sessions", "1"],
        ["Time in all", "3 s"],
        ["Time of a report", "0.25 s in the median"],
        ["Samples a second", "400 (400 to 400)"],
    ]


def figure(tree, title):
    return next(f for f in tree.all("figure") if next(f.all("h3")).text == title)


def test_a_picture_is_labelled_and_has_its_numbers(tmp_path):
    loss = figure(page_of(run_log(tmp_path / "run.jsonl")), "Loss")
    assert loss.one("ul").text == "training 0.1667validation 0.2083"
    picture = loss.one("svg", role="img")
    title, *_ = picture.all("title")
    assert title.text == "Loss"
    assert picture.one("desc").text == (
        "training: 12 values from 2 at 100 samples to 0.1667 at 1,200 samples; the smallest is "
        "0.1667 at 1,200, the largest 2 at 100. "
        "validation: 12 values from 2.5 at 100 samples to 0.2083 at 1,200 samples; the smallest "
        "is 0.2083 at 1,200, the largest 2.5 at 100."
    )
    texts = [text.text for text in picture.all("text")]
    assert {"Loss", "samples", "0", "0.5", "1.0", "1.5", "2.0", "2.5", "500", "1,000"} <= set(texts)
    table = loss.one("table")
    assert [cell.text for cell in table.one("thead").all("th")] == [
        "samples", "training", "validation"
    ]  # fmt: skip
    assert table.rows()[0] == ["100", "2", "2.5"]
    assert len(table.rows()) == 12
    assert {cell.attributes["scope"] for cell in table.all("th")} == {"col", "row"}


def test_the_curve_is_where_its_values_are():
    series = Series.of("a", [(0, 0), (50, 10), (100, 5)])
    drawn = parsed(chart("c", "A", [Curve(series)], "samples").encode())
    path = next(p for p in drawn.all("path") if p.attributes["class"] == "curve")
    assert path.attributes["d"] == "M0.0 1000.0L500.0 0.0 1000.0 500.0"
    dots = [p for p in drawn.all("path") if p.attributes["class"] == "dot"]
    assert [dot.attributes["d"] for dot in dots] == [
        "M0.0 1000.0h0", "M500.0 0.0h0", "M1000.0 500.0h0"
    ]  # fmt: skip
    assert dots[1].text == "a: 10 at 50 samples"


def test_two_runs_side_by_side(two):
    check_sound(two)
    legend = figure(two, "Loss").one("ul").text
    assert legend == (
        "first, training 0.1667first, validation 0.2083second, training 0.5second, validation 0.625"
    )
    assert figure(two, "Recall").one("ul").text == "second, validation 0.4"
    assert figure(two, "Loss by time").one("svg", role="img")
    [settings] = [t for t in two.all("table") if "differ first" in t.one("caption").text]
    rows = settings.rows()
    assert rows[:2] == [["ratediffers", "0.001", "0.1"], ["clipdiffers", "–", "1.0"]]
    assert ["hidden", "30, 10", "30, 10"] in rows
    assert ["patience", "none", "none"] in rows
    marked = [row for row in settings.all("tr") if row.attributes.get("class") == "differs"]
    assert len(marked) == 2


def test_what_a_later_session_changed(tmp_path):
    changed = {**HEADER, "settings": {**HEADER["settings"], "rate": 0.5}}
    tree = page_of(write_log(tmp_path / "a", HEADER, report(1), changed, report(2, seconds=0.1)))
    rows = [row for table in tree.all("table") for row in table.rows()]
    assert ["rate", "0.001, then 0.5"] in rows
    assert ["Sessions", "2"] in rows


def test_names_that_are_markup(tmp_path):
    for text in HOSTILE:
        quoted = json.loads(json.dumps(text))
        header = {
            **{key: quoted for key in ("model", "data", "device", "time", "checkpoint", "gradx")},
            "settings": {quoted: quoted, "list": [quoted, {quoted: quoted}]},
        }
        lines = [report(i, **{f"training_{quoted}": i, f"validation_{quoted}": i}) for i in (1, 2)]
        write_log(tmp_path / "run.jsonl", {**HEADER, **header}, *lines)
        [run] = read_logs([tmp_path / "run.jsonl"])
        evil = Run(quoted, Path(quoted), run.headers, run.columns, run.starts, 1, 1)
        tree = made(evil, run)
        check_sound(tree)
        assert {node.name for node in tree.all()} <= {
            *("html", "head", "meta", "link", "title", "style", "body", "a", "header", "h1", "h2"),
            *("h3", "p", "nav", "ul", "li", "main", "section", "div", "table", "caption", "thead"),
            *("tbody", "tr", "th", "td", "bdi", "span", "figure", "svg", "line", "text", "desc"),
            *("g", "path", "details", "summary", "footer", "b"),
        }
        shown = re.sub("[\x00\x1b\ud800]", "\ufffd", quoted)
        assert shown in tree.one("header").text
        assert [shown, shown, shown] in [row for t in tree.all("table") for row in t.rows()]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, "nan", 1e308, -1e308, 5e-324])
def test_values_of_every_kind(tmp_path, bad):
    lines = [report(i, training_loss=bad if i == 2 else i) for i in range(1, 5)]
    tree = page_of(write_log(tmp_path / "run.jsonl", HEADER, *lines))
    check_sound(tree)
    text = figure(tree, "Loss").text
    gap = "training: 1 of 4 values are missing or not finite, a gap each." in text
    assert gap == (not isinstance(bad, float) or not math.isfinite(bad))
    assert not re.search(
        r"\bnan\b|\binf\b", " ".join(n.attributes.get("d", "") for n in tree.all())
    )


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_reports(tmp_path, count):
    tree = page_of(run_log(tmp_path / "run.jsonl", count))
    check_sound(tree)
    assert ("it has no reports yet" in tree.text) == (count == 0)
    plots = [node for node in tree.all("svg") if node.attributes.get("class") == "frame"]
    assert len(plots) == (4 if count else 0)


def test_only_values_that_are_not_finite(tmp_path):
    lines = [report(i, training_loss=None, validation_loss=None) for i in range(1, 5)]
    tree = page_of(write_log(tmp_path / "run.jsonl", *lines))
    check_sound(tree)
    assert "There are no finite values to draw yet." in figure(tree, "Loss").text


def test_a_hundred_thousand_reports(tmp_path):
    line = json.dumps(report(1, seconds=0.0, step=0, validation_error=0.5))
    lines = [line] * 100_000
    lines[70_001] = line.replace("0.5", "0.75")
    lines[30_000] = line.replace('"validation_error": 0.5', '"validation_error": null')
    write_log(tmp_path / "run.jsonl", HEADER, *lines)
    written = page(read_logs([tmp_path / "run.jsonl"]), "today")
    assert len(written) < 400_000
    tree = parsed(written)
    check_sound(tree)
    error = figure(tree, "Error")
    assert "the largest 0.75 at 7,000,200" in error.one("desc").text
    assert "Of 100,000 points those are drawn that are seen" in error.text
    [curve] = [p for p in error.all("path") if p.parent.attributes.get("class") == "c1 dashed"]
    ys = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", curve.attributes["d"])]
    assert min(ys) == 0.0  # the peak, which one point of a hundred thousand has
    assert curve.attributes["d"].count("M") == 2  # and the gap
    table = error.one("table")
    assert len(table.rows()) == 100
    assert table.rows()[-1][0] == number(1e7)
    assert "one in 1,000 of 100,000 rows" in table.one("caption").text


def test_many_metrics_and_many_runs(tmp_path):
    many = {f"training_m{i}": i for i in range(60)}
    paths = []
    for k in range(10):
        lines = [report(i, **many) for i in (1, 2)]
        paths.append(write_log(tmp_path / f"{k}.jsonl", HEADER, *lines))
    tree = page_of(*paths)
    check_sound(tree)
    assert "And 22 more metrics." in tree.text
    assert "And 12 more; the table below has all." in figure(tree, "Loss").one("desc").text


def test_runs_that_count_differently(tmp_path):
    bare = [{"epoch": i, "step": 7 * i, "training_loss": 1 / i} for i in range(1, 4)]
    paths = [run_log(tmp_path / "a.jsonl"), write_log(tmp_path / "b.jsonl", *bare)]
    tree = page_of(*paths)
    assert "at 7 steps" in figure(tree, "Loss").one("desc").text
    for line in bare:
        del line["step"]
    write_log(paths[1], *bare)
    assert "at 3 reports" in figure(page_of(*paths), "Loss").one("desc").text


def test_what_the_logs_lack_is_said(tmp_path):
    lines = [report(1), report(2), report(2, seconds=0.1), '{"training_l']
    tree = page_of(write_log(tmp_path / "run.jsonl", *lines, end=""))
    assert (
        "run: its log has no header, so its settings are not known; 1 report was done again by a "
        "later session, and counted once; 1 line was left half written, and not read."
    ) in tree.text


def test_a_page_of_trouble():
    tree = parsed(trouble("run.jsonl, line 7: <b>"))
    check_sound(tree)
    assert tree.one("main").text == "No reportrun.jsonl, line 7: <b>"


def test_a_method_without_a_rate(tmp_path):
    lines = [report(i, rate=None) for i in (1, 2)]
    tree = page_of(write_log(tmp_path / "run.jsonl", *lines))
    assert "Rate" not in [h.text for h in tree.all("h3")]


def test_colours_stay_with_their_runs(tmp_path):
    paths = [run_log(tmp_path / f"{name}.jsonl", 3) for name in "abc"]
    bare = [{"training_loss": 1.0, "points": 100}, {"training_loss": 0.5, "points": 100}]
    write_log(paths[1], *bare)
    tree = page_of(*paths)
    for title in ("Loss", "Rate", "Speed", "Loss by time"):
        drawn = figure(tree, title).one("ul")
        colours = {
            item.text[0]: next(item.all("svg")).attributes["class"].split()[0]
            for item in drawn.all("li")
        }
        assert colours == {"a": "c0", "c": "c2", **({"b": "c1"} if title == "Loss" else {})}


@pytest.mark.parametrize("count", [3, 40, 200])
def test_points_between_gaps_are_seen(count):
    ys = np.where(np.arange(count) % 2, np.nan, 1.0)
    series = Series("a", np.arange(float(count)), ys)
    drawn = parsed(chart("c", "A", [Curve(series, dashed=True)], "samples").encode())
    dots = [p for p in drawn.all("path") if p.attributes["class"] == "dot"]
    assert len(dots) == (count + 1) // 2


def test_equal_logs_give_equal_pages(tmp_path):
    runs = read_logs([run_log(tmp_path / "run.jsonl")])
    assert page(runs, "today") == page(runs, "today")
