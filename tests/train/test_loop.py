"""The loop: the same path every time, wherever it is reported on, stopped and gone on with."""

import re
from dataclasses import replace

import numpy as np
import pytest

import gradx as gx
from gradx.backends import Device
from gradx.train import (
    Begun,
    DivergedError,
    Reported,
    Stopped,
    init_net,
    map_net,
    measure_net,
    plan_of,
    train,
)
from gradx.train.data import chunk_stops, sample_order
from gradx.train.model import net_err, net_err_rows, run_net, run_net_rows, step_net
from gradx.train.samples import fingerprint
from tests.train.small import OPTIONS, CountingBackend, data, dataset, first_state, same_net

DATA = data()


def events(options=OPTIONS, state=None, using=DATA, **how):
    return list(train(plan_of(options, using), state or first_state(options), **how))


def reports(found):
    """What of the reports must be the same in every run: all but the time."""
    return [
        replace(event, seconds=0.0, state=None) for event in found if isinstance(event, Reported)
    ]


def last_net(found):
    return found[-1].state.params


class TestModel:
    def test_the_first_network(self):
        net = init_net((784, 250, 10), "float64", 1)
        items = np.concatenate([x.ravel() for layer in net.layers for x in vars(layer).values()])
        assert items.size == 198_760
        assert -0.5 <= items.min() < -0.499 and 0.499 < items.max() < 0.5
        assert abs(items.mean()) < 0.005 and abs(items.var() - 1 / 12) < 0.001

    def test_one_seed_means_one_network_in_either_dtype(self):
        wide, narrow = init_net((4, 3, 10), "float64", 1), init_net((4, 3, 10), "float32", 1)
        assert same_net(map_net(lambda x: x.astype("float32"), wide), narrow)
        assert not same_net(init_net((4, 3, 10), "float64", 2), wide)

    def test_rows_agree_with_single_samples(self):
        net = first_state(replace(OPTIONS, hidden=(8, 5))).params
        xs, targs = DATA.train.images[:7], DATA.train.targets[:7]
        singles = np.stack([run_net(net, x) for x in xs])
        np.testing.assert_allclose(run_net_rows(net, xs), singles, rtol=1e-12)
        mean = np.mean([net_err(x, targ, net) for x, targ in zip(xs, targs, strict=True)])
        np.testing.assert_allclose(net_err_rows(xs, targs, net), mean, rtol=1e-12)

    def test_the_gradient_of_a_batch_is_the_mean_of_the_samples(self):
        net = first_state(OPTIONS).params
        xs, targs = DATA.train.images[:5], DATA.train.targets[:5]
        batch = gx.grad_bp(lambda n: net_err_rows(xs, targs, n), net)
        one = [gx.grad_bp(lambda n, i=i: net_err(xs[i], targs[i], n), net) for i in range(5)]
        mean = (one[0] + one[1] + one[2] + one[3] + one[4]) / 5
        for mine, theirs in zip(batch.layers, mean.layers, strict=True):
            np.testing.assert_allclose(mine.weights, theirs.weights, rtol=1e-9, atol=1e-15)
            np.testing.assert_allclose(mine.bias, theirs.bias, rtol=1e-9, atol=1e-15)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_a_step_by_hand(self, dtype):
        net = map_net(lambda x: x.astype(dtype), first_state(replace(OPTIONS, hidden=(8,))).params)
        x = DATA.train.images[0].astype(dtype)
        targ = DATA.train.targets[0].astype(dtype)
        first, last = net.layers
        y = 1 / (1 + np.exp(-(first.weights @ x + first.bias)))
        z = np.exp(last.weights @ y + last.bias)
        d_last = z / z.sum() - targ
        d_first = last.weights.T @ d_last * y * (1 - y)
        after = step_net(x, targ, 0.1, net)
        expected = [
            (first.weights - 0.1 * np.outer(d_first, x), first.bias - 0.1 * d_first),
            (last.weights - 0.1 * np.outer(d_last, y), last.bias - 0.1 * d_last),
        ]
        tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
        for layer, (weights, bias) in zip(after.layers, expected, strict=True):
            assert layer.weights.dtype == layer.bias.dtype == dtype
            np.testing.assert_allclose(layer.weights, weights, rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(layer.bias, bias, rtol=tolerance, atol=tolerance)


class TestSamples:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_pixels_are_shares_of_ink_and_targets_one_hot(self, dtype):
        raw, placed = dataset(), data(dtype)
        expected = raw.train.images.reshape(200, 36).astype(dtype) / 255
        np.testing.assert_array_equal(placed.train.images, expected.astype(dtype), strict=True)
        assert placed.train.targets.dtype == dtype
        np.testing.assert_array_equal(placed.train.targets.argmax(axis=1), raw.train.labels)
        np.testing.assert_array_equal(placed.train.targets.sum(axis=1), 1)

    def test_the_fingerprint_tells_data_apart(self):
        one, other = dataset(), dataset()
        assert fingerprint(one.train) == fingerprint(other.train) != fingerprint(one.test)
        other.train.labels[0] ^= 1
        assert fingerprint(one.train) != fingerprint(other.train)


class TestEvaluation:
    def test_by_hand(self):
        net = first_state(OPTIONS).params
        which = np.array([3, 1, 4, 1, 5])
        [score, whole] = measure_net(net, [(DATA.train, which), (DATA.test, None)], DATA.backend)
        results = [run_net(net, DATA.train.images[i]) for i in which]
        labels = DATA.train.labels[which]
        wrong = [np.argmax(res) != label for res, label in zip(results, labels, strict=True)]
        losses = [-np.log(res[label]) for res, label in zip(results, labels, strict=True)]
        assert (score.metrics["error"], score.count) == (np.mean(wrong), 5)
        np.testing.assert_allclose(score.loss, np.mean(losses), rtol=1e-12)
        assert whole.count == 50

    def test_in_blocks(self, monkeypatch):
        net = first_state(OPTIONS).params
        parts = [(DATA.train, sample_order(0, 1, 200)[:150]), (DATA.test, None)]
        whole = measure_net(net, parts, DATA.backend)
        monkeypatch.setattr("gradx.train.digits._BLOCK", 36 * 7)
        for one, other in zip(whole, measure_net(net, parts, DATA.backend), strict=True):
            assert one.metrics == other.metrics
            np.testing.assert_allclose(one.loss, other.loss, rtol=1e-12)

    def test_a_sure_and_right_network_has_a_loss_in_spite_of_log_zero(self):
        net = map_net(lambda x: x * 0.0, first_state(OPTIONS).params)
        label = int(DATA.test.labels[0])
        net.layers[-1].bias[label] = 700.0
        net.layers[-1].bias[(label + 1) % 10] = -700.0
        [score] = measure_net(net, [(DATA.test, np.array([0]))], DATA.backend)
        assert score.metrics["error"] == 0.0 and abs(score.loss) < 1e-9


class TestChunks:
    @pytest.mark.parametrize(
        ("count", "batch_size", "report_every", "stops"),
        [
            (12, 1, 5, [5, 10, 12]),
            (10, 1, 5, [5, 10]),
            (12, 1, 100, [12]),
            (12, 5, 1, [5, 10, 12]),
            (12, 5, 6, [10, 12]),
            (12, 12, 5, [12]),
            (1, 1, 1, [1]),
        ],
    )
    def test_stops(self, count, batch_size, report_every, stops):
        assert chunk_stops(count, batch_size, report_every) == stops

    def test_an_order_is_a_permutation_and_its_own_in_each_epoch(self):
        orders = [sample_order(0, 1, 99), sample_order(0, 2, 99), sample_order(1, 1, 99)]
        for order in orders:
            np.testing.assert_array_equal(np.sort(order), np.arange(99))
        assert len({order.tobytes() for order in orders}) == 3
        np.testing.assert_array_equal(sample_order(0, 1, 99), orders[0])


class TestRuns:
    def test_the_course_of_events(self):
        found = events()
        assert [(type(e), e.epoch, e.batch) for e in found] == [
            (kind, epoch, batch)
            for epoch in (1, 2)
            for batch in (1, 2, 3)
            for kind in (Begun, Reported)
        ]
        assert [e.position for e in found if isinstance(e, Begun)] == [0, 70, 140] * 2
        told = [e for e in found if isinstance(e, Reported)]
        assert [e.points for e in told] == [70, 70, 60] * 2
        assert [e.training.count for e in told] == [70, 70, 60] * 2
        assert {e.validation.count for e in told} == {50}
        places = [(e.state.epoch, e.state.position) for e in told]
        assert places == [(0, 70), (0, 140), (1, 0), (1, 70), (1, 140), (2, 0)]
        times = [e.seconds for e in told]
        assert times == sorted(times) and times[0] > 0

    @pytest.mark.parametrize("batch_size", [1, 8])
    def test_it_learns(self, batch_size):
        options = replace(OPTIONS, epochs=30, rate=0.05 * batch_size, batch_size=batch_size)
        final = [e for e in events(options) if isinstance(e, Reported)][-1]
        assert final.validation.metrics["error"] <= 0.1

    @pytest.mark.parametrize("batch_size", [1, 7])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_one_seed_means_one_result(self, batch_size, dtype):
        options = replace(OPTIONS, batch_size=batch_size, dtype=dtype)
        using = data(dtype)
        one, other = events(options, using=using), events(options, using=using)
        assert same_net(last_net(one), last_net(other))
        assert reports(one) == reports(other)
        assert last_net(one).layers[0].weights.dtype == dtype
        another = events(replace(options, seed=4), using=using)
        assert not same_net(last_net(one), last_net(another))

    def test_reports_change_nothing(self):
        often = events(replace(OPTIONS, batch_size=7, report_every=1))
        never = events(replace(OPTIONS, batch_size=7, report_every=10**9))
        assert same_net(last_net(often), last_net(never))
        assert len(reports(often)) == 2 * 29 and len(reports(never)) == 2

    def test_ticks_come_after_each_step(self):
        ticks = []
        events(replace(OPTIONS, batch_size=64), tick=lambda position: bool(ticks.append(position)))
        assert ticks == [64, 128, 192, 200] * 2

    @pytest.mark.parametrize("batch_size", [1, 7])
    def test_a_stopped_run_goes_on_as_if_it_never_had(self, batch_size):
        options = replace(OPTIONS, batch_size=batch_size)
        whole = events(options)
        state, parts = first_state(options), []
        # Stops in the middle of chunks, at the end of one, and at the end of an epoch.
        for at in (7, 35, 70, 140, 147, 200, 63, 10**9):
            part = events(options, state, tick=lambda position, at=at: position >= at)
            parts += part
            state = part[-1].state
        assert [type(e) for e in parts].count(Stopped) == 7
        assert reports(parts) == reports(whole)
        assert same_net(state.params, last_net(whole))

    def test_a_stop_in_the_very_last_step_is_no_stop(self):
        ticks = []

        def tick(position):
            ticks.append(position)
            return len(ticks) == 400

        assert isinstance(events(tick=tick)[-1], Reported)

    def test_another_batch_size_may_take_over_in_the_middle(self):
        found = events(tick=lambda position: position == 33)
        state = found[-1].state
        ticks = []
        events(
            replace(OPTIONS, batch_size=10, epochs=1),
            state,
            tick=lambda position: bool(ticks.append(position)),
        )
        assert ticks[:3] == [40, 50, 60]

    def test_nothing_is_left_to_do(self):
        assert events(replace(OPTIONS, epochs=1), replace(first_state(OPTIONS), epoch=1)) == []

    def test_any_depth(self):
        for hidden in [(4,), (6, 5), (7, 6, 5, 4)]:
            options = replace(OPTIONS, hidden=hidden, epochs=1)
            assert len(last_net(events(options)).layers) == len(hidden) + 1

    @pytest.mark.parametrize("batch_size", [1, 8])
    def test_nothing_goes_to_the_device_or_comes_back_but_for_reports(self, batch_size):
        backend = CountingBackend()
        using = data(chosen=(backend, Device("counting")))
        sent = backend.sent
        assert sent == 6
        events(replace(OPTIONS, batch_size=batch_size), using=using)
        assert backend.sent == sent + 2  # an order for each epoch
        assert backend.read == 6  # once for each report


class TestDivergence:
    def refused(self, options, pattern, state=None):
        with pytest.raises(DivergedError) as caught:
            events(options, state)
        assert re.fullmatch(pattern, str(caught.value)), str(caught.value)

    @pytest.mark.parametrize("batch_size", [1, 8])
    def test_too_large_a_rate(self, batch_size):
        self.refused(
            replace(OPTIONS, rate=5e4, batch_size=batch_size),
            r"epoch 1, sample \d+: the loss became (nan|inf); a rate of 50000 is too large here, "
            "try 5000",
        )

    def test_the_sample_is_named(self):
        net = first_state(OPTIONS).params
        images = DATA.train.images
        order = sample_order(OPTIONS.seed, 1, 200)
        poisoned = data()
        poisoned.train.images[order[99]] = np.nan
        with pytest.raises(
            DivergedError, match=r"^epoch 1, sample 100: the loss became nan; a rate"
        ):
            events(using=poisoned)
        assert np.isfinite(images).all() and same_net(net, first_state(OPTIONS).params)

    def test_a_network_that_overflows_at_once(self):
        state = first_state(OPTIONS)
        state.params.layers[-1].bias[:] = 800.0
        self.refused(
            OPTIONS,
            "epoch 1, sample 1: the loss became nan before the first step, because the network's "
            "outputs overflow; use fewer hidden units or float64",
            state,
        )

    def test_it_is_noticed_when_stopping_too(self):
        with pytest.raises(DivergedError):
            events(replace(OPTIONS, rate=5e4), tick=lambda position: position == 60)

    def test_a_loss_that_is_infinite_on_the_test_set_only(self):
        using = data()
        using.test.images[:] = -1e9
        with pytest.raises(DivergedError, match=r"^epoch 1, sample 70: the loss became (nan|inf);"):
            state = first_state(OPTIONS)
            state.params.layers[0].weights[:] = -1.0
            state.params.layers[1].weights[:, 0] = 200.0
            state.params.layers[1].weights[:, 1:] = 150.0
            events(using=using, state=state)
