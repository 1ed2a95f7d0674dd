"""The laws of optics by property: on values, on gradients, and beside a naive engine.

A law says that two functions are one. On values the two sides are equal for every whole; on
gradients their pullbacks are equal for every cotangent as well.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradx as gx
from tests.core.samples import Plain
from tests.lens.optics import ISOS, Circle, concrete, misses, samples, shaken, with_numbers
from tests.reverse import naive

seeds = st.integers(0, 1000)


@pytest.fixture(autouse=True)
def symbols_are_values():
    """The naive engine's numbers, as a type of which gradx knows nothing but the operations."""
    gx.register(
        naive.Symbol,
        zero=lambda x: naive.Symbol(0.0),
        add=lambda x, y: x + y,
        one=lambda x: naive.Symbol(1.0),
    )


def numbers(x):
    return np.array([naive.value(n) for n in naive.numbers(x)])


def assert_same(x, y):
    """Two values of one structure with the same numbers, up to rounding."""
    assert shape_of(x) == shape_of(y)
    np.testing.assert_allclose(numbers(x), numbers(y), rtol=1e-11, atol=1e-11)


def shape_of(x):
    """The structure of a value, as text."""
    if isinstance(x, np.ndarray):
        return f"array{x.shape}"
    return repr(naive.mapped(lambda n: 0.0, x)) if not isinstance(x, np.generic) else "0.0"


def assert_one_function(left, right, seed, *xs):
    """The two sides of a law: equal values, equal pullbacks."""
    assert_same(left(*xs), right(*xs))
    (y, pull), (z, pull_too) = gx.backprop_with(left, *xs), gx.backprop_with(right, *xs)
    assert_same(y, left(*xs))
    assert_same(z, right(*xs))
    g = with_numbers(y, np.random.default_rng(seed))
    a, b = pull(g), pull_too(g)
    for x, each, other in zip(xs, a, b, strict=True) if len(xs) > 1 else [(xs[0], a, b)]:
        assert_same(each, other)
        assert shape_of(each) == shape_of(gx.zero(x))


def foci_of(sample):
    return gx.to_list(sample.optic, sample.value)


hits = samples().filter(foci_of)
lenses = samples().filter(lambda sample: isinstance(sample.optic, gx.Lens))


# ---- Laws ----------------------------------------------------------------------------------------


@given(samples(), seeds)
def test_changing_nothing_is_the_identity(sample, seed):
    """Traversals: over(t, identity) is the identity; for all kinds."""
    t = sample.optic
    assert_one_function(lambda s: gx.over(t, lambda x: x, s), lambda s: s, seed, sample.value)


@given(samples(), seeds)
def test_two_changes_are_one(sample, seed):
    """Traversals: over(t, f) after over(t, g) is over(t, f after g)."""
    t, twice = sample.optic, lambda x: gx.join(shaken(gx.join(shaken(x))))
    assert_one_function(
        lambda s: gx.over(t, shaken, gx.over(t, shaken, s)),
        lambda s: gx.over(t, twice, s),
        seed,
        sample.value,
    )


@given(samples(), seeds)
def test_the_parts_of_a_changed_whole_are_the_changed_parts(sample, seed):
    t = sample.optic
    assert_one_function(
        lambda s: gx.to_list(t, gx.over(t, shaken, s)),
        lambda s: [shaken(x) for x in gx.to_list(t, s)],
        seed,
        sample.value,
    )


@given(hits, seeds)
def test_what_is_set_is_what_is_there(sample, seed):
    """Lenses: view(l, set(l, a, s)) is a; for all kinds at every focus."""
    t, foci = sample.optic, foci_of(sample)
    new = with_numbers(foci[0], np.random.default_rng(seed))
    assert_one_function(
        lambda s, a: gx.to_list(t, gx.set(t, a, s)),
        lambda s, a: [a for _ in foci],
        seed,
        sample.value,
        new,
    )


@given(hits, seeds)
def test_the_last_set_counts(sample, seed):
    """Lenses: set(l, b) after set(l, a) is set(l, b)."""
    t, foci = sample.optic, foci_of(sample)
    rng = np.random.default_rng(seed)
    a, b = with_numbers(foci[0], rng), with_numbers(foci[0], rng)
    assert_one_function(
        lambda s, a, b: gx.set(t, b, gx.set(t, a, s)),
        lambda s, a, b: gx.set(t, b, s),
        seed,
        sample.value,
        a,
        b,
    )


@given(lenses, seeds)
def test_setting_what_is_there_changes_nothing(sample, seed):
    """Lenses: set(l, view(l, s), s) is s."""
    lens = sample.optic
    put_back = lambda s: gx.set(lens, gx.view(lens, s), s)  # noqa: E731
    assert_one_function(put_back, lambda s: s, seed, sample.value)


@given(misses())
def test_a_preview_of_nothing_is_the_default(sample):
    t = sample.optic
    assert foci_of(sample) == []
    assert gx.preview(t, sample.value) is None
    g = gx.grad_bp(lambda s: gx.preview(t, s, 1.0), sample.value)
    assert_same(g, gx.zero(sample.value))


@given(hits, seeds)
def test_all_ways_to_read_agree(sample, seed):
    t = sample.optic
    first = lambda s: gx.to_list(t, s)[0]  # noqa: E731
    assert_one_function(lambda s: gx.preview(t, s), first, seed, sample.value)
    assert_one_function(lambda s: gx.expect(t, s), first, seed, sample.value)


