"""Fit: what goes wrong, and what it says then."""

import re
import signal
from dataclasses import replace

import numpy as np
import pytest

import gradx as gx
from gradx.optim import Method, accumulate, adam, average, sgd
from gradx.train import (
    Blocks,
    DataError,
    DivergedError,
    Gradients,
    OptionError,
    State,
    batches,
    fit,
)
from tests.train.problems import (
    X,
    Y,
    by_pair,
    line,
)

# --- What goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "how", "text"),
    [
        (
            by_pair,
            {"method": sgd(1e200)},
            "epoch 1, sample 17: the loss became inf; a rate of 1e+200 is too large here, try "
            "1e+199",
        ),
        (
            lambda p, batch: np.log(p.bias - 1.0) + 0.0 * by_pair(p, batch),
            {},
            "epoch 1, sample 1: the loss became nan before the first step; look at the data and "
            "the first parameters, or use gx.debug()",
        ),
        (
            lambda p, batch: np.log(0.05 - p.bias) - np.sum(p.weights) - 9 * p.bias,
            {"method": sgd(lambda step: 0.001 * (step + 1))},
            "epoch 1, sample 33: the loss became nan; a rate of 0.002 is too large here, try "
            "0.0002",
        ),
    ],
)
def test_divergence(loss, how, text):
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match=f"^{re.escape(text)}$"):
        fit(loss, line(), (X, Y), batch=16, **how)


class Unrated(Method):
    """A method of a user's, with no rate."""

    def init(self, params):
        return {"step": 0.0}

    def update(self, gradient, state, params, *, in_place=False):
        return gx.map(lambda p, g: p - 1e200 * g, params, gradient), state


def test_divergence_of_a_method_without_a_rate():
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            DivergedError,
            match=r"^epoch 1, sample \d+: the loss became (inf|nan); take smaller steps, or limit "
            r"the gradient$",
        ),
    ):
        fit(by_pair, line(), (X, Y), method=Unrated())


def test_divergence_on_the_validation_data():
    with pytest.raises(DivergedError, match=r"^epoch 1, sample 53: the loss became inf; a rate"):
        fit(by_pair, line(), (X, Y), validation=(X, np.full(53, np.inf)))


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_in_the_loss_says_where(error):
    params, count = line(), []

    def loss(p, batch):
        count.append(len(batch[0]))
        if len(count) == 7:
            raise error("here")
        return by_pair(p, batch)

    with pytest.raises(error) as caught:
        fit(loss, params, (X, Y), batch=16, epochs=3, method=sgd(0.1))
    assert caught.value.__notes__ == [
        "This was in step 7, in epoch 2 after 32 samples of it; the parameters given to the run "
        "are as they were."
    ]
    assert not params.weights.any()


def test_a_signal_leaves_the_parameters_as_they_are():
    params = {"w": np.zeros(3)}

    def loss(p, batch):
        if p["w"][0] != 0:
            signal.raise_signal(signal.SIGINT)
        return np.sum((batch[0] @ p["w"] - batch[1]) ** 2)

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(loss, params, (X, Y))
    assert "in step 2, in epoch 1 after 32 samples" in caught.value.__notes__[0]
    assert not params["w"].any()


def test_an_error_in_a_callback_says_where():
    def callback(report):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        fit(by_pair, line(), (X, Y), epochs=3, callbacks=[callback])
    assert caught.value.__notes__ == [
        "This was in a callback after step 2, in epoch 1; the parameters given to the run are as "
        "they were."
    ]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (
            {"method": 0.1},
            "method is 0.1; give one of gx.optim, such as gx.optim.sgd(0.1) or gx.optim.adam()",
        ),
        ({"epochs": 0}, "epochs 0: must be 1 or more passes over the data, such as 10"),
        ({"epochs": 2.5}, "epochs 2.5: must be a whole number of passes over the data, such as 10"),
        ({"batch": 0}, "batch 0: must be 1 or more samples a step, such as 32"),
        ({"seed": -1}, "seed -1: must be 0 or above, such as 0"),
        ({"patience": 0}, "patience 0: must be 1 or more reports, such as 5"),
        ({"eval_every": 0}, "eval_every 0: must be 1 or more samples, such as 5000"),
        ({"reduction": "max"}, "reduction 'max': use 'mean' or 'sum'"),
        ({"start": line()}, "start is a Line; give the state of an earlier run, found.state"),
        (
            {"start": State(line(), epoch=2), "epochs": 2},
            "epochs 2: start has 2 behind it, and the number counts from the very first; use 3 or "
            "more",
        ),
        (
            {"metrics": lambda p, batch: 0.5},
            "metrics gave 0.5; give a dict of numbers by name, other than loss and count, such as "
            "{'accuracy': np.mean(right)}",
        ),
        (
            {"metrics": lambda p, batch: {"loss": 0.5}},
            "metrics gave {'loss': 0.5}; give a dict of numbers by name, other than loss and "
            "count, such as {'accuracy': np.mean(right)}",
        ),
    ],
)
def test_options(how, text):
    with pytest.raises(OptionError, match=f"^{re.escape(text)}$"):
        fit(by_pair, line(), (X, Y), **how)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"seed": 1.5}, "seed 1.5: must be a whole number, such as 0"),
        ({"seed": None}, "seed None: must be a whole number, such as 0"),
        ({"callbacks": None}, "callbacks is None; give a list of functions"),
        ({"callbacks": [3]}, "callbacks holds 3; give functions of a report"),
        (
            {"metrics": lambda p, batch: {"each": np.ones(3)}},
            "the metric each is an array of float64, of shape (3,); give one real number for any "
            "batch",
        ),
        (
            {"metrics": lambda p, batch: {"z": 1j}},
            "the metric z is 1j, of type complex; give one real number for any batch",
        ),
        (
            {"metrics": lambda p, batch: {"z": None}},
            "the metric z is None; give one real number for any batch",
        ),
        ({"metrics": lambda p, batch: {1: 2.0}}, "metrics gave 1: 2.0; give one real number by "
         "each name"),
    ],
)  # fmt: skip
def test_options_of_other_types(how, text):
    test_options(how, text)


