"""`gradx report`: a page from logs, in a file or on this machine, and what stands in its way."""

import http.client
import json
import os
import re
import signal
import socket

import pytest

from gradx.report.errors import PageError
from tests.report.html import parsed
from tests.report.samples import run_log

TRAIN = ("--hidden", "4", "--batch-size", "10", "--report-every", "50", "--quiet")


@pytest.fixture
def log(tmp_path):
    return run_log(tmp_path / "run.jsonl")


@pytest.mark.parametrize("model", ["run.safetensors", "run.npz"])
def test_a_page_of_a_run_of_gradx_train(gradx, small, tmp_path, model):
    options = (*TRAIN, "--json", "run.jsonl", "--save", model)
    assert gradx("train", "--data", small, *options).returncode == 0
    last = json.loads((tmp_path / "run.jsonl").read_text().splitlines()[-1])
    done = gradx("report", "run.jsonl", "--output", "page.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Wrote page.html.\n", "")
    tree = parsed((tmp_path / "page.html").read_bytes())
    assert "run: 4 reports, 200 samples" in tree.one("header").text
    assert [h.text for h in tree.all("h2")][-2:] == ["Parameters", "Test images"]
    [wrong] = re.findall(r"([\d,]+) of 50 test images are wrong", tree.text)
    assert int(wrong) == round(50 * last["validation_error"])
    assert "layers 198 parameters" in tree.text
    rows = [row for table in tree.all("table") for row in table.rows()]
    assert ["model", "digits"] in rows
    assert ["rate", "0.02"] in rows
    assert not [node for node in tree.all() if node.attributes.get("class") == "bad"]


def test_several_logs(gradx, log, tmp_path):
    run_log(tmp_path / "other.jsonl", 3)
    assert gradx("report", "run.jsonl", "other.jsonl", "--output", "page.html").returncode == 0
    tree = parsed((tmp_path / "page.html").read_bytes())
    assert "2 runs: run, other" in tree.one("header").text


def test_an_older_page_is_replaced(gradx, log, tmp_path):
    page = tmp_path / "page.html"
    for count in (3, 4):
        run_log(log, count)
        assert gradx("report", "run.jsonl", "--output", "page.html").returncode == 0
        assert f"run</bdi>: {count} reports" in page.read_text()
    page.write_text("")
    assert gradx("report", "run.jsonl", "--output", "page.html").returncode == 0
    assert page.stat().st_size > 10_000


@pytest.mark.parametrize("name", ["run.jsonl", "./run.jsonl", "link", "notes.txt"])
def test_nothing_but_a_page_is_replaced(refused, log, tmp_path, name):
    (tmp_path / "link").symlink_to(log)
    (tmp_path / "notes.txt").write_text("mine")
    before = (tmp_path / name).read_bytes()
    shown = name.removeprefix("./")
    text = f"{shown}: is there and is no page; name another file, or remove it"
    refused(text, "report", "run.jsonl", "--output", name)
    assert (tmp_path / name).read_bytes() == before


def test_the_error_for_another_file():
    with pytest.raises(PageError, match=r"^a: is there"):
        raise PageError("a: is there and is no page")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("name one of --output FILE and --serve; see 'gradx report --help'", ()),
        (
            "name one of --output FILE and --serve; see 'gradx report --help'",
            ("--output", "page.html", "--serve"),
        ),
        (
            "--port is of --serve, which was not given; see 'gradx report --help'",
            ("--output", "page.html", "--port", "8000"),
        ),
        (
            "Invalid value for '--port': 70000 is not in the range 0<=x<=65535; see "
            "'gradx report --help'",
            ("--serve", "--port", "70000"),
        ),
        ("gone.jsonl: there is no such file; check the path", ("gone.jsonl", "--serve")),
        (
            "gone.jsonl: there is no such file; check the path",
            ("gone.jsonl", "--output", "page.html"),
        ),
        (".: is a directory; name a file in it", ("--output", ".")),
    ],
)
def test_what_is_refused(refused, log, tmp_path, text, options):
    refused(text, "report", "run.jsonl", *options)
    assert sorted(os.listdir(tmp_path)) == ["run.jsonl"]


def test_a_log_that_is_none(refused, tmp_path):
    (tmp_path / "run.jsonl").write_text("[1]\n[2]\n")
    text = "run.jsonl, line 1: is [1], not a report; give a log that `gradx train --json` wrote"
    refused(text, "report", "run.jsonl", "--output", "page.html")


def test_a_port_that_is_taken(refused, log):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f"port {port}: cannot be served on (another program uses it); name another, or 0 f"
        refused(f"{text}or any", "report", "run.jsonl", "--serve", "--port", str(port))


def test_the_page_is_served_until_ctrl_c(start, log):
    process = start("report", "run.jsonl", "--serve", "--port", "0")
    line = process.stdout.readline()
    [port] = re.findall(r"on http://127.0.0.1:(\d+)/ until Ctrl-C", line)
    for count in (12, 5):
        run_log(log, count)
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        connection.request("GET", "/")
        content = connection.getresponse().read()
        assert f"{count} reports" in parsed(content).one("header").text
        connection.close()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (130, "", "gradx: interrupted\n")
