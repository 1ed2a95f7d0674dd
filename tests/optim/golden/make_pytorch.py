"""Writes pytorch.json: PyTorch's run of 100 steps of each method, and its schedules' rates.

python -m venv VENV && VENV/bin/pip install torch==2.13.0 numpy
VENV/bin/python tests/optim/golden/make_pytorch.py
"""

import json
from pathlib import Path

import numpy as np
import problem
import torch
from torch.optim import lr_scheduler

METHODS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05}),
    "sgd with momentum": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.8}),
    "sgd with Nesterov's momentum": (
        torch.optim.SGD,
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
    ),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.02}),
    "rmsprop with momentum": (
        torch.optim.RMSprop,
        {"lr": 0.02, "alpha": 0.9, "eps": 1e-6, "momentum": 0.7},
    ),
    "adam": (torch.optim.Adam, {"lr": 0.05}),
    "adam with other options": (torch.optim.Adam, {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 0.05}),
    "adamw with weight decay": (torch.optim.AdamW, {"lr": 0.05, "weight_decay": 0.3}),
}
SHOWN = (1, 2, 10, 100)


def run(make, options, schedule=None):
    """The parameters after some steps, by name."""
    params = {name: torch.tensor(x, dtype=torch.float64) for name, x in problem.start().items()}
    optimizer = make(list(params.values()), **options)
    scheduler = None if schedule is None else schedule(optimizer)
    shown = {}
    for step in range(problem.STEPS):
        found = problem.gradient({name: x.detach().numpy() for name, x in params.items()}, step)
        for name, x in params.items():
            x.grad = torch.tensor(np.asarray(found[name]), dtype=torch.float64)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if step + 1 in SHOWN:
            shown[step + 1] = {name: x.numpy().tolist() for name, x in params.items()}
    return shown


def cosine(optimizer, steps):
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=0.001)


SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.5),
    "piecewise": lambda o: lr_scheduler.MultiStepLR(o, milestones=[10, 35, 36], gamma=0.3),
    "cosine": lambda o: cosine(o, 60),
    "warmup": lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 8, total_iters=7),
    "warmup and cosine": lambda o: lr_scheduler.SequentialLR(
        o,
        [
            lr_scheduler.LinearLR(o, start_factor=1 / 8, total_iters=7),
            lr_scheduler.CosineAnnealingLR(o, T_max=52),
        ],
        milestones=[8],
    ),
    "one cycle": lambda o: lr_scheduler.OneCycleLR(
        o, max_lr=0.1, total_steps=61, cycle_momentum=False
    ),
    "one cycle with other options": lambda o: lr_scheduler.OneCycleLR(
        o,
        max_lr=0.1,
        total_steps=61,
        pct_start=0.45,
        div_factor=10,
        final_div_factor=100,
        cycle_momentum=False,
    ),
}


def rates(make):
    """The rates of 60 steps."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = make(optimizer)
    found = []
    for _ in range(60):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def main():
    golden = {
        "torch": torch.__version__,
        "methods": {name: run(*given) for name, given in METHODS.items()},
        "schedules": {name: rates(make) for name, make in SCHEDULES.items()},
    }
    golden["methods"]["adam with a schedule"] = run(
        torch.optim.Adam, {"lr": 0.05}, lambda o: cosine(o, problem.STEPS)
    )
    path = Path(__file__).with_name("pytorch.json")
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
