"""Lifted values are asked, never looked into: `spec_of`, `primal`, `concrete`."""

import ast
import re
from pathlib import Path

import gradx

ROOT = Path(gradx.__file__).parent

# Of whom the engine asks isinstance of a type of numbers or arrays, and why it may.
MAY_ASK = {
    r"cli/|report/|train/|mnist/|files/|devices/": "plain values only: files and options",
    r"values/": "plain values only: types",
    r"testing/(backend_contract|differences|laws)": "plain results of a run",
    r"core/op\.py:.*isinstance\(value, \(int, float, complex\)\)": "a constant among ops",
    r"core/(spec|objects)\.py:.*isinstance\(x, np\.generic\)": "after the lifted have answered",
    r"surface/numbers\.py:.*isinstance\(self, int\)": "a variable of a whole number; `__class__`",
    r":.*isinstance\(primal\(x\), np\.generic\)": "the primal",
    r"records/tree_map\.py:.*isinstance\([ay], ndarray\)": "plain arrays of one leaf, fast",
    r":.*isinstance\((axis|axes|shape|new_shape|k|key|ord), ": "a static argument",
    r"ops/indexing\.py:.*isinstance\(part, ": "a part of an index",
    r"ops/scaling\.py:.*isinstance\(h, ": "a plain product",
    r"numpy/quantiles\.py:.*isinstance\((q|places|share), np\.ndarray\)": "places, plain",
    r"lens/items\.py:.*isinstance\((like|primal\(x\)), ": "the primal",
    r"lens/hints\.py|lens/field\.py": "keys and annotations",
    r"prelude/conversions\.py": "inside an op, below the runs",
    r"reverse/gradients\.py": "inputs and gradients, after the lifted",
    r"optim/": "plain values, which are written into",
    r"adoption/iterators\.py:isinstance\(x, np\.ndarray\)": "the program's own question",
    r"records/record\.py:.*isinstance\(x, \(int, float, complex\)\)": "any number, lifted too",
    r"debugging/": "the primal",
    r"backends/placing\.py:.*isinstance\(x, np\.inexact\)": "the primal",
}
ASKED = {"float", "int", "complex", "ndarray", "generic", "inexact", "number", "integer"}


def lines(path):
    return path.read_text().splitlines()


def modules():
    return sorted(ROOT.rglob("*.py"))


def test_no_module_outside_the_rooms_of_runs_looks_into_a_variable():
    found = [
        f"{path.relative_to(ROOT)}:{i}"
        for path in modules()
        if path.parent.name not in {"reverse", "forward", "batch", "series", "sparse"}
        for i, line in enumerate(lines(path), 1)
        if re.search(r"\._value\b|\"_value\"", line)
    ]
    assert found == []


def asked(path):
    """The calls of isinstance with a type of numbers or arrays, as ``file:the call``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            kinds = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(node.args[1])}
            if kinds & ASKED:
                yield f"{path.relative_to(ROOT)}:{ast.unparse(node)}"


def test_the_engine_asks_no_isinstance_of_what_may_be_lifted():
    every = [call for path in modules() for call in asked(path)]
    assert len(every) > 20
    assert [call for call in every if not any(re.search(p, call) for p in MAY_ASK)] == []
    unused = [p for p in MAY_ASK if not any(re.search(p, call) for call in every)]
    assert unused == []


def test_there_is_one_name_for_each_question():
    defined = [
        (path.relative_to(ROOT).as_posix(), node.name)
        for path in modules()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and node.name in {"primal", "held", "plain", "spec_of", "concrete", "shape_of"}
    ]
    assert {file for file, _ in defined} == {"core/spec.py"}
    assert len(defined) == 4
