"""Logs to read in the tests."""

import json

HEADER = {
    "log": "gradx",
    "version": 1,
    "gradx": "0.1.0",
    "time": "2026-11-29T11:06:16Z",
    "model": "line.py",
    "parameters": 2,
    "settings": {
        "method": "adam",
        "rate": 0.001,
        "batch": 32,
        "hidden": [30, 10],
        "patience": None,
    },
    "checkpoint": None,
    "data": "line.csv",
    "device": "cpu",
}


def report(number, **others):
    """The report with this number, from 1, of epochs of four reports of 100 samples."""
    return {
        "epoch": (number - 1) // 4 + 1,
        "batch": (number - 1) % 4 + 1,
        "points": 100,
        "step": 10 * number,
        "rate": 0.5 / number,
        "training_loss": 2.0 / number,
        "validation_loss": 2.5 / number,
        "training_error": 0.2 / number,
        "validation_error": 0.3 / number,
        "seconds": 0.25 * number,
        **others,
    }


def write_log(path, *lines, end="\n"):
    """A log of these lines, each an object or text."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + end, encoding="utf-8")
    return path


def run_log(path, count=12, **header):
    """The log of a run with a header and some reports."""
    return write_log(path, {**HEADER, **header}, *(report(i) for i in range(1, count + 1)))
