"""Programs that are killed while they save: run by test_killed.py, in a process of their own.

    python -m tests.files.killed HOW FOLDER KILLS SEED

Each child is a copy of this process (`fork`), so that gradx is imported once. It saves without end
until it is killed; then what lies there is read. The last line says how many children were killed,
how many files were read, and how often a half-written file lay beside.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

import gradx as gx
from gradx.cli import run as training_run
from gradx.cli.app import run
from gradx.train import load

LIKE = {"w": np.zeros(400_000), "more": [np.zeros(10), 0.0]}


def saving(path):
    """Saves values that are all of one number, which grows."""
    number = 0.0
    while True:
        number += 1
        gx.save(path, {"w": np.full(400_000, number), "more": [np.full(10, number), number]})


def whole(path):
    """Whether a value of `saving` is all of one number."""
    found = gx.load(path, LIKE)
    numbers = {found["more"][1], *found["more"][0], *np.unique(found["w"])}
    assert len(numbers) == 1, numbers


def training(path, data):
    """Trains on a few pictures, with an epoch after the other saved, however short they are."""
    training_run._EVERY = 0.0
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    options = ["--epochs", "1000000", "--hidden", "200", "--batch-size", "50", "--quiet"]
    run(["train", "--data", str(data), "--save", str(path), *options])


def trained(path):
    """Whether the model in a file can be used and gone on with."""
    state = load(path).state
    assert state.epoch > 0 and state.position == 0


def two(path, count):
    """Two processes that save to one file, while a third reads it."""
    before = stamp(path)
    children = [forked(saving, path) for _ in range(2)]
    try:
        wait_for_another(path, before)
        for _ in range(count):
            whole(path)
    finally:
        for child in children:
            kill(child)
    return count


def forked(function, *arguments):
    child = os.fork()
    if child == 0:
        try:
            function(*arguments)
        finally:
            os._exit(1)
    return child


def kill(child):
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status


def stamp(path):
    """What changes when a file is replaced."""
    about = path.stat() if path.exists() else None
    return about and (about.st_ino, about.st_mtime_ns)


def wait_for_another(path, before):
    deadline = time.monotonic() + 60
    while stamp(path) == before:
        assert time.monotonic() < deadline, "nothing was saved"
        time.sleep(0.001)


def main(how, folder, kills, seed):
    folder, count, draw = Path(folder), int(kills), random.Random(seed)
    path, begin, look = folder / "a.safetensors", (saving,), whole
    if how == "npz":
        path = folder / "a.npz"
    elif how == "train":
        begin, look = (training, folder / "data"), trained
    elif how == "two":
        print(two(path, count), "read")
        return
    parts = 0
    for _ in range(count):
        before = stamp(path)
        function, *more = begin
        child = forked(function, path, *more)
        wait_for_another(path, before)
        time.sleep(draw.uniform(0.0, 0.02))
        kill(child)
        look(path)
        parts += any(each.suffix == ".part" for each in folder.iterdir())
    print(count, "killed,", parts, "in the middle of a file")


if __name__ == "__main__":
    main(*sys.argv[1:])
