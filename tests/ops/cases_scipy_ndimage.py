"""Cases of filters of images, in every mode, and of images at any coordinates."""

import numpy as np

from gradx.scipy import ndimage
from tests.ops.specification import Case, normals, together, uniforms

WEIGHTS = np.array([[0.5, -1.0, 2.0, 0.3], [1.0, 0.2, -0.4, 0.0], [0.1, 0.7, 0.0, 1.5]])
FILTERS = {
    "correlate/reflect": lambda x: ndimage.correlate(x, WEIGHTS, origin=(1, -1)),
    "correlate/constant": lambda x: ndimage.correlate(x, WEIGHTS, mode="constant", cval=0.7),
    "correlate/axes": lambda x: ndimage.correlate(x, WEIGHTS[0], axes=(0,)),
    "convolve/mirror": lambda x: ndimage.convolve(x, WEIGHTS, mode="mirror"),
    "convolve/nearest": lambda x: ndimage.convolve(x, WEIGHTS, mode="nearest", origin=(0, 1)),
    "correlate1d/wrap": lambda x: ndimage.correlate1d(x, WEIGHTS[0], 0, mode="wrap"),
    "convolve1d/grid-mirror": lambda x: ndimage.convolve1d(x, WEIGHTS[0], mode="grid-mirror"),
    "gaussian_filter": lambda x: ndimage.gaussian_filter(x, (1.2, 0.5)),
    "gaussian_filter/slope": lambda x: ndimage.gaussian_filter(x, 0.7, (1, 0), mode="nearest"),
    "gaussian_filter1d": lambda x: ndimage.gaussian_filter1d(x, 0.8, radius=2, axis=0),
    "uniform_filter": lambda x: ndimage.uniform_filter(x, (3, 2), mode=["wrap", "mirror"]),
    "uniform_filter1d": lambda x: ndimage.uniform_filter1d(x, 9, mode="mirror"),
    "sobel": lambda x: ndimage.sobel(x, 0),
    "prewitt": lambda x: ndimage.prewitt(x, mode="constant"),
    "laplace": lambda x: ndimage.laplace(x),
}


BY_WEIGHTS = {
    "correlate": lambda x, w: ndimage.correlate(x, w, mode="mirror", origin=(1, -1)),
    "correlate/axes": lambda x, w: ndimage.correlate(x, w[0], mode="constant", axes=(0,)),
    "convolve": lambda x, w: ndimage.convolve(x, w, mode="wrap"),
    "correlate1d": lambda x, w: ndimage.correlate1d(x, w[1], 0),
    "convolve1d": lambda x, w: ndimage.convolve1d(x, w[:, 1], mode="nearest", origin=1),
    "convolve/alone": lambda x, w: ndimage.convolve(np.arange(20.0).reshape(4, 5), w * x[0, 0]),
}


def at(order, mode, **options):
    return lambda x, places: ndimage.map_coordinates(
        x, places, order=order, mode=mode, cval=0.3, **options
    )


PLACES = {
    "linear": at(1, "constant"),
    "cubic": at(3, "constant"),
    "nearest": at(2, "nearest"),
    "mirror": at(3, "mirror"),
    "reflect": at(4, "reflect"),
    "wrap": at(5, "grid-wrap"),
    "coefficients": at(3, "mirror", prefilter=False),
}

CASES = [
    *[
        Case(f"ndimage.{name}", ("valid_correlation",), f, normals((4, 5)))
        for name, f in FILTERS.items()
    ],
    *[
        Case(
            f"ndimage.{name}/by-weights",
            ("tensordot",),
            f,
            together(normals((4, 5)), normals((3, 4))),
            complex=False,
        )
        for name, f in BY_WEIGHTS.items()
    ],
    *[
        Case(
            f"map_coordinates/{name}",
            ("multiply",) if name in ("linear", "coefficients") else ("spline_filter",),
            f,
            together(normals((4, 5)), uniforms(-2.4, 5.4, (2, 3))),
            complex=False,
            abstract=False,
        )
        for name, f in PLACES.items()
    ],
    Case(
        "map_coordinates/steps",
        ("getitem",),
        lambda x: ndimage.map_coordinates(x, [[0.2, 2.7], [1.1, 3.9]], order=0),
        normals((4, 5)),
    ),
]
