"""One run shared by ranks gives what one process gives, to the bit in blocks, else to rounding."""

import copy
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.optim import adam, sgd
from gradx.parallel import ALONE, Group, RanksDifferError
from gradx.train import (
    Agreement,
    Blocks,
    DivergedError,
    Gradients,
    OptionError,
    Plan,
    State,
    Stopped,
    Task,
    fit,
    mark_of,
    shared,
    source_of,
    train,
)
from gradx.values.operations import leaves_of
from tests.parallel.threads import on_ranks

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(203, 4))
LABELS = (X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 > 0).astype(np.int64)


@dataclass(frozen=True)
class Net:
    w: np.ndarray
    b: np.ndarray
    scale: float
    name: str = "net"


def first(dtype="float64"):
    random = np.random.default_rng(1)
    return Net(random.normal(size=(4, 3)).astype(dtype), np.zeros(3, dtype), 0.5)


def outputs(net, x):
    return net.scale * np.sum(np.tanh(x @ net.w + net.b), axis=1)


def loss(net, batch):
    x, label = batch
    return np.mean(np.logaddexp(0.0, outputs(net, x) * (1 - 2 * label)))


def metrics(net, batch):
    x, label = batch
    return {"accuracy": np.mean((outputs(net, x) > 0) == label)}


def run(gradients, data=(X[:150], LABELS[:150]), method=None, params=None, **options):
    chosen = {"epochs": 2, "batch": 32, "eval_every": 60, "metrics": metrics} | options
    return fit(
        chosen.pop("loss", loss),
        first() if params is None else params,
        data,
        method=adam(0.05) if method is None else method,
        validation=(X[150:], LABELS[150:]),
        gradients=gradients,
        **chosen,
    )


def bits(found):
    """Everything of a run but the time it took."""
    reports = [(r.training, r.validation, r.step, r.points) for r in found.history]
    numbers = leaves_of((found.params, found.state.method))
    return repr(reports), [np.asarray(x).tobytes() for x in numbers]


RANKS = pytest.mark.parametrize("ranks", [2, 3, 4, pytest.param(8, marks=pytest.mark.soak)])


@RANKS
@pytest.mark.parametrize("batch", [1, 5, 32, 200])
def test_blocks_give_the_same_bits_for_any_number_of_ranks(ranks, batch):
    data = (X[:150:4], LABELS[:150:4]) if batch == 1 else (X[:150], LABELS[:150])
    work = lambda group: run(Blocks(group=group), data, batch=batch, epochs=1)  # noqa: E731
    alone, shared = work(ALONE), on_ranks(ranks, work)
    for found in shared:
        assert bits(found) == bits(alone)


@RANKS
@pytest.mark.parametrize("batch", [1, 32])
def test_ranks_give_the_same_to_within_rounding(ranks, batch):
    data = (X[:150:4], LABELS[:150:4]) if batch == 1 else (X[:150], LABELS[:150])
    alone = run(None, data, batch=batch)
    shared = on_ranks(ranks, lambda group: run(Gradients(group=group), data, batch=batch))
    for found in shared:
        assert bits(found) == bits(shared[0])
        np.testing.assert_allclose(found.params.w, alone.params.w, rtol=1e-9)
        np.testing.assert_allclose(found.params.scale, alone.params.scale, rtol=1e-9)
        for got, wanted in zip(found.history, alone.history, strict=True):
            assert got.validation.count == wanted.validation.count == 53
            np.testing.assert_allclose(got.training.loss, wanted.training.loss, rtol=1e-9)
            np.testing.assert_allclose(got.validation.loss, wanted.validation.loss, rtol=1e-9)
            assert dict(got.validation.metrics) == pytest.approx(dict(wanted.validation.metrics))
            assert dict(got.training.metrics) == pytest.approx(dict(wanted.training.metrics))


def test_blocks_are_one_run_to_within_rounding():
    np.testing.assert_allclose(run(Blocks()).params.w, run(None).params.w, rtol=1e-9)


def test_a_sum_is_not_weighted():
    def summed(net, batch):
        return loss(net, batch) * len(batch[1])

    options = {"loss": summed, "reduction": "sum", "method": sgd(0.001)}
    alone = run(None, **options)
    for strategy in (Gradients, Blocks):
        shared = on_ranks(3, lambda group: run(strategy(group=group), **options))  # noqa: B023
        for found in shared:
            np.testing.assert_allclose(found.params.w, alone.params.w, rtol=1e-9)
            np.testing.assert_allclose(
                found.history[-1].training.loss, alone.history[-1].training.loss, rtol=1e-9
            )


def test_single_precision_stays():
    data = (X[:150].astype("float32"), LABELS[:150])
    params = first("float32")
    shared = on_ranks(2, lambda group: run(Blocks(group=group), data, params=params))
    alone = run(Blocks(), data, params=params)
    assert shared[0].params.w.dtype == np.float32
    assert bits(shared[0]) == bits(alone)


def test_a_rank_reads_its_own_rows_only():
    class Read:
        def __init__(self, x):
            self.x, self.shape, self.dtype, self.rows = x, x.shape, x.dtype, set()

        def __getitem__(self, which):
            self.rows.update(np.arange(len(self.x))[which].tolist())
            return self.x[which]

    def work(group):
        x = Read(X[:150])
        run(Gradients(group=group), (x, Read(LABELS[:150])), epochs=1, metrics=None)
        return x.rows

    one, other = on_ranks(2, work)
    assert sorted(one | other) == list(range(150))
    assert abs(len(one) - len(other)) <= 5
    assert not one & other


