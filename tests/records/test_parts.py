"""Parts: items of containers, other types for the same parts, replaced, frozen and tied parts."""

import collections
import dataclasses
import typing
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import (
    Attrs,
    FrozenAttrs,
    Net,
    Pair,
    Plain,
    Point,
    Stack,
    same,
)

# ---- sequence_var, collect_var -------------------------------------------------------------------


@pytest.mark.parametrize(
    "xs",
    [[2.0, 3.0], (2.0, 3.0), {"a": 2.0, "b": 3.0}, Pair(2.0, 3.0), Plain(2.0, 3.0)],
    ids=repr,
)
def test_sequence_and_collect_are_inverse(xs):
    assert same(gx.sequence_var(xs), xs)
    assert same(gx.collect_var(xs), xs)
    seen = []

    def f(v):
        parts = gx.sequence_var(v)
        seen.append(type(parts))
        return gx.collect_var(parts)

    assert same(gx.backprop(f, xs), (xs, gx.one(xs)))
    assert seen == [type(xs)]


def test_the_entries_of_an_array():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    rows = gx.sequence_var(a)
    assert type(rows) is list
    np.testing.assert_array_equal(rows, a)
    g = gx.grad_bp(lambda a: gx.sequence_var(a)[1] * 10, a)
    np.testing.assert_array_equal(g, [[0.0, 0.0], [10.0, 10.0]])


def test_unused_parts_get_zeros_and_repeated_ones_add():
    assert gx.grad_bp(lambda v: gx.sequence_var(v)[1] * 7, [1.0, 2.0, 3.0]) == [0.0, 7.0, 0.0]

    def twice(x):
        return gx.collect_var([x, x, x * x])

    assert gx.grad_bp(twice, 4.0) == 10.0
    _, pullback = gx.backprop_with(twice, 4.0)
    assert pullback([1.0, 10.0, 100.0]) == 811.0


# ---- iso_var -------------------------------------------------------------------------------------


def test_isos_of_one_to_many_values():
    assert gx.iso_var(lambda x: [x], lambda g: g[0], 3.0) == [3.0]
    for n in (1, 2, 3, 5):

        def f(*xs):
            ys = gx.iso_var(lambda *xs: list(xs), lambda g: g[0] if len(g) == 1 else tuple(g), *xs)
            return sum((i + 1.0) * y * y for i, y in enumerate(ys))

        xs = [float(i + 2) for i in range(n)]
        wanted = tuple(2 * (i + 1.0) * x for i, x in enumerate(xs))
        assert gx.grad_bp(f, *xs) == (wanted[0] if n == 1 else wanted)
        check_grads(f, *xs)


def test_an_iso_changes_the_cotangent_back():
    y, pullback = gx.backprop_with(
        lambda p: gx.iso_var(lambda t: {"x": t[0], "y": t[1]}, lambda d: (d["x"], d["y"]), p),
        (1.0, 2.0),
    )
    assert y == {"x": 1.0, "y": 2.0}
    assert pullback({"x": 10.0, "y": 20.0}) == (10.0, 20.0)


def test_an_iso_that_gives_too_few_cotangents_is_an_error():
    with pytest.raises(gx.CotangentError, match="returned 1 cotangents for 2 operands"):
        gx.grad_bp(lambda x, y: gx.iso_var(lambda x, y: (x, y), lambda g: g[:1], x, y), 1.0, 2.0)


# ---- coerce_var ----------------------------------------------------------------------------------


class Metres(typing.NamedTuple):
    x: float
    y: float


@dataclass
class Log:
    """A newtype."""

    value: float


@dataclass
class Checked:
    x: float
    y: float

    def __post_init__(self):
        if not gx.value(self.x) > 0:
            raise ValueError("x must be positive")


