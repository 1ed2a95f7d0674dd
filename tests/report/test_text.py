"""Curves in text: what they show, that they fit the terminal, and what they do with odd values."""

import io
import math

import numpy as np
import pytest

from gradx.report.scales import Scale, as_text, scale_of
from gradx.report.series import Series
from gradx.report.text import can_show_blocks, curves

FALLING = [(x, 0.9 * 0.5 ** (x / 15_000)) for x in range(0, 60_001, 5000)]
HIGHER = [(x, y + 0.05) for x, y in FALLING]


def test_the_curves_of_a_run():
    text = curves({"training": FALLING, "validation": HIGHER}, 60, 12, title="loss")
    assert text.splitlines() == [
        "loss:  ▀▀▀▀ training 0.05625  ▀▀   validation 0.1063",
        "    │█▄",
        "0.8 ┤ ▀▙▄▄▖",
        "    │   ▝▀█▄▖▄",
        "0.6 ┤       ▀▜█▄ ▄",
        "    │          ▝▀▜█▄▖▄▄",
        "0.4 ┤               ▀▀▀▙▄█▙  ▄",
        "0.2 ┤                     ▀▀▀▀█▄▄██▖ ▄▄  ▖",
        "    │                              ▀▀▀▀▀▀▜█▄▄██▄▄██▄▖▄▄  ▄▄",
        "  0 ┤                                               ▀▀▀▀▀▀▀▀",
        "    └┬─────────────────┬─────────────────┬─────────────────┬",
        "     0              20,000            40,000  60,000 samples",
    ]


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize("width", [1, 20, 33, 80, 200])
@pytest.mark.parametrize("height", [1, 5, 14, 40])
def test_no_line_is_longer_than_the_terminal(width, height, blocks):
    text = curves({"training": FALLING, "b" * 99: HIGHER}, width, height, title="x", blocks=blocks)
    lines = text.splitlines()
    assert max(map(len, lines)) <= max(width, 20)
    if width >= 80:
        assert len(lines) == max(5, height)
    assert text.isascii() or blocks


def test_each_curve_is_where_its_values_are():
    """A rising line goes from corner to corner, through the middle."""
    _, *lines, axis, _ = curves({"line": [(0, 0), (39, 19)]}, 44, 22, blocks=False).splitlines()
    margin = max(line.rfind("|") for line in lines) + 1
    columns = [(line.index("*", margin) + line.rindex("*")) / 2 - margin for line in lines]
    assert len(lines) == 19
    assert np.allclose(columns, np.linspace(len(axis) - margin - 1, 0, 19), atol=1.2)


def test_a_peak_of_one_point_among_many_is_seen():
    points = [(i, 5.0 if i == 70_001 else 1.0) for i in range(100_000)]
    lines = curves({"a": points}, 60, 12, blocks=False).splitlines()
    assert "*" in lines[1].partition("|")[2] + lines[1].partition("+")[2]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_gaps(bad):
    text = curves({"a": [(0, 1), (1, bad), (2, bad), (3, 1)]}, 43, 6, blocks=False)
    row = next(line for line in text.splitlines()[1:] if "*" in line)
    assert row.count("*") == 2


@pytest.mark.parametrize("points", [[], [(0, math.nan)], [(math.nan, 1.0)]])
def test_nothing_to_draw(points):
    assert curves({"a": points}, title="loss") == "loss: nothing to draw yet"
    assert curves({"a": points}) == "nothing to draw yet"
    assert curves({}) == "nothing to draw yet"


@pytest.mark.parametrize(
    "values",
    [
        (0.02, 0.02, 0.02),
        (0.0, 0.0),
        (-1e308, 1e308),
        (1e308, 1.7e308),
        (5e-324, 1e-323),
        (-3.0, -3.0000001),
        (1e-300, 1.0, 1e300),
        (7.0,),
    ],
)
def test_ranges_of_every_size(values):
    text = curves({"a": list(enumerate(values))}, 60, 12, blocks=False)
    assert "*" in "".join(text.splitlines()[1:])
    assert "nan" not in text


def test_far_apart_values_get_a_logarithmic_scale():
    text = curves({"a": [(0, 1), (1, 1e-3), (2, 1e-6)]}, title="loss")
    assert text.startswith("loss (logarithmic):  ▀▀▀▀ a 1e-06\n")
    for name in ("1e-4 ┤", "0.01 ┤"):
        assert name in text


def test_names_do_not_steer_the_terminal():
    text = curves({"\x1b[2Jmetric\n": FALLING}, title="\x07", across="\x9b")
    assert "?[2Jmetric?" in text
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("encoding", "can"), [("utf-8", True), ("ascii", False), ("latin-1", False), ("cp1252", False)]
)
def test_a_stream_that_has_no_blocks(encoding, can):
    assert can_show_blocks(io.TextIOWrapper(io.BytesIO(), encoding)) is can
    assert not can_show_blocks(None)


def test_ticks_are_round_and_inside():
    rng = np.random.default_rng(0)
    for _ in range(300):
        low, high = np.sort(rng.normal(size=2) * 10.0 ** rng.integers(-12, 12)).tolist()
        scale = scale_of(np.array([low, high]))
        values = scale.ticks(5)
        assert 2 <= len(values) <= 8
        assert scale.low - 1e-9 * abs(low) <= values[0]
        assert values[-1] <= scale.high + 1e-9 * abs(high)
        names = as_text(values)
        assert len(set(names)) == len(names)
        for name, value in zip(names, values, strict=True):
            assert float(name.replace(",", "")) == pytest.approx(value, rel=1e-2, abs=1e-12)


def test_a_logarithmic_scale_by_factors():
    scale = Scale(1e-3, 1e3, True)
    assert np.allclose(scale.at(np.array([1e-3, 1.0, 1e3])), [0, 0.5, 1])
    assert scale.ticks(4) == [1e-3, 1e-1, 1e1, 1e3]


def test_thinning_keeps_ends_extremes_and_gaps(rng):
    ys = rng.normal(size=10_000)
    ys[[17, 5000]] = 9.0, -9.0
    ys[7777] = np.nan
    few = Series("a", np.arange(10_000.0), ys).thinned(400)
    assert len(few.ys) <= 510
    assert {0.0, 17.0, 5000.0, 7777.0, 9999.0} <= set(few.xs.tolist())
    assert np.array_equal(few.ys, ys[few.xs.astype(int)], equal_nan=True)
    assert np.all(np.diff(few.xs) > 0)
