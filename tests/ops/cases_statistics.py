"""Cases of statistics: covariances, correlations, histograms."""

import numpy as np

from tests.ops.specification import Case, normals, together, uniforms

OF_A_MATRIX = {
    "cov": lambda x: np.cov(x),
    "cov/columns": lambda x: np.cov(x, rowvar=False),
    "cov/bias": lambda x: np.cov(x, bias=True),
    "cov/ddof": lambda x: np.cov(x, ddof=2),
    "cov/fweights": lambda x: np.cov(x, fweights=[1, 2, 0, 3]),
    "cov/both-weights": lambda x: np.cov(x, fweights=[1, 2, 0, 3], aweights=[0.5, 1.0, 2.0, 0.1]),
    "corrcoef": lambda x: np.corrcoef(x),
    "corrcoef/columns": lambda x: np.corrcoef(x, rowvar=False),
}
TWO = {
    "cov/two": lambda x, y: np.cov(x, y),
    "cov/two-columns": lambda x, y: np.cov(x.T, y.T, rowvar=False),
    "corrcoef/two": lambda x, y: np.corrcoef(x, y),
}
VALUES = [0.1, 0.4, 0.45, 1.0, 2.5, -1.0, 0.4]
HISTOGRAMS = {
    "histogram": lambda w: np.histogram(VALUES, bins=3, weights=w)[0],
    "histogram/edges": lambda w: np.histogram(VALUES, bins=[0.0, 0.4, 1.0], weights=w)[0],
    "histogram/range": lambda w: np.histogram(VALUES, 4, (0.0, 1.0), weights=w)[0],
    "histogram/density": lambda w: np.histogram(VALUES, 3, weights=w * w, density=True)[0],
}
POINTS = np.array([[0.1, 1.0], [0.4, -1.0], [0.45, 0.3], [1.0, 0.2], [0.4, 2.0], [-3.0, 0.0]])
CELLS = {
    "histogramdd": lambda w: np.histogramdd(POINTS, bins=(2, 3), weights=w)[0],
    "histogramdd/edges": lambda w: np.histogramdd(
        POINTS, [[0.0, 0.4, 1.0], [0.0, 0.3, 1.0]], weights=w
    )[0],
    "histogramdd/density": lambda w: np.histogramdd(POINTS, 2, density=True, weights=w * w)[0],
    "histogram2d": lambda w: np.histogram2d(*POINTS.T, 2, [(0, 1), (0, 2)], weights=w)[0],
}
BOUNDS = {
    "histogram/bounds": lambda x: np.histogram(x, bins=3)[1],
    "histogram_bin_edges": lambda x: np.histogram_bin_edges(x, 4),
    "histogram2d/bounds": lambda x: np.histogram2d(x, -2 * x, 2, density=True),
    "histogramdd/list": lambda x: np.histogramdd([x, x * x], bins=2)[1],
}

CASES = [
    *[Case(name, ("dot",), call, normals((3, 4))) for name, call in OF_A_MATRIX.items()],
    *[
        Case(name, ("dot", "concatenate"), call, normals((2, 4), (2, 4)))
        for name, call in TWO.items()
    ],
    Case("cov/vector", ("dot", "reshape"), lambda x: np.cov(x), normals((4,))),
    Case("cov/vectors", ("dot",), lambda x, y: np.cov(x, y), normals((4,), (4,))),
    Case("corrcoef/vector", ("divide",), lambda x: np.corrcoef(x), normals((4,))),
    Case(
        "cov/aweights",
        ("dot", "multiply"),
        lambda x, w: np.cov(x, aweights=w),
        together(normals((2, 4)), uniforms(0.5, 2.0, (4,))),
        complex=False,
    ),
    *[Case(name, ("scatter",), call, normals((7,))) for name, call in HISTOGRAMS.items()],
    *[Case(name, ("scatter",), call, normals((6,)), complex=False) for name, call in CELLS.items()],
    *[
        Case(name, ("linspace",), call, normals((5,)), complex=False, abstract=False)
        for name, call in BOUNDS.items()
    ],
]
