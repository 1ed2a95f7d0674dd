"""One rule per operation: each derivative is stated once, in the tables of gradx/ops."""

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from pathlib import Path

import gradx
from gradx.core.op import Op

ROOT = Path(gradx.__file__).parent
# What C may call by name of arithmetic: the kernels of gradx/core/linear.py and sums.
C_MAY_KNOW = frozenset({"passed", "negated", "multiplied", "scaled", "factored", "divided"})
# The functions of <math.h> that a derivative would call.
OF_MATH = re.compile(
    r"\b(a?(sin|cos|tan)h?|atan2|exp(2|m1)?|log(2|10|1p)?|sqrt|cbrt|pow|hypot|erfc?)[fl]?\s*\("
)


def modules():
    for found in pkgutil.walk_packages(gradx.__path__, "gradx."):
        if not found.name.startswith(("gradx.cli", "gradx.__main__", "gradx.native._native")):
            yield importlib.import_module(found.name)


def ops():
    seen = {}
    for module in modules():
        for name, value in vars(module).items():
            for op in value.values() if isinstance(value, dict) else [value]:
                if isinstance(op, Op):
                    seen.setdefault(id(op), (op, f"{module.__name__}.{name}"))
    return list(seen.values())


def test_every_op_has_a_name_of_its_own():
    places = defaultdict(list)
    for op, place in ops():
        places[op.name].append(place)
    assert len(places) > 120
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def c_rules(text):
    """The Python rules that C code knows by identity."""
    return set(re.findall(r"pull == known\.(\w+)", text))


def test_c_knows_no_derivative():
    sources = sorted((ROOT / "native").glob("*.c"))
    texts = {p.name: re.sub(r"/\*.*?\*/", "", p.read_text(), flags=re.DOTALL) for p in sources}
    assert "sweep.c" in texts
    assert set().union(*map(c_rules, texts.values())) == C_MAY_KNOW
    assert [name for name, text in texts.items() if OF_MATH.search(text)] == []


def test_a_rule_known_to_c_is_found():
    assert c_rules("if (pull == known.tanh_rule)") == {"tanh_rule"}
    assert OF_MATH.search("g * (1.0 - tanhf (y))") and not OF_MATH.search("explain(y)")


def test_no_twin_of_a_rule_writes_into_its_cotangent():
    """A rule takes ``g`` first and never writes into it: there is no second form that does."""
    for path in sorted((ROOT / "ops").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "out":
                assert not (isinstance(node.value, ast.Name) and node.value.id == "g"), path.name
