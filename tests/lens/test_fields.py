"""Fields: records whose class attributes are lenses."""

import dataclasses
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from tests.architecture.sources import ROOT
from tests.core.samples import same

W = np.array([[1.0, 2.0], [3.0, 4.0]])


@gx.record
class Net:
    weights: gx.Field[np.ndarray]
    bias: gx.Field[float] = gx.param(default=0.5)
    name: str = "net"


@gx.record(frozen=True)
class Frozen:
    weights: gx.Field[np.ndarray]
    bias: gx.Field[float] = gx.param(default=0.5)


@gx.record(slots=True)
class Slots:
    weights: gx.Field[np.ndarray]
    bias: gx.Field[float] = gx.param(default=0.5)


@gx.record(frozen=True, slots=True, kw_only=True)
class AllOptions:
    weights: gx.Field[np.ndarray]
    bias: gx.Field[float] = gx.param(default=0.5)


@gx.record
@dataclass(eq=False)
class Decorated:
    weights: "gx.Field[np.ndarray]"
    bias: "gx.Field[float]" = 0.5


@gx.record
class Inherited(Net):
    more: gx.Field[float] = gx.param(default=1.0)


@dataclass
class WithoutArithmetic:
    weights: gx.Field[np.ndarray] = gx.Field()  # noqa: RUF009
    bias: float = 0.5


KINDS = [Net, Frozen, Slots, AllOptions, Decorated, Inherited, WithoutArithmetic]


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_the_class_has_the_lens_and_the_instance_the_value(cls):
    assert cls.weights == gx.lens(cls).weights and cls.weights is cls.weights
    net = cls(weights=W)
    assert net.weights is W and net.bias == 0.5
    assert gx.view(cls.weights, net) is W
    changed = gx.set(cls.weights, 2.0 * W, net)
    assert type(changed) is cls and same(changed.weights, 2.0 * W) and net.weights is W
    g = gx.grad(lambda n: np.sum(gx.view(cls.weights, n) ** 2) * n.bias)(net)
    assert type(g) is cls and same(g.weights, W) and same(g.bias, float(np.sum(W**2)))
    assert [f.name for f in dataclasses.fields(cls)][:2] == ["weights", "bias"]
    assert repr(net).partition("(")[2].startswith("weights=array")


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_fields_without_a_default_are_required(cls):
    with pytest.raises(TypeError, match="weights"):
        cls()


def test_lenses_of_a_subclass_are_its_own():
    assert Inherited.bias == gx.lens(Inherited).bias and Inherited.more == gx.lens(Inherited).more
    with pytest.raises(AttributeError, match="Net has no field 'more'"):
        Net.bias.__class__ and gx.lens(Net).more

    class Plain(Net):
        pass

    assert gx.view(Plain.weights, Plain(W)) is W

    @gx.record
    class Again(Net):
        weights: gx.Field[np.ndarray]

    with pytest.raises(TypeError, match="weights"):
        Again()
    assert Again(W).weights is W


def test_slots_are_still_slots():
    net = Slots(W)
    assert not hasattr(net, "__dict__")
    net.bias = 3.0
    assert net.bias == 3.0
    del net.bias
    with pytest.raises(AttributeError):
        net.bias  # noqa: B018
    with pytest.raises(dataclasses.FrozenInstanceError):
        AllOptions(weights=W).bias = 3.0


def test_arithmetic_goes_on_working():
    assert same((Net(W) - 0.5 * Net(W, 1.0)).weights, 0.5 * W)
    assert same((2.0 * Slots(W)).weights, 2.0 * W)


def test_lenses_of_fields_compose():
    @gx.record
    class Outer:
        first: gx.Field[Net]
        rest: gx.Field[list[Net]]

    outer = Outer(Net(W), [Net(W, 2.0)])
    assert Outer.first.bias == Outer.first >> Net.bias == gx.lens(Outer).first.bias
    assert gx.to_list(Outer.rest.each() >> Net.bias, outer) == [2.0]
    with pytest.raises(AttributeError, match=r"Net has no field 'z' \(lens\.first\.z\)"):
        Outer.first.z  # noqa: B018
    with pytest.raises(AttributeError, match=r"Net has no field 'z' \(lens\.rest\.each\(\)\.z\)"):
        Outer.rest.each().z  # noqa: B018


def test_a_field_that_has_no_value_yet():
    @gx.record
    class Late:
        x: gx.Field[float] = dataclasses.field(init=False)

    assert Late.x == gx.lens(Late).x
    with pytest.raises(AttributeError, match="'Late' object has no attribute 'x'"):
        Late().x  # noqa: B018


# ---- What a type checker says --------------------------------------------------------------------

TYPED = """
import numpy as np
import gradx as gx
from typing_extensions import assert_type


@gx.record
class Layer:
    weights: gx.Field[np.ndarray]
    bias: gx.Field[float]
    note: gx.Field[str | None] = gx.static(default=None)


class Other:
    pass


layer = Layer(np.ones(2), 0.5)
assert_type(layer.bias, float)
assert_type(Layer.bias, gx.Lens[Layer, float])
assert_type(gx.view(Layer.bias, layer), float)
assert_type(gx.set(Layer.bias, 2.0, layer), Layer)
assert_type(gx.lens(Layer, lambda a: a.bias), gx.Lens[Layer, float])
assert_type(gx.view(gx.lens(Layer, lambda a: a.bias), layer), float)
assert_type(Layer.note.just(), gx.Affine[Layer, str])
assert_type(gx.preview(Layer.note.just(), layer), str | None)
assert_type(gx.to_list(gx.at_instances_of(float), layer), list[float])
log = gx.iso(lambda x: str(x), lambda s: float(s))
percent: gx.Iso[float, int] = gx.iso(lambda x: int(x * 100), lambda n: n / 100)
assert_type(gx.view(Layer.bias >> percent, layer), int)
assert_type(gx.review(percent, 3), float)
assert_type(gx.lens(object).instance(Layer), gx.Prism[object, Layer])
assert_type(gx.preview(Layer, 3), Layer | None)
assert_type(gx.view(Layer.bias, layer) + gx.expect(float, 2.0), float)
gx.lens(Layer | Other).instance(Layer).bias
gx.to_list(gx.at_instances_of(Layer | Other), layer)
assert_type(gx.fold_tree(lambda node: 1.0, layer), float)
"""
WRONG = [
    "gx.view(gx.each(), layer)",
    "gx.view(Layer.note.just(), layer)",
    "gx.review(Layer.bias, 2.0)",
    "gx.set(Layer.bias, layer, layer)",
    "gx.view(Layer.bias, 3)",
    "gx.over(Layer.bias, lambda b: b.upper(), layer)",
    'Layer("w", 2.0)',
    "gx.lens(Layer, lambda a: a.wrong)",
    "Layer.bias >> gx.lens(str, lambda s: s)",
]
CHECKERS = {
    "mypy": ["mypy", "--strict", "--no-error-summary", "--python-version", "3.11"],
    "pyright": ["pyright"],
}


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_right_programs_are_accepted_and_wrong_ones_are_not(checker, tmp_path):
    pytest.importorskip(checker, reason=f"{checker} is in the extra 'check'")
    lines = TYPED.splitlines()
    program = tmp_path / "program.py"
    program.write_text("\n".join([*lines, *WRONG]) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker], str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    reported = {
        int(line.split(":")[1])
        for line in done.stdout.splitlines()
        if "program.py:" in line and ": error" in line.replace(" - error", ": error")
    }
    wanted = set(range(len(lines) + 1, len(lines) + 1 + len(WRONG)))
    assert reported == wanted, done.stdout + done.stderr
