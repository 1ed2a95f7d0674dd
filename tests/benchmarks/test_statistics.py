"""Medians, ratios and intervals, and the tables made of them, on numbers that are given."""

import itertools
import json
import random
import xml.etree.ElementTree as ET

import pytest

from benchmarks import goals, report
from benchmarks.chart import chart
from benchmarks.statistics import CONFIDENCE, Figure, best, figure, interval_cut, ratio, seconds


def measured(operations=1, facts=None, **ways):
    rows = {name.replace("_", " "): {"seconds": list(s), "calls": 1} for name, s in ways.items()}
    return {"operations": operations, "ways": rows, "facts": facts or {}, "notes": []}


def run_of(dtype="float64", speedups=True, **workloads):
    return {
        "date": "2026-01-02T03:04:05+00:00",
        "machine": {"processor": "a chip", "cores": 2, "system": "Linux", "blas": ["openblas"]},
        "versions": {"python": "3.11"},
        "how": {"dtype": dtype, "rounds": 3, "sample": 0.01, "clock": "wall"},
        "speedups": speedups,
        "notes": [],
        "workloads": {name.replace("_", " "): each for name, each in workloads.items()},
    }


def test_a_ratio_is_taken_round_by_round():
    # A slow round slows both, and the ratio stays.
    found = ratio(measured(numpy=[1.0, 10.0, 1.0], gradx=[2.0, 20.0, 3.0]), "gradx")
    assert found == Figure(2.0, 2.0, 3.0, 2.0, 3.0)


def test_seconds_are_those_of_an_operation():
    assert seconds(measured(operations=10, numpy=[1.0, 2.0, 3.0]), "numpy").median == 0.2


def test_the_best_round_against_the_best():
    assert best(measured(numpy=[1.0, 4.0], gradx=[9.0, 2.0]), "gradx") == 2.0


@pytest.mark.parametrize("n", range(6, 40))
def test_the_interval_is_the_narrowest_that_is_sure_enough(n):
    def coverage(cut):
        # The median is inside unless at most `cut` samples lie below it, or above.
        outside = sum(_binomial(n, k) for k in range(cut + 1))
        return 1 - 2 * outside

    cut = interval_cut(n)
    assert coverage(cut) >= CONFIDENCE
    assert coverage(cut + 1) < CONFIDENCE


def _binomial(n, k):
    ways = 1
    for i in range(k):
        ways = ways * (n - i) // (i + 1)
    return ways / 2**n


def test_the_interval_holds_the_median_as_often_as_it_says():
    rng = random.Random(0)
    hits = 0
    for _ in range(2000):
        found = figure([rng.expovariate(1.0) for _ in range(21)])
        hits += found.low <= 0.6931471805599453 <= found.high
    assert 0.95 <= hits / 2000 <= 0.99  # between order statistics it is never exactly 95 %