COERCIONS = [
    (tuple, [2.0, 3.0], (2.0, 3.0)),
    (list, (2.0, 3.0), [2.0, 3.0]),
    (collections.deque, (2.0, 3.0), collections.deque([2.0, 3.0])),
    (Metres, (2.0, 3.0), Metres(2.0, 3.0)),
    (tuple, Metres(2.0, 3.0), (2.0, 3.0)),
    (Plain, Metres(2.0, 3.0), Plain(2.0, 3.0)),
    (Attrs, Plain(2.0, 3.0), Attrs(2.0, 3.0)),
    (list, FrozenAttrs(2.0, [3.0]), [2.0, [3.0]]),
    (Log, 2.0, Log(2.0)),
    (float, Log(2.0), 2.0),
    (Log, np.array([2.0, 3.0]), Log(np.array([2.0, 3.0]))),
    (np.ndarray, Log(np.array([2.0, 3.0])), np.array([2.0, 3.0])),
    (Point, (1.0, 2.0, "p"), Point(1.0, 2.0, "p")),
]


@pytest.mark.parametrize(("cls", "x", "y"), COERCIONS, ids=repr)
def test_coerce_gives_the_same_parts_to_another_type(cls, x, y):
    assert same(gx.coerce_var(cls, x), y)
    assert same(gx.backprop(lambda v: gx.coerce_var(cls, v), x), (y, gx.one(x)))
    back = gx.backprop(lambda v: gx.coerce_var(type(x), gx.coerce_var(cls, v)), x)
    assert same(back, (x, gx.one(x)))
    assert same(gx.op_coerce(cls).run(x), (y, gx.one(x)))


def test_a_coerced_variable_has_its_own_class_methods_and_gradients():
    f = lambda p: gx.coerce_var(Metres, p).x ** 2 * gx.coerce_var(Metres, p).y  # noqa: E731
    assert gx.grad(f)((3.0, 2.0)) == (12.0, 9.0)
    check_grads(f, (3.0, 2.0))
    assert same(gx.coerce_var(Checked, (-1.0, 2.0)).x, -1.0)  # __init__ is not run


@pytest.mark.parametrize(
    ("cls", "x", "text"),
    [
        (Metres, (1.0,), r"a tuple of 1 parts cannot become a Metres, which has 2; give a type"),
        (float, Metres(1.0, 2.0), r"a Metres of 2 parts cannot become a float, which has 1"),
        (
            float,
            Log(np.ones(2)),
            r"the part of a Log is of type ndarray, not float; coerce_var",
        ),
        (int, Log(1.0), r"the part of a Log is of type float, not int.*gx\.prelude\.real_to_frac"),
        (dict, (1.0,), r"a tuple of 1 parts cannot become a dict; give"),
        (tuple, {"a": 1.0}, r"the parts of a dict have keys instead of an order.*gx\.iso_var"),
    ],
)
def test_coercions_that_do_not_match(cls, x, text):
    coerce = gx.lift_op(gx.op_coerce(cls))
    for call in (lambda: gx.coerce_var(cls, x), lambda: gx.grad_bp(coerce, x)):
        with pytest.raises(gx.StructureError, match=text):
            call()


# ---- freeze --------------------------------------------------------------------------------------

net = gx.lens(Net)
stack = gx.lens(Stack)


def drawn_net(seed):
    rng = np.random.default_rng(seed)
    return Net(rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal())


def output(net, x):
    return np.sum(np.tanh(net.w @ x + net.b)) * net.rate


def test_frozen_parts_have_gradient_zero_and_the_others_their_own():
    x, n = np.array([0.3, -0.7]), drawn_net(0)
    free = gx.grad(output)(n, x)
    g = gx.grad(lambda n: output(gx.freeze(n, net.w, net.rate), x))(n)
    np.testing.assert_array_equal(g.w, np.zeros((2, 2)))
    assert g.rate == 0.0
    np.testing.assert_array_equal(g.b, free.b)
    assert output(gx.freeze(n, net.w), x) == output(n, x)
    assert gx.freeze(n, net.w) is n


