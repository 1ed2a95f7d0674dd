"""Logs: what is read, what is forgiven, and what is refused with the file and the line."""

import json
import math

import numpy as np
import pytest

from gradx.report.errors import LogError, ReportError
from gradx.report.logs import read_log, read_logs
from tests.report.samples import HEADER, report, run_log, write_log


@pytest.fixture
def log(tmp_path):
    return tmp_path / "run.jsonl"


def test_a_run(log):
    run = read_log(run_log(log))
    assert (run.name, len(run), run.header, run.metrics) == ("run", 12, HEADER, ["loss", "error"])
    assert run.across == "samples"
    assert run.places("samples").tolist() == [100.0 * i for i in range(1, 13)]
    assert run.places("steps").tolist() == [10.0 * i for i in range(1, 13)]
    assert run.column("training_loss").tolist() == [2 / i for i in range(1, 13)]
    assert np.allclose(run.speed, 400)
    assert (run.starts, run.redone, run.broken) == ((0,), 0, 0)


def test_a_log_of_todays_gradx_without_a_header(log):
    old = {key: value for key, value in report(1).items() if key not in ("step", "rate")}
    run = read_log(write_log(log, old, {**old, "batch": 2, "seconds": 0.5}))
    assert (len(run), run.headers, run.header) == (2, (), {})
    assert np.isnan(run.column("rate")).all()


@pytest.mark.parametrize("text", ["", "\n\n", json.dumps(HEADER) + "\n"])
def test_a_run_that_has_no_report_yet(log, text):
    log.write_text(text)
    run = read_log(log)
    assert (len(run), run.metrics, run.elapsed.tolist()) == (0, [], [])


@pytest.mark.parametrize("length", range(1, 200, 13))
def test_a_last_line_that_is_half_written(log, length):
    half = json.dumps(report(3))[:length]
    run = read_log(write_log(log, HEADER, report(1), report(2), half, end=""))
    assert (len(run), run.broken) == (2, 1)


def test_a_last_line_that_lacks_only_its_end(log):
    assert len(read_log(write_log(log, HEADER, report(1), report(2), end=""))) == 2


def test_a_line_that_a_killed_session_left_before_the_next_header(log):
    half = json.dumps(report(3))[:40]
    run = read_log(
        write_log(log, HEADER, report(1), report(2), half + json.dumps(HEADER), report(3))
    )
    assert (len(run), run.broken, len(run.headers), run.starts) == (3, 1, 2, (0, 2))


def test_a_run_that_went_on(log):
    later = [report(i, seconds=0.25 * (i - 2)) for i in (3, 4)]
    for lines in ([HEADER, report(1), report(2), HEADER, *later], [report(1), report(2), *later]):
        run = read_log(write_log(log, *lines))
        assert (len(run), run.starts, run.redone) == (4, (0, 2), 0)
        assert run.elapsed.tolist() == [0.25, 0.5, 0.75, 1.0]
        assert run.places("samples").tolist() == [100, 200, 300, 400]
        assert np.array_equal(run.speed, [400, 400, np.nan, 400], equal_nan=True)


@pytest.mark.parametrize("without", [(), ("step",)])
def test_reports_that_were_done_again_count_once(log, without):
    """A killed run goes on from its checkpoint, which is older than its last report."""
    lines = [report(1), report(2), report(3), report(2, seconds=0.5, training_loss=7.0)]
    for line in lines:
        for key in without:
            del line[key]
    run = read_log(write_log(log, HEADER, *lines[:3], HEADER, *lines[3:]))
    assert (len(run), run.redone, run.starts) == (2, 2, (0, 1))
    assert run.column("training_loss").tolist() == [2.0, 7.0]
    assert run.elapsed.tolist() == [0.25, 0.75]


def test_a_run_that_began_anew(log):
    run = read_log(write_log(log, HEADER, report(1), report(2), HEADER, report(1), report(2)))
    assert (len(run), run.redone, run.starts) == (2, 2, (0,))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"nan"', math.nan),
        ('"-inf"', -math.inf),
        ("null", math.nan),
        ("3", 3.0),
        pytest.param("1" * 400, math.inf, id="large"),
        pytest.param("-" + "1" * 400, -math.inf, id="-large"),
        ("1e999", math.inf),
    ],
)
def test_numbers_of_every_kind(log, text, value):
    line = json.dumps(report(1, training_loss=0)).replace('loss": 0,', f'loss": {text},')
    run = read_log(write_log(log, line, report(2)))
    assert np.array_equal(run.column("training_loss"), [value, 1.0], equal_nan=True)


def test_metrics_that_come_and_go(log):
    run = read_log(write_log(log, report(1), report(2, validation_recall=0.5), {"training_x": 1}))
    assert run.metrics == ["loss", "error", "recall", "x"]
    assert np.array_equal(run.column("validation_recall"), [np.nan, 0.5, np.nan], equal_nan=True)
    assert run.across == "reports"


def test_words_that_are_no_measurements_are_left_alone(log):
    assert len(read_log(write_log(log, report(1, note="the first", tags=["a"])))) == 1


def test_runs_have_names_of_their_own(tmp_path):
    (tmp_path / "a").mkdir()
    paths = [tmp_path / "run.jsonl", tmp_path / "a" / "run.jsonl", tmp_path / "other.jsonl"]
    runs = read_logs([*map(run_log, paths), paths[0]])
    assert [run.name for run in runs] == [str(paths[0]), str(paths[1]), "other"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{",
            r"line 2: is no JSON \(Expecting property name .*\); give a log that `gradx train --j",
        ),
        ("\x00", r"line 2: is no JSON"),
        ("[1, 2]", r"line 2: is \[1, 2\], not a report"),
        ("7", r"line 2: is 7, not a report"),
        pytest.param("[" * 100_000, "line 2: is no JSON .it is nested too deep", id="deep"),
        pytest.param("1" * 5000, r"line 2: is no JSON", id="digits"),
        ("{}", "line 2: is no report: it has no training_loss, and nothing else that was measured"),
        ('{"epoch": 1}', "line 2: is no report"),
        ('{"training_loss": "low"}', 'line 2: has training_loss "low", not a number'),
        ('{"training_loss": true}', "line 2: has training_loss true, not a number"),
        ('{"training_loss": 1, "step": [1]}', r"line 2: has step \[1\], not a number"),
        ('{"log": "other"}', "line 2: is of a log of 'other'"),
        (
            '{"log": "gradx", "version": 2}',
            "line 2: its log is of version 2, this gradx reads version 1; use the gradx that wrote",
        ),
    ],
)
def test_lines_that_are_refused(log, line, message):
    write_log(log, HEADER, line, report(1))
    with pytest.raises(LogError, match=message) as caught:
        read_log(log)
    assert str(caught.value).startswith(f"{log}, line 2: ")
    assert len(str(caught.value)) < len(str(log)) + 300


def test_text_that_is_not_utf_8(log):
    log.write_bytes(b'{"training_loss": 1}\n\xff\xfe\n{"training_loss": 1}\n')
    with pytest.raises(LogError, match=r"line 2: is no JSON .*can't decode"):
        read_log(log)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.jsonl", "missing.jsonl: there is no such file; check the path"),
        (".", "is a directory, not a log; name a file in it"),
        ("/dev/null", "/dev/null: is no ordinary file; give one that --json wrote"),
        ("a\0b", "cannot be read"),
    ],
)
def test_files_that_are_no_logs(tmp_path, name, message):
    with pytest.raises(ReportError, match=message):
        read_log(tmp_path / name)