def test_few_samples_give_their_range():
    assert figure([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0, 1.0, 3.0)


# --- Goals ----------------------------------------------------------------------------------------


def outcome(name, run):
    [found] = [each for each in goals.outcomes(run) if each.goal.name == name]
    return found


@pytest.mark.parametrize(("gradx", "reached"), [(1.0, True), (1.02, True), (1.03, False)])
def test_a_goal_is_reached_by_the_median(gradx, reached):
    run = run_of(**{"W1 eval": measured(numpy=[1.0] * 7, gradx=[gradx] * 7)})
    assert outcome("W1 eval_bp", run).reached is reached


def test_parity_is_reached_by_the_interval():
    slow = [1.0, 1.04, 1.06, 1.07, 1.07, 1.08, 1.09]
    run = run_of(**{"W4 batch 32": measured(numpy=[1.0] * 7, gradx=slow)})
    found = outcome("W4 batch 32", run)
    assert found.figure.median == 1.07
    assert found.figure.low == 1.0
    assert found.reached is True


def test_goals_are_those_of_the_c_code():
    w2 = measured(numpy=[1.0] * 7, gradx=[0.65] * 7)
    with_it = run_of(**{"W2 gradient": w2})
    without = run_of(speedups=False, **{"W2 gradient": w2})
    assert outcome("W2 gradient", without).reason == "gradx has no C code here"
    assert outcome("W2 gradient", with_it).reached is False


def test_what_was_not_run_is_told():
    assert {each.reason for each in goals.outcomes(run_of())} == {"not run"}
    no_descent = run_of(**{"W3 step": measured(numpy=[1.0] * 7, gradx=[0.7] * 7)})
    assert outcome("W3 in place", no_descent).reason == "there is no gradx in place"


def test_the_lines_of_the_goals():
    run = run_of(**{"W1 eval": measured(numpy=[1.0] * 7, gradx=[1.5] * 7)})
    lines = list(goals.lines(goals.outcomes(run)))
    assert len(lines) == len(goals.GOALS) + 1
    assert lines[1].split() == ["W1", "eval_bp", "1.50", "≤", "1.02", "MISSED"]


def test_every_goal_is_about_a_workload_that_there_is():
    from benchmarks.suite import SUITE

    assert {goal.workload for goal in goals.GOALS} <= {entry.name for entry in SUITE}


# --- Tables and chart -----------------------------------------------------------------------------


@pytest.fixture
def figures():
    ways = {"numpy": [1e-4, 1e-4, 2e-4], "gradx": [5e-5, 6e-5, 1e-4], "torch": [9e-5, 1e-4, 2e-4]}
    first = run_of(**{"W1 eval": measured(**ways), "W6 sin(float)": measured(10, **ways)})
    later = run_of(**{"W1 eval": measured(numpy=[1.0], gradx=[9.0], advect=[3.0])})
    return report.Figures([first, later, run_of("float32", **{"W1 eval": measured(**ways)})])


def test_the_first_run_counts_and_later_ones_complete_it(figures):
    assert figures.row("float64", "W1 eval", "gradx").ratio.median == 0.5
    assert figures.row("float64", "W1 eval", "advect").ratio.median == 3.0
    assert figures.row("float64", "W1 eval", "jax") is None


def test_the_main_table(figures):
    assert report.main_table(figures).splitlines()[:8] == [
        "**float64**",
        "",
        "|  | W1 eval |",
        "| --- | --- |",
        "| numpy | 1 (100 µs) |",
        "| gradx | 0.50 |",
        "| torch | 1.00 |",
        "| advect | 3.00 |",
    ]


def test_every_table_can_be_made(figures):
    for make, runs in itertools.product(report.TABLES.values(), (figures, report.Figures([]))):
        assert isinstance(make(runs), str)


def test_a_document_is_filled(figures):
    document = "before\n<!-- figures: operations -->\nold\n<!-- end -->\nafter\n"
    once = report.filled(document, figures)
    assert once.startswith("before\n<!-- figures: operations -->\n\n| µs | sin(float) |\n")
    assert once.endswith("<!-- end -->\nafter\n")
    assert "old" not in once
    assert report.filled(once, figures) == once


def test_a_document_that_asks_for_an_unknown_table(figures):
    with pytest.raises(ValueError, match="no table is named 'prices'; there are main, "):
        report.filled("<!-- figures: prices --><!-- end -->", figures)


def test_the_chart_is_a_drawing_of_every_way():
    ways = {"numpy": Figure(1, 1, 1, 1, 1), "a & b": Figure(2, 1, 3, 1, 4)}
    drawing = ET.fromstring(chart({"W1 <eval>": ways, "W9": {}}, "time"))
    titles = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["W1 <eval>, numpy: 1.00 (1.00–1.00)", "W1 <eval>, a & b: 2.00 (1.00–3.00)"]


def test_it_is_a_program(tmp_path, figures, monkeypatch):
    run, docs, svg = (tmp_path / name for name in ("run.json", "page.md", "chart.svg"))
    run.write_text(json.dumps(figures.runs[0]))
    docs.write_text("<!-- figures: how -->\n<!-- end -->\n")
    arguments = ["report", str(run), "--docs", str(docs), "--svg", str(svg)]
    monkeypatch.setattr("sys.argv", arguments)
    report.main()
    assert "* 2026-01-02: a chip, 2 cores, Linux; BLAS openblas; python 3.11." in docs.read_text()
    assert ET.parse(svg).getroot().tag.endswith("svg")