def test_no_work_is_done_for_frozen_parts():
    x, n = np.array([0.3, -0.7]), drawn_net(0)

    def recorded(f):
        """The number of operations on the tape."""
        nodes = []

        def g(n):
            y = f(n)
            nodes.extend(filter(None, y._run.nodes))
            return y

        gx.grad_bp(g, n)
        return len(nodes)

    def score(n):
        return np.sum(n.w @ x) + np.sum(n.b)

    assert recorded(score) == 4  # a product, two sums and an addition
    assert recorded(lambda n: score(gx.freeze(n, net.w))) == 2  # a sum and an addition

    def all_frozen(n):
        y = output(gx.freeze(n, net.w, net.b, net.rate), x)
        assert not isinstance(y, gx.BVar)
        return y

    assert same(gx.grad_bp(all_frozen, n), gx.zero(n))


def test_parts_deep_inside():
    s = Stack(drawn_net(0), [drawn_net(1), drawn_net(2)], {"k": 2.0, "m": np.ones(2)})
    x = np.array([0.3, -0.7])

    def f(s):
        hidden = output(s.first, x) * s.table["k"] + np.sum(s.table["m"])
        return hidden * output(s.rest[0], x) * output(s.rest[1], x)

    free = gx.grad(f)(s)
    g = gx.grad(lambda s: f(gx.freeze(s, stack.rest[1], stack.table["k"])))(s)
    assert same(g.rest[1], gx.zero(s.rest[1]))
    assert g.table["k"] == 0.0
    assert same((g.first, g.rest[0], g.table["m"]), (free.first, free.rest[0], free.table["m"]))


def test_parts_by_the_path_that_messages_write():
    s = Stack(drawn_net(0), [drawn_net(1), drawn_net(2)], {"k": 2.0, "m": np.ones(2)})

    def f(s):
        return np.sum(s.rest[1].w) * s.table["k"] + s.first.rate

    by_lens = gx.grad(lambda s: f(gx.freeze(s, stack.rest[1].w, stack.table["k"])))(s)
    by_text = gx.grad(lambda s: f(gx.freeze(s, "rest[1].w", "table['k']")))(s)
    assert same(by_lens, by_text)
    assert same(by_text, dataclasses.replace(gx.zero(s), first=by_text.first))
    assert gx.grad_bp(lambda p: gx.freeze(p, "[1]", "[0]")[0] * p[1], (2.0, 3.0)) == (0.0, 2.0)
    assert gx.grad_bp(lambda d: gx.freeze(d, "['a']")["a"] * d["a"], {"a": 3.0}) == {"a": 3.0}
    assert gx.tied((1.0, 2.0), "[0]", "[1]") == (1.0, 1.0)

    def rest(path):
        return gx.grad_bp(lambda v: np.sum(gx.freeze(v, path)["a]b"]), {"a]b": np.ones((2, 2))})

    assert same(rest("['a]b'][0]"), {"a]b": np.array([[0.0, 0.0], [1.0, 1.0]])})
    assert same(rest("['a]b'][:, 1]"), {"a]b": np.array([[1.0, 0.0], [1.0, 0.0]])})
    assert same(rest("['a]b'][..., -1:]"), {"a]b": np.array([[1.0, 0.0], [1.0, 0.0]])})


def test_many_parts_at_once():
    s = Stack(drawn_net(0), [drawn_net(1), drawn_net(2)], {"k": 2.0, "m": np.ones(2)})

    def f(s):
        return sum(np.sum(n.w) * n.rate for n in s.rest) * s.first.rate

    free = gx.grad(f)(s)
    g = gx.grad(lambda s: f(gx.freeze(s, stack.rest >> gx.each() >> net.w)))(s)
    assert all(same(n.w, np.zeros((2, 2))) for n in g.rest)
    assert [n.rate for n in g.rest] == [n.rate for n in free.rest]
    all_nets = gx.grad(lambda s: f(gx.freeze(s, gx.at_instances_of(Net))))(s)
    assert same(all_nets, gx.zero(s))


