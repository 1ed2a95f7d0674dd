"""The accuracy of the announcement's experiment, over several seeds.

The goal: after 35,000 points of the first epoch the median validation error is at most 6.5 %; the
announcement reports 5.85 % for its one run.

    python benchmarks/accuracy.py [--seeds 5] [--points 35000]
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace

from gradx import mnist
from gradx.backends import resolve
from gradx.train import Data, Options, Reported, State, init_net, place, plan_of, threads_for, train

GOAL = 0.065


def validation_error(data: Data, options: Options, points: int) -> float:
    """The validation error of one seed after so many points of the first epoch."""
    state = State(init_net((784, *options.hidden, 10), options.dtype, options.seed))
    with threads_for(options.batch_size):
        for event in train(plan_of(options, data), state):
            if isinstance(event, Reported) and event.state.position >= points:
                assert event.validation is not None
                return event.validation.metrics["error"]
    raise SystemExit(f"an epoch has fewer than {points:,} points")


def main() -> None:
    """Print a line a seed, and the median."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--points", type=int, default=35_000)
    chosen = parser.parse_args()
    backend, device = resolve("cpu")
    options = Options(report_every=chosen.points)
    data = place(mnist.load(), options.dtype, backend, device)
    errors = []
    for seed in range(chosen.seeds):
        errors.append(validation_error(data, replace(options, seed=seed), chosen.points))
        print(f"seed {seed}: validation error {errors[-1]:.2%} after {chosen.points:,} points")
    median = statistics.median(errors)
    verdict = "reached" if median <= GOAL else "missed"
    print(f"median {median:.2%}; goal {GOAL:.1%} {verdict} (announcement: 5.85 %, one run)")


if __name__ == "__main__":
    main()
