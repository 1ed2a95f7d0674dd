"""Programs on records and numbers that once went wrong, and what is right."""

import dataclasses
import numbers
import typing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

import gradx as gx
from tests.core.cases import Programs, assert_alike

PROGRAMS = Programs()
right, refused = PROGRAMS.right, PROGRAMS.refused

# ---- Records: what the class itself says ---------------------------------------------------------


@dataclass
class Rate:
    a: float


@dataclass
class Model:
    w: float

    def loss(self, x):
        return (self.w * x) ** 2


@dataclass
class Trainer:
    model: Model
    loss: object


@right(36.0, 24.0)
def a_bound_method_of_a_part_follows_the_part():
    model = Model(3.0)
    y, g = gx.value_and_grad(lambda t: t.loss(2.0))(Trainer(model, model.loss))
    return y, g.model.w


@right((9.0, Rate(6.0)), [False, False, False])
def a_record_is_callable_and_sized_only_if_its_class_is():
    def f(rate):
        asked.append([hasattr(rate, name) for name in ("__len__", "__iter__", "__call__")])
        return 0.0 * rate.a if callable(rate) else rate.a**2

    asked = []
    return gx.value_and_grad(f)(Rate(3.0)), asked[0]


@right((9.0, Rate(6.0)))
def is_dataclass_of_a_record():
    f = lambda r: r.a**2 if dataclasses.is_dataclass(r) else 0.0 * r.a  # noqa: E731
    return gx.value_and_grad(f)(Rate(3.0))


@right(Rate(6.0))
def dataclasses_replace():
    return gx.grad(lambda r: dataclasses.replace(r, a=r.a**2).a)(Rate(3.0))


@right(Rate(6.0))
def dataclasses_asdict():
    return gx.grad(lambda r: dataclasses.asdict(r)["a"] ** 2)(Rate(3.0))


@right(Rate(6.0))
def dataclasses_fields():
    def f(r):
        return sum(getattr(r, field.name) ** 2 for field in dataclasses.fields(r))

    return gx.grad(f)(Rate(3.0))


@right({"a": [2.0, (4.0, np.array([2.0, 2.0]))]})
def a_tree_walked_by_asking_for_its_types():
    def norm2(tree):
        if isinstance(tree, dict):
            return sum(norm2(part) for part in tree.values())
        if isinstance(tree, (list, tuple)):
            return sum(norm2(part) for part in tree)
        return np.sum(tree**2)

    return gx.grad(norm2)({"a": [1.0, (2.0, np.ones(2))]})


class Attributes(dict):
    __getattr__ = dict.__getitem__


@right({"w": 6.0})
def a_dict_whose_items_are_attributes():
    return dict(gx.grad(lambda p: p["w"] ** 2)(Attributes(w=3.0)))


@right([1.0, 1.0])
def a_list_times_an_array():
    return gx.grad(lambda t: np.sum(t * np.ones(2)))([1.0, 2.0])


@right([1.0, 1.0])
def a_list_matmul_an_array():
    return gx.grad(lambda t: t @ np.ones(2))([1.0, 2.0])


@right([1.0, 1.0])
def a_list_plus_an_array():
    return gx.grad(lambda t: np.sum(t + np.ones(2)))([1.0, 2.0])


@right([1.0, 1.0])
def an_array_times_a_list():
    return gx.grad(lambda t: np.sum(np.ones(2) * t))([1.0, 2.0])


# ---- Caches and attributes that are not declared -------------------------------------------------


class Weights(list):
    @cached_property
    def norm2(self):
        return sum(w * w for w in self)


def asked_before():
    weights = Weights([1.0, 2.0])
    assert weights.norm2 == 5.0
    return weights


@right([2.0, 4.0])
def a_cached_property_is_computed_anew_in_a_run():
    return list(gx.grad(lambda v: v.norm2)(asked_before()))


@right(29.0)
def a_cached_property_is_computed_anew_after_set():
    return gx.set(gx.lens(Weights)[0], 5.0, asked_before()).norm2


@right(1.0)
def a_cached_property_is_computed_anew_after_a_step():
    return gx.updates.sgd(asked_before(), Weights([1.0, 1.0]), 1.0).norm2


class Box:
    def __init__(self, w, h):
        self.w, self.h, self.area = w, h, w * h


@refused(gx.GradxError, r"\barea\b")
def an_undeclared_number_that_depends_on_the_parts():
    gx.register(Box, children=("w", "h"))
    gx.grad(lambda b: b.area**2)(Box(2.0, 3.0))