@pytest.mark.parametrize(
    "path", ["rest[", "rest[1", "first..w", "3", "rest[0]w", "rest[x]", "first w", "[]"]
)
def test_text_that_is_not_a_path(path):
    s = Stack(drawn_net(0), [drawn_net(1)], {})
    with pytest.raises(gx.StructureError, match=r"is not a path into a Stack; write fields"):
        gx.grad(lambda s: gx.freeze(s, path).first.rate)(s)


def test_frozen_in_an_inner_run_only():
    def f(p):
        def g(q):
            q = gx.freeze(q, gx.lens(tuple)[0])
            return q[0] * q[1] ** 2

        inner = gx.grad_bp(g, p)
        return inner[0] + inner[1]  # 0 + 2 p0 p1

    assert gx.grad_bp(f, (3.0, 5.0)) == (10.0, 6.0)


def test_an_outer_run_has_its_gradient_through_frozen_parts():
    def loss(n):
        return np.sum(np.sin(n.w) @ n.b) * n.rate**2

    def adapted(n):  # one step of the inner run, in which the weights stand still
        g = gx.grad(lambda n: loss(gx.freeze(n, net.w)))(n)
        return loss(gx.replace(n, b=n.b - 0.1 * g.b, rate=n.rate - 0.1 * g.rate))

    check_grads(adapted, drawn_net(0))
    inside = lambda y: gx.grad(lambda x: gx.freeze([[x, y], x], "[0]")[0][1] * x)(y)  # noqa: E731
    assert gx.grad(inside)(3.0) == 1.0


def test_frozen_parts_lose_the_variables_of_the_highest_run_alone():
    seen = []

    def f(a):
        def g(b):
            mixed = {"a": a, "b": [b, 2.0], "c": a * b}
            frozen = gx.freeze(mixed, gx.each())
            seen.extend([frozen["a"] is a, frozen["b"], frozen is mixed, type(frozen["c"])])
            return frozen["c"] * b + mixed["b"][0] * frozen["b"][0]

        return gx.grad(g)(5.0)  # a b + b, with the frozen b

    assert gx.backprop(f, 3.0) == (20.0, 5.0)
    assert seen[:3] == [True, [5.0, 2.0], False] and issubclass(seen[3], gx.BVar)


def test_a_frozen_record_is_an_instance_and_joins():
    def f(n):
        frozen = gx.freeze(n, net.b)
        assert type(frozen) is Net
        return frozen

    n = drawn_net(0)
    y, g = gx.backprop(f, n)
    assert same(y, n)
    assert same(g, dataclasses.replace(gx.one(n), b=np.zeros(2)))


def test_a_path_that_does_not_exist():
    with pytest.raises((AttributeError, gx.StructureError), match="nothing"):
        gx.grad(lambda n: gx.freeze(n, net.nothing).rate)(drawn_net(0))


# ---- tied ----------------------------------------------------------------------------------------


@dataclass
class Autoencoder:
    encoder: typing.Any
    decoder: typing.Any
    bias: float


places = gx.lens(Autoencoder).encoder, gx.lens(Autoencoder).decoder


def energy(m, x):
    return np.sum(np.tanh(m.encoder * x) ** 2 * m.decoder) + m.bias


def test_the_gradients_of_a_tied_parameter_add():
    x, w = np.array([0.5, -0.3]), np.array([0.8, 1.2])
    alone = gx.grad(lambda w: energy(Autoencoder(w, w, 0.5), x))(w)
    parts = gx.grad(lambda m: energy(m, x))(Autoencoder(w, w, 0.5))
    g = gx.grad(lambda m: energy(gx.tied(m, *places), x))(Autoencoder(w, w, 0.5))
    np.testing.assert_allclose(alone, parts.encoder + parts.decoder, rtol=1e-14)
    np.testing.assert_allclose(g.encoder, alone, rtol=1e-14)
    np.testing.assert_array_equal(g.decoder, [0.0, 0.0])
    assert g.bias == 1.0
    check_grads(lambda m: energy(gx.tied(m, *places), x), Autoencoder(w, w, 0.5))


