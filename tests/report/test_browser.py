"""The page in a real browser: on a phone and on a desk, light and dark, by keyboard and by ear."""

import json
import threading
from itertools import pairwise

import pytest

from gradx.files.formats import write_arrays
from gradx.report.logs import read_logs
from gradx.report.page import page, trouble
from gradx.report.serving import PageServer
from tests.mnist.idx_files import write_dataset
from tests.report.browser import CHROMIUM, Browser
from tests.report.samples import HEADER, report, run_log, write_log
from tests.report.test_digits import tensors_of

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium here; on Debian: apt install chromium"
)

WIDTHS = (320, 360, 768, 1280)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files of pages: of one run with all there is to show, of several, and of odd ones."""
    folder = tmp_path_factory.mktemp("pages")
    data = write_dataset(folder)
    write_arrays(folder / "net.npz", tensors_of(36, 5, 10), "{}")
    about = {"model": "digits", "data": str(data), "parameters": 245}
    run_log(folder / "one.jsonl", checkpoint="net.npz", **about)
    other = {**HEADER, "settings": {**HEADER["settings"], "rate": 0.1}, "model": "x" * 300}
    lines = [report(i, **{"validation_" + "long" * 40: i}, step=10**9 * i) for i in range(1, 80)]
    write_log(folder / "a name of some length, with the date 2026-11-29.jsonl", other, *lines)
    write_log(folder / "bare.jsonl", *(report(i, training_loss=10.0**-i) for i in range(1, 9)))
    run_log(folder / "empty.jsonl", 0)
    logs = sorted(folder.glob("*.jsonl"))
    runs = {
        "one": page(read_logs([folder / "one.jsonl"]), "today"),
        "several": page(read_logs(logs), "today"),
        "empty": page(read_logs([folder / "empty.jsonl"]), "today"),
        "trouble": trouble("run.jsonl, line 7: " + "is no JSON " * 20),
    }
    for name, content in runs.items():
        (folder / f"{name}.html").write_bytes(content)
    return {name: f"file://{folder}/{name}.html" for name in runs}


PAGES = ("one", "several", "empty", "trouble")

SMALL_PRINT = """
[...document.querySelectorAll("body *")].filter(e => e.checkVisibility()).flatMap(e =>
  [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    && parseFloat(getComputedStyle(e).fontSize) < 10.5 ? [e.outerHTML.slice(0, 80)] : [])
"""

FAINT = """
(() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const brightness = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
      if (a > 0) throw "half transparent";
    }
  };
  const contrast = (a, b) => {
    const [low, high] = [brightness(a), brightness(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  let texts = 0, lines = 0;
  for (const e of document.querySelectorAll("body *")) {
    const style = getComputedStyle(e);
    if (!e.checkVisibility() || e.closest(".unseen, .skip")) continue;
    if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
      if (e.closest("title, desc")) continue;
      texts += 1;
      const ink = e.closest("svg") ? style.fill : style.color;
      const much = contrast(numbers(ink), behind(e.closest("svg")?.parentElement ?? e));
      if (much < 4.5) found.push([much, e.outerHTML.slice(0, 80)]);
    }
    if (e.matches(".curve, .dot:not(.shy), .histogram")) {
      lines += 1;
      const ink = e.matches(".histogram") ? style.fill : style.stroke;
      const much = contrast(numbers(ink), behind(e.closest("div, li")));
      if (much < 3) found.push([much, e.outerHTML.slice(0, 80)]);
    }
  }
  return {found, texts, lines};
})()
"""

OVERLAPPING = """
[...document.querySelectorAll("svg.frame")].flatMap(svg => {
  const boxes = [...svg.querySelectorAll("text")]
    .map(t => [t.getBoundingClientRect(), t.textContent]);
  return boxes.flatMap(([a, x], i) => boxes.slice(i + 1).flatMap(([b, y]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3
      ? [`${x} over ${y}`] : []));
})
"""

OUTSIDE = """
[...document.querySelectorAll("body *")].filter(e => {
    const {left, right, width} = e.getBoundingClientRect();
    return e.checkVisibility() && !e.closest(".wide, .skip, .unseen") && width
      && (right > document.documentElement.clientWidth + 0.5 || left < -0.5);
  }).map(e => e.outerHTML.slice(0, 80))
"""


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_read(browser, pages, name, scheme, width):
    browser.open(pages[name], width, scheme=scheme)
    assert browser.complaints() == []
    assert {address.partition(":")[0] for address in browser.requests()} <= {"file", "data"}
    assert len([address for address in browser.requests() if address.startswith("file")]) == 1
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.value(OUTSIDE) == []
    assert browser.value(SMALL_PRINT) == []
    assert browser.value(OVERLAPPING) == []
    seen = browser.value(FAINT)
    assert seen["found"] == []
    assert seen["texts"] >= 2
    assert (seen["lines"] > 4) == (name in ("one", "several"))


@pytest.mark.parametrize(
    ("right", "wrong", "look"),
    [
        ("--soft: #545d66", "--soft: #949da6", f"{FAINT}.found"),
        ("--c1: #b4540a", "--c1: #f4a45a", f"{FAINT}.found"),
        (
            ".note { color: var(--soft); font-size: 0.875rem",
            ".note { font-size: 0.5rem",
            SMALL_PRINT,
        ),
        ("font-size: 0.75rem; font-variant", "font-size: 4rem; font-variant", OVERLAPPING),
        ("h3 { font-size: 1rem;", "h3 { font-size: 1rem; width: 40rem;", OUTSIDE),
    ],
    ids=["faint text", "faint curve", "small print", "overlapping", "outside"],
)
def test_a_style_that_is_wrong_is_found(browser, tmp_path, right, wrong, look):
    """The tester, tested."""
    content = page(read_logs([run_log(tmp_path / "run.jsonl")]), "today").decode()
    assert content.count(right) == 1
    content = content.replace(right, wrong).replace("Content-Security-Policy", "nothing")
    (tmp_path / "run.html").write_text(content)
    browser.open(f"file://{tmp_path}/run.html", 360)
    assert browser.value(look) != []


def test_light_and_dark_differ(browser, pages):
    papers = []
    for scheme in SCHEMES:
        browser.open(pages["one"], scheme=scheme)
        papers.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(247, 247, 245)", "rgb(21, 24, 27)"]


def test_the_curves_fill_their_frame(browser, pages):
    for width in (360, 1280):
        browser.open(pages["one"], width)
        boxes = browser.value(
            "[...document.querySelectorAll('svg.frame')].map(f => [f, f.querySelector('.curve')]"
            ".map(e => e.getBoundingClientRect()).map(b => [b.width, b.height]))"
        )
        assert len(boxes) == 4
        for (wide, high), (curve_wide, curve_high) in boxes:
            assert wide > 200
            assert 150 < high < 300
            assert 0.8 < curve_wide / wide <= 1.02
            assert curve_high <= high + 3


REACHED = """
(() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  return {what: e.localName, text: e.textContent.slice(0, 40), outline: style.outlineStyle,
    thick: parseFloat(style.outlineWidth), seen: box.left >= 0 && box.width > 0};
})()
"""


def test_by_keyboard(browser, pages):
    browser.open(pages["one"], 360)
    reached = []
    for _ in range(60):
        browser.press("Tab")
        reached.append(browser.value(REACHED))
        if reached[-1]["what"] == "body":
            break
    names = [stop["text"] for stop in reached[:-1]]
    links = ["Skip to the report", "Results", "Curves", "Settings", "Parameters", "Test images"]
    assert names[:6] == links
    assert [name for name in names if name.startswith("Numbers of")] == [
        f"Numbers of {title}" for title in ("Loss", "Error", "Rate", "Speed")
    ]
    assert names.index("Numbers of Loss") < names.index("Numbers of Speed")
    for stop in reached[:-1]:
        assert (stop["outline"], stop["thick"], stop["seen"]) == ("solid", 3, True), stop


def test_the_first_link_skips_what_stands_before_the_report(browser, pages):
    browser.open(pages["one"], 360)
    browser.press("Tab")
    browser.press("Enter")
    assert browser.value("location.hash") == "#report"


def test_the_numbers_open_by_keyboard(browser, pages):
    browser.open(pages["one"], 360)
    opened = "document.querySelector('.chart details').open"
    browser.value("document.querySelector('.chart summary').focus()")
    assert not browser.value(opened)
    browser.press("Enter")
    assert browser.value(opened)
    assert browser.value("document.documentElement.scrollWidth") == 360
    tables = [node for node in browser.accessible() if node["role"] == "table"]
    assert "Loss" in [table["name"] for table in tables]


def test_by_ear(browser, pages):
    for name in PAGES:
        browser.open(pages[name])
        nodes = browser.accessible()
        pictures = [node for node in nodes if node["role"] in ("image", "img", "graphics-document")]
        assert all(picture["name"] for picture in pictures)
        levels = [node["level"] for node in nodes if node["role"] == "heading"]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
        assert [node["role"] for node in nodes].count("main") == 1
    browser.open(pages["one"])
    nodes = browser.accessible()
    roles = [node["role"] for node in nodes]
    assert {"banner", "navigation", "contentinfo", "region", "figure"} <= set(roles)
    pictures = {node["name"]: node["description"] for node in nodes if node["role"] == "image"}
    assert pictures["Loss"].startswith("training: 12 values from 2 at 100 samples")
    assert pictures["Histogram of layers.0.weights"].startswith("180 numbers, ")
    assert any(name.startswith("Test image ") for name in pictures)
    assert roles.count("image") >= 4 + 4 + 20
    heads = [node["name"] for node in nodes if node["role"] == "rowheader"]
    assert {"Validation loss", "rate"} <= set(heads)


def test_the_served_page(browser, tmp_path):
    log = run_log(tmp_path / "run.jsonl", 3)
    server = PageServer(0, lambda: page(read_logs([log]), "today"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        lead = "document.querySelector('header p').textContent"
        browser.open(server.address)
        assert browser.value(lead).startswith("run: 3 reports")
        assert browser.complaints() == []
        run_log(log, 4)
        browser.open(server.address)
        assert browser.value(lead).startswith("run: 4 reports")
        assert [a for a in browser.requests() if a.startswith("http")] == [server.address]
        log.write_text("nonsense\n" + json.dumps(report(1)))
        browser.open(server.address)
        assert "line 1: is no JSON" in browser.value("document.body.textContent")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_markup_in_names_does_nothing(browser, tmp_path):
    evil = "<img src=x onerror=document.title='bad'><script>document.title='bad'</script>"
    lines = [report(i, **{f"training_{evil}": i}) for i in (1, 2)]
    log = write_log(tmp_path / "run.jsonl", {**HEADER, "model": evil, "data": evil}, *lines)
    [run] = read_logs([log])
    (tmp_path / "run.html").write_bytes(page([run], evil))
    browser.open(f"file://{tmp_path}/run.html")
    assert browser.value("document.title") == "run – gradx report"
    assert browser.value("document.querySelectorAll('img, script').length") == 0
    assert browser.complaints() == []