@gx.record
class Layer:
    w: float
    act: str = "tanh"

    def __post_init__(self):
        self.f = {"tanh": np.tanh, "sin": np.sin}[self.act]

    def run(self, x):
        return self.f(self.w * x)


@right(2.0)
def a_function_that_post_init_sets_is_there_in_a_run():
    return gx.grad(lambda p: p.run(2.0))(Layer(0.0)).w


@right(np.tanh(-0.2))
def a_function_that_post_init_sets_is_there_after_arithmetic():
    return float((Layer(0.0) - 0.1 * Layer(1.0)).run(2.0))


class Acc:
    def __init__(self, total):
        self.total, self.calls = total, 0

    def add(self, x):
        self.total = self.total + x
        self.calls += 1

    def items(self, x):
        self.total = self.total + x
        yield self.total


@right(3.0, 1.0, 1.0)
def a_method_that_changes_a_registered_object():
    def f(acc, x):
        acc.add(x)
        return acc.total

    gx.register(Acc, children=("total",))
    y, (g, h) = gx.backprop(f, Acc(1.0), 2.0)
    return y, g.total, h


@right(6.0, 2.0)
def a_method_that_counts_its_calls():
    def f(acc):
        acc.add(1.0)
        acc.add(1.0)
        return acc.total * acc.calls

    gx.register(Acc, children=("total",))
    y, g = gx.backprop(f, Acc(1.0))
    return y, g.total


@right(6.0, 2.0, 2.0)
def a_generator_method_that_changes_the_object():
    def f(acc, x):
        (total,) = acc.items(x)
        return total + acc.total

    gx.register(Acc, children=("total",))
    y, (g, h) = gx.backprop(f, Acc(1.0), 2.0)
    return y, g.total, h


# ---- Integers ------------------------------------------------------------------------------------

Metres = typing.NewType("Metres", float)


@dataclass
class Rod:
    length: Metres
    mass: numbers.Real


@right(Rod(12.0, 9.0))
def ints_in_fields_annotated_with_kinds_of_float():
    return gx.grad(lambda r: r.length**2 * r.mass)(Rod(3, 2))


@gx.record
class Net:
    w: np.ndarray
    shape: tuple[int, int] = (2, 3)


@right((2, 3), (2, 3))
def sizes_in_a_field_stay_ints_after_steps():
    n = Net(np.ones(6))
    g = gx.grad(lambda p: np.sum(p.w**2))(n)
    return (n - 0.1 * g).shape, (n - 0.1 * (g + 0.01 * n)).shape


@right(Net(np.ones(6), (2, 3)))
def sizes_in_a_field_are_sizes_in_a_run():
    return gx.grad(lambda n: np.sum(np.reshape(n.w, n.shape)))(Net(np.ones(6)))


@refused(gx.ConversionError, r"gx\.value")
def a_variable_as_a_repeat_count():
    gx.backprop(lambda x, n: x * len([0.0] * n), 2.0, 3)


@right(1, 1.0)
def ints_are_exact_in_a_run():
    y, g = gx.backprop(lambda n: n - 2**53, 2**53 + 1)
    return y, g


@right((9.0, 6.0))
def isscalar_of_a_number():
    return gx.value_and_grad(lambda x: x**2 if np.isscalar(x) else x**3)(3.0)


@right((9.0, 6.0))
def the_length_of_a_number():
    return gx.value_and_grad(lambda x: x**3 if hasattr(x, "__len__") else x**2)(3.0)


@refused(gx.NotDifferentiableError, "argument 0")
def the_gradient_with_respect_to_a_string():
    gx.grad(lambda mode, x: np.sum(x**2) if mode == "sq" else np.sum(x))("sq", np.ones(2))


@refused(gx.NotDifferentiableError, "argument 0")
def the_gradient_with_respect_to_none():
    gx.grad(lambda n: 1.0)(None)


@refused(gx.NotDifferentiableError, "argument 0")
def the_gradient_with_respect_to_a_bool():
    gx.grad(lambda n: 1.0)(True)


@pytest.mark.parametrize(("program", "wanted"), PROGRAMS.results)
def test_it_is_right(program, wanted):
    assert_alike(program(), wanted)


@pytest.mark.parametrize(("program", "error", "match"), PROGRAMS.errors)
def test_it_is_refused(program, error, match):
    with pytest.raises(error, match=match):
        program()
