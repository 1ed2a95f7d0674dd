"""Cases of the methods of ufuncs: reduce, accumulate, reduceat and outer."""

import numpy as np

from tests.ops.specification import Case, distinct, normals, uniforms

MASK = np.array([[True], [False], [True]])
RUNNING = {
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "minimum.accumulate": lambda x: np.minimum.accumulate(x),
    "fmax.accumulate": lambda x: np.fmax.accumulate(x, axis=-1),
    "fmin.accumulate": lambda x: np.fmin.accumulate(x),
}
SUMS = {
    "add.reduceat": lambda x: np.add.reduceat(x, [0, 2], axis=1),
    "add.reduceat/first": lambda x: np.add.reduceat(x, [1, 2]),
    "add.reduceat/twice": lambda x: np.add.reduceat(x, [2, 0, 0, 1], axis=-1),
}
FOLDS = {
    "subtract.reduce": lambda x: np.subtract.reduce(x),
    "subtract.reduce/initial": lambda x: np.subtract.reduce(x, 1, initial=3.0, keepdims=True),
    "subtract.reduce/where": lambda x: np.subtract.reduce(x, initial=0.5, where=MASK),
    "subtract.accumulate": lambda x: np.subtract.accumulate(x, axis=1),
    "divide.reduce": lambda x: np.divide.reduce(x, axis=-1),
    "divide.accumulate": lambda x: np.divide.accumulate(x),
    "divide.reduce/where": lambda x: np.divide.reduce(x, initial=2.0, where=MASK, keepdims=True),
    "power.reduce": lambda x: np.power.reduce(x),
    "power.reduce/where": lambda x: np.power.reduce(x, initial=1.5, where=MASK),
    "power.accumulate": lambda x: np.power.accumulate(x, axis=1),
    "arctan2.reduceat": lambda x: np.arctan2.reduceat(x, [0, 2], axis=1),
    "multiply.reduceat": lambda x: np.multiply.reduceat(x, [1, 0], axis=0),
    "maximum.reduceat": lambda x: np.maximum.reduceat(x, [0, 1, 3], axis=1),
    "logaddexp.accumulate": lambda x: np.logaddexp.accumulate(x),
    "hypot.accumulate": lambda x: np.hypot.accumulate(x, axis=1),
    "floor_divide.accumulate": lambda x: np.floor_divide.accumulate(x),
}
OF_FOLDS = {
    "maximum.reduceat": "reductions.max",
    "multiply.reduceat": "prod",
    "floor_divide.accumulate": "stack",
}
REAL = ("arctan2", "maximum", "logaddexp", "hypot", "floor_divide")
OUTER = {
    "add.outer": ("add", lambda a, b: np.add.outer(a, b)),
    "hypot.outer": ("hypot", lambda a, b: np.hypot.outer(a, b)),
    "power.outer/singles": (
        "power",
        lambda a, b: np.power.outer(a, b, dtype=np.result_type(a, b)),
    ),
}

CASES = [
    *[
        Case(
            name,
            (name.replace("imum.accumulate", "_running").replace(".accumulate", "_running"),),
            call,
            distinct((3, 4)),
            complex=False,
            reference=None,
        )
        for name, call in RUNNING.items()
    ],
    *[
        Case(name, ("add_reduceat",), call, normals((3, 4)), reference=None)
        for name, call in SUMS.items()
    ],
    *[
        Case(
            name,
            (OF_FOLDS.get(name, name.partition(".")[0]),),
            call,
            uniforms(0.5, 2.0, (3, 4)),
            complex=not name.startswith(REAL),
            reference=None,
        )
        for name, call in FOLDS.items()
    ],
    *[
        Case(name, (op,), call, uniforms(0.5, 2.0, (2,), (2, 2)), complex=False, reference=None)
        for name, (op, call) in OUTER.items()
    ],
]