@given(lenses, seeds)
def test_view_and_to_list_agree(sample, seed):
    lens = sample.optic
    first = lambda s: gx.to_list(lens, s)[0]  # noqa: E731
    assert_one_function(lambda s: gx.view(lens, s), first, seed, sample.value)


@given(samples(), samples(), seeds)
def test_composition_is_one_after_the_other(outer, inner, seed):
    """The whole of the inner sample stands at a focus of the outer one."""
    whole = (outer.value, inner.value, 1.5)
    a, b = gx.lens(tuple)[1], inner.optic
    assert_one_function(
        lambda s: gx.over(a >> b, shaken, s),
        lambda s: gx.over(a, lambda m: gx.over(b, shaken, m), s),
        seed,
        whole,
    )
    assert_one_function(
        lambda s: gx.to_list(a >> b, s),
        lambda s: [x for m in gx.to_list(a, s) for x in gx.to_list(b, m)],
        seed,
        whole,
    )


PRISMS = [
    (gx.lens(object).instance(Circle), Circle(2.0)),
    (gx.lens(object).instance(Circle) >> gx.iso(lambda c: c.radius, Circle), 2.0),
    (gx.just(), 2.0),
    (gx.prism(lambda x: np.log(x) if x > 0 else None, np.exp), 0.5),
    *[(iso, 2.0) for iso in ISOS[:2]],
]


@pytest.mark.parametrize(("prism", "part"), PRISMS, ids=[repr(prism) for prism, _ in PRISMS])
@given(seed=seeds)
@settings(max_examples=20)
def test_prisms_match_what_they_build(prism, part, seed):
    """Prisms: preview(p, review(p, a)) is a; and review(p, preview(p, s)) is s if it matches."""
    part = with_numbers(part, np.random.default_rng(seed))
    there = lambda a: gx.preview(prism, gx.review(prism, a))  # noqa: E731
    assert_one_function(there, lambda a: a, seed, part)
    whole = gx.review(prism, part)
    back = lambda s: gx.review(prism, gx.preview(prism, s))  # noqa: E731
    assert_one_function(back, lambda s: s, seed, whole)


@pytest.mark.parametrize("iso", [*ISOS, ISOS[0] >> ISOS[1], ISOS[2] >> ~ISOS[2]], ids=repr)
@given(seed=seeds)
@settings(max_examples=20)
def test_isos_go_there_and_back(iso, seed):
    x = with_numbers(Plain(1.0, [1.0, np.ones(2)]), np.random.default_rng(seed))
    assert_one_function(lambda s: gx.view(~iso, gx.view(iso, s)), lambda s: s, seed, x)
    assert_one_function(lambda s: gx.review(iso, gx.view(iso, s)), lambda s: s, seed, x)
    y = gx.view(iso, x)
    assert_one_function(lambda t: gx.view(iso, gx.view(~iso, t)), lambda t: t, seed, y)


# ---- Beside the naive engine ---------------------------------------------------------------------


def programs_of(optic):
    """What one does with an optic, each as a function of the whole."""
    return {
        "over": lambda s: gx.over(optic, shaken, s),
        "over twice": lambda s: gx.over(optic, shaken, gx.over(optic, shaken, s)),
        "to_list": lambda s: [shaken(x) for x in gx.to_list(optic, s)],
        "preview": lambda s: shaken(gx.preview(optic, s, 0.5)),
        "set": lambda s: gx.set(optic, (gx.to_list(optic, shaken(s)) or [0.5])[-1], s),
        "both": lambda s: (gx.to_list(optic, s), gx.over(optic, shaken, s), s),
    }


@settings(max_examples=150)
@given(samples(), st.sampled_from(sorted(programs_of(None))))
def test_gradients_are_those_of_the_naive_engine(sample, name):
    program = programs_of(sample.optic)[name]
    y, g = gx.backprop(program, sample.value)
    assert_same(y, program(sample.value))
    (theirs,) = naive.gradient(program, sample.value)
    assert_same(g, concrete(theirs))


@settings(max_examples=60)
@given(samples(depth=2), st.sampled_from(sorted(programs_of(None))))
def test_gradients_of_gradients_are_those_of_the_naive_engine(sample, name):
    program = programs_of(sample.optic)[name]
    ours = gx.grad_bp(lambda s: gx.grad_bp(program, s), sample.value)
    (theirs,) = naive.gradient(lambda s: naive.slope(program, s), sample.value)
    assert_same(ours, concrete(theirs))


# ---- The testers, tested -------------------------------------------------------------------------


def test_a_broken_law_is_found():
    skewed = gx.lens(lambda p: p[0], lambda p, x: (x * 1.0005, p[1]))
    there = lambda s, a: gx.view(skewed, gx.set(skewed, a, s))  # noqa: E731
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_one_function(there, lambda s, a: a, 0, (1.0, 2.0), 3.0)


def test_a_pullback_that_breaks_a_law_is_found():
    """The values of the two sides are equal, their gradients are not."""
    forgetful = gx.lens(lambda p: gx.value(p[0]), lambda p, x: (x, p[1]))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_one_function(lambda s: [gx.view(forgetful, s)], lambda s: [s[0]], 0, (1.0, 2.0))


@settings(max_examples=100)
@given(samples())
def test_the_samples_are_what_they_say(sample):
    most = 1 if isinstance(sample.optic, gx.Affine) else np.inf
    least = 1 if isinstance(sample.optic, gx.Lens) else 0
    assert least <= len(foci_of(sample)) <= most