def test_batches_of_a_call_are_shared():
    def batches(epoch):
        for k in range(5):
            rows = slice(k * 30, (k + 1) * 30)
            yield X[rows], LABELS[rows]

    alone = run(Blocks(), batches)
    for found in on_ranks(4, lambda group: run(Blocks(group=group), batches)):
        assert bits(found) == bits(alone)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"batch": 16}, "batch: rank 0 has 32, rank 1 has 16"),
        ({"epochs": 3}, "epochs: rank 0 has 2, rank 1 has 3"),
        ({"params": first("float32")}, "the parameters they begin with: rank 0 has "),
        ({"data": (X[:149], LABELS[:149])}, "the data: rank 0 has 150 samples, rank 1 has 149 "),
    ],
)
def test_ranks_that_were_given_other_things_refuse(other, words):
    def work(group):
        return run(Gradients(group=group), **(other if group.rank else {}))

    with pytest.raises(RanksDifferError, match=f"^the ranks differ in {words}"):
        on_ranks(2, work)


def test_a_loss_of_the_parameters_alone_is_computed_once():
    target = np.array([1.0, 2.0])

    def distance(w):
        return np.sum((w - target) ** 2)

    def work(group, strategy=Gradients):
        gradients = strategy(group=group)
        found = fit(distance, np.zeros(2), method=sgd(0.1), epochs=5, gradients=gradients)
        return found.params, found.history[-1].training.loss

    alone = work(ALONE)
    for strategy in (Gradients, Blocks):
        for params, end in on_ranks(2, lambda group: work(group, strategy)):  # noqa: B023
            np.testing.assert_array_equal(params, alone[0])
            assert end == alone[1]


@pytest.mark.parametrize("strategy", [Gradients, Blocks])
def test_the_wish_of_one_rank_stops_all_behind_the_same_step(strategy):
    def work(group):
        seen = []

        def slow(net, batch):
            seen.append(len(seen))
            return loss(net, batch)

        asked = Agreement(lambda: group.rank == 1 and len(seen) >= 3)
        gradients = strategy(group=group, agreement=asked)
        plan = Plan(
            task=Task(slow),
            data=source_of((X[:160], LABELS[:160])),
            method=adam(0.05),
            batch_size=16,
            gradients=gradients,
        )
        *_, last = train(plan, State(first()), lambda position: asked.reached)
        assert isinstance(last, Stopped)
        return last.state.position, last.state.params.w

    (one, w), (other, same) = on_ranks(2, work)
    assert one == other < 160
    np.testing.assert_array_equal(w, same)


def test_ranks_diverge_together_with_the_words_of_one_process():
    def words(gradients):
        with (
            np.errstate(all="ignore"),
            pytest.raises(DivergedError, match="the loss became") as caught,
        ):
            run(gradients, method=sgd(1e300), loss=lambda n, b: np.sum(n.w**2) + loss(n, b))
        return str(caught.value)

    alone = words(None)
    assert on_ranks(2, lambda group: words(Gradients(group=group))) == [alone, alone]


def test_parameters_that_are_no_floats_have_no_parts():
    text = (
        "^gradients of parts of a batch are added as vectors of floats, and a parameter is a "
        "Fraction; use float or an array of floats"
    )

    def work(gradients):
        fit(lambda x: x * x, Fraction(1, 2), None, method=sgd(1), gradients=gradients)

    with pytest.raises(OptionError, match=text):
        work(Blocks())
    with pytest.raises(OptionError, match=text):
        on_ranks(2, lambda group: work(Gradients(group=group)))


def test_a_group_is_no_part_of_what_a_copy_copies():
    assert isinstance(copy.copy(Gradients()).group, Group)
    assert gx.parallel.BLOCKS == Blocks().parts == 8


def test_a_strategy_for_ranks():
    agreement = Agreement()
    alone = Gradients("sum")
    assert shared(alone, ALONE, agreement, None) == Gradients("sum")
    blocks = shared(alone, ALONE, agreement, 4)
    assert (type(blocks), blocks.reduction, blocks.blocks) == (Blocks, "sum", 4)
    assert blocks.agreement is agreement
    text = (
        "^--deterministic: 5 ranks cannot share the 4 blocks of a batch; start 4 ranks or fewer, "
        "or leave --deterministic out$"
    )
    with pytest.raises(OptionError, match=text):
        on_ranks(5, lambda group: shared(alone, group, agreement, 4))


def test_marks_tell_values_apart():
    assert mark_of(first()) == mark_of(first()) != mark_of(first("float32"))
    assert mark_of({"b": 0.5}) != mark_of({"b": 0.25})
    # Static parts as well: what a loss looks up in them decides the result.
    assert mark_of(np.array([1, 2])) != mark_of(np.array([1, 3]))
    assert mark_of(replace(first(), name="other")) != mark_of(first())
    assert mark_of(np.ones((2, 3))) != mark_of(np.ones((3, 2)))
    assert mark_of((1.0, len)) == mark_of((1.0, max))