def test_training_a_tied_parameter_is_training_it_alone():
    x = np.array([0.5, -0.3])
    m = Autoencoder(np.array([0.8, 1.2]), np.array([0.8, 1.2]), 0.5)
    w = m.encoder
    for _ in range(5):
        g = gx.grad(lambda m: energy(gx.tied(m, *places), x))(m)
        m = Autoencoder(m.encoder - 0.1 * g.encoder, m.decoder - 0.1 * g.decoder, m.bias)
        w = w - 0.1 * gx.grad(lambda w: energy(Autoencoder(w, w, 0.5), x))(w)
    m = gx.tied(m, *places)
    np.testing.assert_array_equal(m.encoder, m.decoder)
    np.testing.assert_allclose(m.encoder, w, rtol=1e-12)


def test_a_tied_parameter_is_one_variable_at_all_places():
    seen = []

    def f(v):
        new = gx.tied(v, "[0]", "[1].x", "[2]['k']")
        seen.extend([new[0] is v[0], new[1].x is v[0], new[2]["k"] is v[0], type(new[1])])
        return new[0] * new[1].x * new[2]["k"]

    assert gx.grad_bp(f, (2.0, Plain(3.0, 4.0), {"k": None})) == (
        12.0,
        Plain(0.0, 0.0),
        {"k": None},
    )
    assert seen == [True, True, True, Plain]


def test_only_the_first_place_is_read():
    m = Autoencoder(np.array([0.8, 1.2]), np.array([7.0, 7.0]), 0.5)
    tied = gx.tied(m, *places)
    np.testing.assert_array_equal(tied.decoder, [0.8, 1.2])
    np.testing.assert_array_equal(m.decoder, [7.0, 7.0])
    x = np.array([0.5, -0.3])
    assert gx.backprop(lambda m: energy(gx.tied(m, *places), x), m)[0] == energy(tied, x)


def test_the_other_places_may_be_empty():
    x, w = np.array([0.5, -0.3]), np.array([0.8, 1.2])
    g = gx.grad(lambda m: energy(gx.tied(m, *places), x))(Autoencoder(w, None, 0.5))
    full = gx.grad(lambda m: energy(gx.tied(m, *places), x))(Autoencoder(w, w, 0.5))
    assert g.decoder is None
    np.testing.assert_array_equal(g.encoder, full.encoder)


def test_tied_records_and_more_places():
    def f(v):
        a, b, c = gx.tied(v, *(gx.lens(tuple)[i] for i in range(3)))
        return a.x * b.x * c.y

    v = (Plain(3.0, 5.0), Plain(3.0, 5.0), Plain(3.0, 5.0))
    none = Plain(0.0, 0.0)
    assert gx.backprop(f, v) == (45.0, (Plain(30.0, 9.0), none, none))


def test_the_chain_rule_goes_through_tied_parameters():
    def cube(v):
        a, b = gx.tied(v, gx.lens(tuple)[0], gx.lens(tuple)[1])
        return a * a * b

    assert gx.grad(lambda w: cube((w, w)))(2.0) == 12.0
    assert gx.grad(gx.grad(lambda w: cube((w, w))))(2.0) == 12.0
    assert gx.grad(lambda w: gx.grad(cube)((w, w))[0])(2.0) == 12.0


def test_what_cannot_be_tied():
    m = Autoencoder(np.ones(2), np.ones(3), 0.5)
    text = r"lens\.decoder cannot be tied to lens\.encoder: .*shape \(3,\)"
    with pytest.raises(gx.StructureError, match=text):
        gx.tied(m, *places)
    with pytest.raises(gx.StructureError, match=text):
        gx.grad(lambda m: gx.tied(m, *places).bias)(m)
    assert gx.tied(m, places[0]) is m
    with pytest.raises(gx.StructureError, match=r"lens\.y cannot be tied to lens\.x"):
        gx.tied(Plain(1.0, [1.0]), gx.lens(Plain).x, gx.lens(Plain).y)
