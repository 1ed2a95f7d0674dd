"""Cases of indexing: taking items by index, by condition, by bounds and by value."""

import numpy as np

import gradx.numpy as gnp
from tests.ops.specification import Case, distinct, normals, together, uniforms

MASK = np.array([[True, False, True, True], [False, True, True, True], [True, True, False, True]])
WHICH = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]])

INDICES = {
    "number": 0,
    "negative": -1,
    "numpy-number": np.int64(1),
    "slice": slice(None, None, 2),
    "backwards": slice(None, None, -1),
    "nothing": slice(1, 1),
    "ellipsis": Ellipsis,
    "newaxis": None,
    "empty-tuple": (),
    "item": (0, 1),
    "ellipsis-newaxis": (Ellipsis, None, 1),
    "list": [0, 2],
    "list-repeats": [0, 0, 2],
    "list-empty": np.array([], int),
    "array-2d": np.array([[0, 1], [1, -1]]),
    "arrays": (np.array([0, 0, 1]), np.array([1, 1, 2])),
    "arrays-broadcast": (np.array([[0], [2]]), np.array([1, 1, 3])),
    "array-slice": ([0, 1], slice(0, 2)),
    "slice-array": (slice(None), [1, 1]),
    "array-newaxis": (None, [0, 2, 2], slice(None)),
    "arrays-apart": ([0, 1], None, [2, 2]),
    "mask": MASK,
    "mask-rows": np.array([True, False, True]),
    "mask-none": np.zeros((3, 4), bool),
    "mask-array": (np.array([True, False, True]), [1, 1]),
    "ix": np.ix_([0, 2], [1, 1, 3]),
}