def test_no_loss():
    with pytest.raises(OptionError, match=r"^loss is 3; give a function of parameters and a batch"):
        fit(3, line(), (X, Y))


@pytest.mark.parametrize(
    ("method", "other"),
    [
        (adam(), sgd(0.1)),
        (adam(), sgd(0.1, momentum=0.5)),
        (sgd(0.1), adam()),
        (sgd(0.1), sgd(0.1, momentum=0.5)),
        (accumulate(adam(), 2), average(adam())),
        (average(adam()), average(sgd(0.1))),
    ],
)
def test_a_run_does_not_go_on_with_another_method(method, other):
    start = fit(by_pair, line(), (X, Y), method=method).state
    text = (
        f"^start is of a run with another method than {type(other).__name__}; give the method of "
        "that run: "
    )
    with pytest.raises(OptionError, match=text):
        fit(by_pair, line(), (X, Y), method=other, epochs=2, start=start)
    assert fit(by_pair, line(), (X, Y), method=method, epochs=2, start=start).state.epoch == 2


def test_a_run_does_not_go_on_with_less_data():
    start = replace(fit(by_pair, line(), (X, Y)).state, epoch=0, position=32)
    text = (
        "the data has 5 rows, fewer than the 32 of this epoch that were trained on before; give "
        "the same as then to go on"
    )
    with pytest.raises(DataError, match=f"^{text}$"):
        fit(by_pair, line(), (X[:5], Y[:5]), start=start)


def test_no_validation_batch_is_told():
    with pytest.raises(DataError, match=r"^validation\(\) gave no batch; give at least one"):
        fit(by_pair, line(), (X, Y), validation=lambda: [])


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_batches_of_no_size_are_refused(size):
    with pytest.raises(OptionError, match=rf"^size {size}: must be .* samples a batch, such as 32"):
        list(batches((X, Y), size))


def test_a_batch_without_rows_is_told():
    text = r"^data\(\) gave an empty batch in epoch 1; leave it out"
    with pytest.raises(DataError, match=text):
        fit(by_pair, line(), lambda: [(X, Y), (X[:0], Y[:0])])


@pytest.mark.parametrize("gradients", [None, Blocks()])
def test_a_loss_in_an_array_of_one_item_is_a_number(gradients):
    def loss(p, x):
        return np.mean((p - x) ** 2, axis=0)

    x = np.linspace(0.0, 1.0, 8)
    found, wanted = (
        fit(loss, np.zeros(shape), data, validation=data, epochs=2, gradients=gradients)
        for shape, data in (((1,), x[:, None]), ((), x))
    )
    assert found.params.shape == (1,) and found.params[0] == wanted.params
    assert found.history[-1].training == wanted.history[-1].training
    assert found.history[-1].validation == wanted.history[-1].validation


@pytest.mark.parametrize("gradients", [Gradients(), Blocks()])
def test_metrics_of_other_names_for_other_samples_have_no_mean(gradients):
    text = (
        "^metrics gave 'odd' for some samples and not for others; give the same names for every "
        "batch$"
    )

    def metrics(p, batch):
        return {"near": 0.5, **({"odd": 1.0} if 0.0 in batch[0] else {})}

    x = np.arange(1800.0).reshape(600, 3)
    with pytest.raises(OptionError, match=text):
        fit(by_pair, line(), (X, Y), validation=(x, x[:, 0]), metrics=metrics, gradients=gradients)


def test_data_and_validation_are_told_apart():
    with pytest.raises(DataError, match=r"^the arrays of validation must have one length"):
        fit(by_pair, line(), (X, Y), validation=(X, Y[:3]))
