"""Measuring: wrong numbers are refused, every way is called, memory and growth are seen."""

import numpy as np
import pytest

import gradx as gx
from benchmarks import measure, peers
from benchmarks.measure import DisagreementError, How, calls_of, flat, growth, traced
from benchmarks.workload import Setting, Way, Workload

HOW = How(rounds=3, sample=0.0)


def ways(**runs):
    return {name: Way(run) for name, run in runs.items()}


def test_a_way_is_measured_in_every_round():
    found = measure.measure(Workload("w", ways(numpy=lambda: 1.0, gradx=lambda: 1.0), 5), HOW)
    assert found["operations"] == 5
    for row in found["ways"].values():
        assert len(row["seconds"]) == 3
        assert all(s > 0 for s in row["seconds"])
        assert row["calls"] >= 1


def test_gradx_must_compute_the_same_numbers():
    workload = Workload("w", ways(numpy=lambda: np.ones(3), gradx=lambda: np.ones(3) * (1 + 1e-7)))
    with pytest.raises(DisagreementError, match="gradx: other numbers than numpy, by up to 1e-07"):
        measure.measure(workload, HOW)
    workload = Workload("w", ways(numpy=lambda: np.ones(3), gradx=lambda: np.ones(2)))
    with pytest.raises(DisagreementError, match="gradx: 2 numbers instead of 3"):
        measure.measure(workload, HOW)


def test_a_peer_that_fails_or_differs_is_left_out_and_told():
    def broken():
        raise RuntimeError("no luck\nsecond line")

    workload = Workload("w", ways(numpy=lambda: 1.0, torch=lambda: 1.1, jax=broken))
    found = measure.measure(workload, HOW)
    assert list(found["ways"]) == ["numpy"]
    assert found["notes"] == [
        "torch left out: DisagreementError: torch: other numbers than numpy, by up to 0.1",
        "jax left out: RuntimeError: no luck",
    ]


def test_what_steps_in_place_is_put_back_before_each_round():
    array = np.zeros(2)

    def run():
        array[:] += 1
        return array

    in_place = Way(run, reset=lambda: array.fill(0))
    measure.measure(Workload("w", {"numpy": Way(lambda: np.ones(2)), "numba": in_place}), HOW)
    assert array[0] >= 1


def test_ways_that_go_on_are_compared_at_the_end():
    def counting(step):
        total = 0.0

        def run():
            nonlocal total
            total += step
            return total

        return run

    same = Workload("w", ways(numpy=counting(1), gradx=counting(1)), rounds=4)
    assert len(measure.measure(same, HOW)["ways"]["gradx"]["seconds"]) == 4
    other = Workload("w", ways(numpy=counting(1), gradx=counting(2)), rounds=4)
    with pytest.raises(DisagreementError, match="gradx: other numbers than numpy, by up to 4"):
        measure.measure(other, HOW)


def test_a_slow_way_is_left_out():
    clock = iter(range(1000))
    how = How(rounds=3, sample=0.0, budget=5.0, clock=lambda: next(clock))
    found = measure.measure(Workload("w", ways(numpy=lambda: 1.0, jax=lambda: 1.0)), how)
    assert list(found["ways"]) == ["numpy"]
    assert found["notes"] == ["jax left out: a call takes 1.0 s"]


def test_flat_takes_all_sorts():
    assert flat([1.0, (np.ones((2, 2)), [2.0])]).tolist() == [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]


def test_memory_is_what_was_held_at_once():
    def run():
        first, second = np.ones(100_000), np.ones(100_000)
        return first + second

    assert 2_400_000 <= traced(run) < 2_500_000


def test_growth_is_a_ratio_of_times():
    now = 0

    def work(n):
        nonlocal now
        now += n

    how = How(rounds=3, sample=0.0, clock=lambda: now)
    assert growth(lambda: work(10), lambda: work(25), how) == 2.5


def test_calls_of_a_builtin_are_counted_wherever_they_come_from():
    x = np.ones(2)
    assert calls_of(np.zeros, lambda: [np.zeros(3), np.zeros(3)]) == 2
    assert calls_of(np.zeros, lambda: np.zeros_like(x)) == 1  # which calls it
    assert calls_of(np.zeros, lambda: gx.zero(x)) == 1
    assert calls_of(np.zeros, lambda: np.ones(3)) == 0


def test_a_peer_whose_adapter_fails_is_told():
    class Adapter:
        @staticmethod
        def gradient(problem):
            raise TypeError(f"cannot do {problem}")

    setting = Setting(peers={"torch": Adapter})
    assert setting.ways("gradient", "this") == (
        {},
        ("torch left out: TypeError: cannot do this",),
    )
    assert setting.ways("chain", "this") == ({}, ())


def test_every_peer_has_an_adapter():
    from benchmarks.options import PEERS

    assert tuple(peers.ADAPTERS) == PEERS
