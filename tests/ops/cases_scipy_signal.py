"""Cases of signals, Fourier transforms of SciPy's, and distances."""

from gradx.scipy import fft, signal
from gradx.scipy.spatial import distance
from tests.ops.specification import Case, normals, signed, together, uniforms

CONVOLUTIONS = {
    "convolve/full": (lambda a, b: signal.convolve(a, b), [(5,), (3,)]),
    "convolve/same": (lambda a, b: signal.convolve(a, b, "same"), [(4, 5), (2, 3)]),
    "convolve/valid": (lambda a, b: signal.convolve(a, b, "valid"), [(2, 3), (4, 4)]),
    "convolve/fft": (lambda a, b: signal.convolve(a, b, "same", "fft"), [(5,), (4,)]),
    "correlate/full": (lambda a, b: signal.correlate(a, b), [(3, 4), (2, 5)]),
    "correlate/same": (lambda a, b: signal.correlate(a, b, "same"), [(3,), (6,)]),
    "correlate/valid": (lambda a, b: signal.correlate(a, b, "valid"), [(3,), (6,)]),
    "fftconvolve": (lambda a, b: signal.fftconvolve(a, b), [(5,), (3,)]),
    "fftconvolve/axes": (
        lambda a, b: signal.fftconvolve(a, b, "same", axes=1),
        [(2, 5), (1, 3)],
    ),
}
STATED = {
    "lfilter/state": lambda b, a, x, zi: signal.lfilter(b, a, x, 0, zi),
    "lfilter/state-first": lambda b, a, x, zi: signal.lfilter(b, a, x[:1], 0, zi),
}
SMOOTHED = {
    "savgol_filter": lambda x: signal.savgol_filter(x, 5, 2),
    "savgol_filter/even": lambda x: signal.savgol_filter(x, 4, 1, axis=0),
    "savgol_filter/slope": lambda x: signal.savgol_filter(x, 3, 2, 1, 0.5, 0, "mirror"),
}
TRANSFORMS = {
    "fft": lambda x: fft.fft(x, 6, 0, "ortho", workers=1),
    "ifft2": lambda x: fft.ifft2(x),
    "fftn": lambda x: fft.fftn(x, (3, 4), norm="forward"),
    "irfft": lambda x: fft.irfft(x, 5),
}
OF_REALS = {
    "rfft": lambda x: fft.rfft(x),
    "rfftn": lambda x: fft.rfftn(x),
    "ihfft": lambda x: fft.ihfft(x, axis=0),
}


def cosines(type, norm):
    return lambda x: fft.dct(x, type, norm=norm)


def sines(type, norm):
    return lambda x: fft.dst(x, type, norm=norm)


METRICS = {
    "euclidean": {},
    "sqeuclidean": {},
    "cityblock": {},
    "chebyshev": {},
    "minkowski": {"p": 3},
    "cosine": {},
    "correlation": {},
    "canberra": {},
    "braycurtis": {},
    "seuclidean": {},
    "mahalanobis": {},
}
WEIGHTED = ("euclidean", "minkowski", "cosine", "correlation", "canberra")
POINTS = together(signed((3, 2)), uniforms(0.1, 2.0, (2, 2)))


def apart(metric, **options):
    return lambda a, b: distance.cdist(a, b, metric, **options)


CASES = [
    *[
        Case(f"signal.{name}", ("convolve_along",), f, normals(*shapes))
        for name, (f, shapes) in CONVOLUTIONS.items()
    ],
    Case(
        "signal.lfilter",
        ("lfilter",),
        lambda b, a, x: signal.lfilter(b, a, x),
        together(normals((3,)), signed((2,)), normals((2, 5))),
        tolerance=1e-5,
    ),
    Case(
        "signal.lfilter/short",
        ("lfilter",),
        lambda b, a, x: signal.lfilter(b, a, x, axis=0),
        together(normals((2,)), signed((4,)), normals((2, 2))),
    ),
    *[
        Case(
            f"signal.{name}",
            ("lfilter",),
            f,
            together(normals((3,)), signed((3,)), normals((4, 2)), normals((2, 2))),
            tolerance=1e-5,
        )
        for name, f in STATED.items()
    ],
    *[
        Case(f"signal.{name}", ("valid_correlation",), f, normals((7, 6)), complex=False)
        for name, f in SMOOTHED.items()
    ],
    *[
        Case(f"scipy.fft/{name}", ({"ifft2": "ifftn"}.get(name, name),), f, normals((4, 3)))
        for name, f in TRANSFORMS.items()
    ],
    *[
        Case(f"scipy.fft/{name}", (name,), f, normals((4, 3)), complex=False)
        for name, f in OF_REALS.items()
    ],
    *[
        Case(f"scipy.{name}/{type}-{norm}", (op,), make(type, norm), normals((2, 4)))
        for name, op, make in (
            ("dct", "cosine_transform", cosines),
            ("dst", "sine_transform", sines),
        )
        for type in (1, 2, 3, 4)
        for norm in ("ortho", "backward")
    ],
    Case(
        "scipy.dct/inverse",
        ("cosine_transform",),
        lambda x: fft.idct(x, 2, 5, 0) + fft.idst(x, 3, 5, 0, "forward") + fft.dct(x, n=5, axis=0),
        normals((7, 2)),
    ),
    *[
        Case(f"cdist/{name}", ("subtract",), apart(name, **options), POINTS, complex=False)
        for name, options in METRICS.items()
        if name != "cosine"
    ],
    Case("cdist/cosine", ("multiply",), apart("cosine"), POINTS, complex=False),
    *[
        Case(
            f"distance/{name}",
            ("sum",),
            lambda u, v, w, name=name: getattr(distance, name)(u, v, w=w),
            together(signed((4,)), signed((4,)), uniforms(0.5, 1.0, (4,))),
            complex=False,
            abstract=False,  # some of them are Python numbers
        )
        for name in WEIGHTED
    ],
    Case(
        "pdist/squareform",
        ("getitem",),
        lambda x: distance.squareform(distance.pdist(x, "seuclidean")),
        normals((4, 2)),
        complex=False,
    ),
    Case(
        "pdist/back",
        ("getitem",),
        lambda x: distance.squareform(distance.cdist(x, x)) * distance.pdist(x, "mahalanobis"),
        normals((4, 2)),
        complex=False,
        abstract=False,
    ),
]