CASES = [
    *[
        Case(f"getitem/{name}", ("getitem",), lambda x, i=index: x[i], normals((3, 4)))
        for name, index in INDICES.items()
    ],
    Case("getitem/0-d", ("getitem",), lambda x: x[()], normals(())),
    Case("getitem/0-d-newaxis", ("getitem",), lambda x: x[None], normals(())),
    Case("getitem/several", ("getitem",), lambda x: x[0] * x + x[:, 0:1] * x[-1], normals((3, 4))),
    Case("getitem/every", ("getitem",), lambda x: x[0] * x[1] + x[2] * x[0] * x[3], normals((4,))),
    Case("getitem/dense-too", ("getitem",), lambda x: x * x[0], normals((4,))),
    Case("getitem/of-item", ("getitem",), lambda x: x[1:][0][2] * x[0], normals((3, 4))),
    # Taking
    Case(
        "take",
        ("take",),
        lambda x: np.take(x, [[0, 11], [3, -1]]),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take/axis",
        ("take",),
        lambda x: np.take(x, [0, 2, 2], axis=1),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take/number",
        ("take",),
        lambda x: np.take(x, 2, axis=1),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take/empty",
        ("take",),
        lambda x: np.take(x, [], axis=1),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take/wrap",
        ("take",),
        lambda x: np.take(x, [0, 5, -7], axis=1, mode="wrap"),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take/clip",
        ("take",),
        lambda x: np.take(x, [0, 5, -7], axis=1, mode="clip"),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take_along_axis",
        ("take_along_axis", "add_along_axis"),
        lambda x: np.take_along_axis(x, np.array([[1, 1], [0, 3], [2, 0]]), axis=1),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take_along_axis/first",
        ("take_along_axis", "add_along_axis"),
        lambda x: np.take_along_axis(x, np.array([[1, 1, 0, 2]]), axis=0),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "take_along_axis/flat",
        ("take_along_axis", "add_along_axis"),
        lambda x: np.take_along_axis(x, np.array([3, 3, 0]), axis=None),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "compress",
        ("take",),
        lambda x: np.compress([True, False, True], x, axis=0),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "compress/flat",
        ("take",),
        lambda x: np.compress([False, True], x),
        normals((3, 4)),
        reference=None,
    ),
    Case("extract", ("take",), lambda x: np.extract(MASK, x), normals((3, 4)), reference=None),
    Case(
        "bincount",
        ("scatter",),
        lambda w: np.bincount(np.array([0, 2, 2, 5]), w, 8),
        normals((4,)),
        reference=None,
        complex=False,
    ),
    # Choosing
    Case("where", ("where",), lambda x, y: np.where(MASK, x, y), normals((3, 4), (3, 4))),
    Case("where/broadcast", ("where",), lambda x, y: np.where(MASK, x, y), normals((4,), (3, 1))),
    Case("where/scalars", ("where",), lambda x, y: np.where(MASK, x, y), normals(float, float)),
    Case("where/constant", ("where",), lambda x: np.where(MASK, x, 0), normals((3, 4))),
    Case("where/number", ("where",), lambda x, y: np.where(True, x, y), normals(float, float)),
    Case(
        "where/compared",
        ("where",),
        lambda x: np.where(x > 0, x * x, -x),
        distinct((3, 4)),
        complex=False,
    ),
    Case(
        "where/empty",
        ("where",),
        lambda x, y: np.where(x > y, x, y),
        normals((0, 2), (2,)),
        complex=False,
    ),
    Case(
        "choose",
        ("choose",),
        lambda x, y: np.choose(WHICH, [x, y]),
        normals((3, 4), (4,)),
        reference=None,
    ),
    Case(
        "choose/wrap",
        ("choose",),
        lambda x, y: np.choose(WHICH + 2, [x, y], mode="wrap"),
        normals((3, 4), (3, 1)),
        reference=None,
    ),
    Case(
        "choose/clip",
        ("choose",),
        lambda x, y: np.choose(3 * WHICH - 1, [x, y], mode="clip"),
        normals((3, 4), (3, 4)),
        reference=None,
    ),
    Case(
        "select",
        ("where",),
        lambda x, y: gnp.select([MASK, WHICH > 0], [x * x, 2 * y], 0.5),
        normals((3, 4), (4,)),
        reference=None,
    ),
    Case(
        "select/default",
        ("where",),
        lambda x, y: gnp.select([WHICH > 0], [x], y),
        normals((3, 4), ()),
        reference=None,
    ),
    # Bounds
    Case(
        "clip",
        ("clip",),
        lambda x: np.clip(x, -0.31, 0.32),
        distinct((3, 4)),
        complex=False,
    ),
    Case(
        "clip/upper",
        ("minimum",),
        lambda x: np.clip(x, None, 0.32),
        distinct((3, 4)),
        complex=False,
    ),
    Case(
        "clip/keyword",
        ("maximum",),
        lambda x: np.clip(x, min=0.03),
        distinct((3, 4)),
        complex=False,
        reference=None,
    ),
    Case("clip/none", ("copy",), lambda x: np.clip(x, None, None), distinct((3, 4))),
    Case(
        "clip/bounds",
        ("clip",),
        lambda x, a, b: np.clip(x, a, b),
        together(distinct((3, 4)), uniforms(-0.51, -0.31, (4,)), uniforms(0.31, 0.41, (3, 1))),
        complex=False,
        reference=None,
    ),
    # Sets
    Case(
        "unique",
        ("getitem",),
        lambda x: np.unique(x),
        distinct((3, 4)),
        complex=False,
        reference=None,
        abstract=False,
    ),
    Case(
        "unique/axis",
        ("getitem",),
        lambda x: np.unique(x, axis=0),
        distinct((3, 4)),
        complex=False,
        reference=None,
        abstract=False,
    ),
    *[
        Case(
            name,
            ("getitem",),
            lambda x, y, f=name: getattr(np, f)(x, y),
            distinct((3,), (4,)),
            complex=False,
            reference=None,
            abstract=False,
        )
        for name in ("union1d", "setxor1d", "setdiff1d")
    ],
]
