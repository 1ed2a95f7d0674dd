"""Cases of Fourier transforms: lengths that crop and pad, even and odd, axes, norms."""

import numpy as np

import gradx as gx
from tests.ops.specification import Case, normals

# A call, and the shape of its operand.
FFT = {
    "fft": (lambda x: np.fft.fft(x), (6,)),
    "fft/odd": (lambda x: np.fft.fft(x), (2, 5)),
    "fft/one": (lambda x: np.fft.fft(x), (2, 1)),
    "fft/padded": (lambda x: np.fft.fft(x, 8), (2, 5)),
    "fft/cropped": (lambda x: np.fft.fft(x, 3), (2, 5)),
    "fft/axis": (lambda x: np.fft.fft(x, axis=0, norm="ortho"), (4, 2, 3)),
    "fft/negative-axis": (lambda x: np.fft.fft(x, 5, -2, "forward"), (2, 4, 3)),
    "fft/no-rows": (lambda x: np.fft.fft(x), (0, 4)),
}
IFFT = {
    "ifft": (lambda x: np.fft.ifft(x), (6,)),
    "ifft/padded": (lambda x: np.fft.ifft(x, 7), (2, 5)),
    "ifft/cropped": (lambda x: np.fft.ifft(x, n=4), (2, 5)),
    "ifft/axis": (lambda x: np.fft.ifft(x, axis=0, norm="ortho"), (4, 2, 3)),
    "ifft/forward": (lambda x: np.fft.ifft(x, axis=-2, norm="forward"), (3, 2)),
}
RFFT = {
    "rfft": (lambda x: np.fft.rfft(x), (6,)),
    "rfft/odd": (lambda x: np.fft.rfft(x), (2, 5)),
    "rfft/one": (lambda x: np.fft.rfft(x), (2, 1)),
    "rfft/two": (lambda x: np.fft.rfft(x), (2, 2)),
    "rfft/padded": (lambda x: np.fft.rfft(x, 8), (2, 5)),
    "rfft/cropped": (lambda x: np.fft.rfft(x, 4), (2, 7)),
    "rfft/axis": (lambda x: np.fft.rfft(x, axis=0, norm="ortho"), (4, 2, 3)),
    "rfft/forward": (lambda x: np.fft.rfft(x, 5, -2, "forward"), (2, 4, 3)),
}
IHFFT = {
    "ihfft": (lambda x: np.fft.ihfft(x), (6,)),
    "ihfft/odd": (lambda x: np.fft.ihfft(x), (2, 5)),
    "ihfft/padded": (lambda x: np.fft.ihfft(x, 8), (2, 5)),
    "ihfft/cropped": (lambda x: np.fft.ihfft(x, 3), (2, 7)),
    "ihfft/axis": (lambda x: np.fft.ihfft(x, axis=0, norm="ortho"), (4, 2, 3)),
    "ihfft/forward": (lambda x: np.fft.ihfft(x, axis=-2, norm="forward"), (3, 2)),
}
IRFFT = {
    "irfft": (lambda x: np.fft.irfft(x), (4,)),
    "irfft/odd": (lambda x: np.fft.irfft(x, 7), (2, 4)),
    "irfft/one": (lambda x: np.fft.irfft(x, 1), (2, 3)),
    "irfft/two": (lambda x: np.fft.irfft(x), (2, 2)),
    "irfft/padded": (lambda x: np.fft.irfft(x, 10), (2, 4)),
    "irfft/cropped": (lambda x: np.fft.irfft(x, 4), (2, 5)),
    "irfft/axis": (lambda x: np.fft.irfft(x, axis=0, norm="ortho"), (4, 2, 3)),
    "irfft/forward": (lambda x: np.fft.irfft(x, 5, -2, "forward"), (2, 4, 3)),
}
HFFT = {
    "hfft": (lambda x: np.fft.hfft(x), (4,)),
    "hfft/odd": (lambda x: np.fft.hfft(x, 7), (2, 4)),
    "hfft/padded": (lambda x: np.fft.hfft(x, 11), (2, 4)),
    "hfft/cropped": (lambda x: np.fft.hfft(x, 4), (2, 5)),
    "hfft/axis": (lambda x: np.fft.hfft(x, axis=0, norm="ortho"), (4, 2, 3)),
    "hfft/forward": (lambda x: np.fft.hfft(x, axis=-2, norm="forward"), (3, 2)),
}

FFTN = {
    "fftn": (lambda x: np.fft.fftn(x), (2, 3, 4)),
    "fftn/axes": (lambda x: np.fft.fftn(x, axes=(2, 0), norm="ortho"), (2, 3, 4)),
    "fftn/lengths": (lambda x: np.fft.fftn(x, (4, -1), (-1, 0), "forward"), (2, 2, 3)),
    "fftn/no-axes": (lambda x: np.fft.fftn(x, axes=()), (2, 3)),
    "fft2": (lambda x: np.fft.fft2(x), (2, 3, 4)),
    "fft2/lengths": (lambda x: np.fft.fft2(x, (2, 5)), (3, 4)),
}
IFFTN = {
    "ifftn": (lambda x: np.fft.ifftn(x), (2, 3, 4)),
    "ifftn/axes": (lambda x: np.fft.ifftn(x, (3, 3), [0, -1], "forward"), (2, 2, 4)),
    "ifft2": (lambda x: np.fft.ifft2(x, norm="ortho"), (3, 4)),
    "ifft2/axes": (lambda x: np.fft.ifft2(x, axes=(0, 1)), (2, 3, 2)),
}
RFFTN = {
    "rfftn": (lambda x: np.fft.rfftn(x), (2, 3, 4)),
    "rfftn/axes": (lambda x: np.fft.rfftn(x, axes=(2, 0), norm="ortho"), (3, 2, 2)),
    "rfftn/one-axis": (lambda x: np.fft.rfftn(x, axes=(0,)), (3, 2)),
    "rfftn/lengths": (lambda x: np.fft.rfftn(x, (4, -1), (1, 2), "forward"), (2, 3, 5)),
    "rfft2": (lambda x: np.fft.rfft2(x), (2, 3, 4)),
    "rfft2/lengths": (lambda x: np.fft.rfft2(x, (2, 5)), (3, 4)),
}
IRFFTN = {
    "irfftn": (lambda x: np.fft.irfftn(x), (2, 3, 3)),
    "irfftn/axes": (lambda x: np.fft.irfftn(x, axes=(2, 0), norm="ortho"), (3, 2, 2)),
    "irfftn/one-axis": (lambda x: np.fft.irfftn(x, axes=(0,)), (3, 2)),
    "irfftn/lengths": (lambda x: np.fft.irfftn(x, (4, 5), (1, 2), "forward"), (2, 3, 4)),
    "irfft2": (lambda x: np.fft.irfft2(x), (2, 3, 4)),
    "irfft2/lengths": (lambda x: np.fft.irfft2(x, (2, 5)), (3, 4)),
}

# A name for each, the ops, the call and the shape of its operand.
TWICE = {
    "fftn/axis-twice": (("fft",), lambda x: np.fft.fftn(x, axes=(0, 0)), (3, 2)),
    "fftn/axis-twice-lengths": (("fft",), lambda x: np.fft.fftn(x, (2, 5), (0, -2)), (3, 2)),
    "ifftn/axis-twice": (("ifft",), lambda x: np.fft.ifftn(x, (4, 2, 3), (0, 1, 0)), (3, 2)),
    "irfftn/axis-twice": (("ifft", "irfft"), lambda x: np.fft.irfftn(x, axes=(0, 0)), (3, 2)),
}
SHIFTS = {
    "fftshift": (("fftshift",), lambda x: np.fft.fftshift(x), (3, 4)),
    "fftshift/axis": (("fftshift",), lambda x: np.fft.fftshift(x, 1), (2, 5)),
    "fftshift/axes": (("fftshift",), lambda x: np.fft.fftshift(x, (0, -1)), (3, 2, 5)),
    "ifftshift": (("ifftshift",), lambda x: np.fft.ifftshift(x), (3, 4)),
    "ifftshift/axis": (("ifftshift",), lambda x: np.fft.ifftshift(x, axes=-1), (2, 5)),
}
COMPOSED = {
    "spectrum/fft": (("fft",), lambda x: np.abs(np.fft.fft(x)), (2, 5)),
    "spectrum/ifft": (("ifft",), lambda x: np.abs(np.fft.ifft(x, norm="ortho")), (6,)),
    "spectrum/fft-padded": (("fft",), lambda x: np.abs(np.fft.fft(x, 8)), (2, 5)),
    "spectrum/fft-cropped": (("fft",), lambda x: np.abs(np.fft.fft(x, 3)), (2, 5)),
    "spectrum/fft-axis": (("fft",), lambda x: np.abs(np.fft.fft(x, axis=0)), (4, 2)),
    "spectrum/ifft-padded": (("ifft",), lambda x: np.abs(np.fft.ifft(x, 7)), (2, 5)),
    "spectrum/fft2": (("fftn",), lambda x: np.abs(np.fft.fft2(x)), (3, 4)),
    "spectrum/ifft2": (("ifftn",), lambda x: np.abs(np.fft.ifft2(x)), (3, 4)),
    "spectrum/fftn": (("fftn",), lambda x: np.abs(np.fft.fftn(x)), (2, 3, 2)),
    "spectrum/fftn-axes": (
        ("fftn",),
        lambda x: np.abs(np.fft.fftn(x, (4, 3), (2, 0), "ortho")),
        (2, 3, 4),
    ),
    "spectrum/ifftn": (("ifftn",), lambda x: np.abs(np.fft.ifftn(x)), (2, 3, 2)),
    "spectrum/shifted": (("fftshift",), lambda x: np.abs(np.fft.fftshift(np.fft.fft(x))), (5,)),
    "spectrum/filtered": (
        ("fft", "ifft"),
        lambda x: np.real(np.fft.ifft(np.fft.fft(x) * np.fft.fft(np.sin(x)))),
        (6,),
    ),
}
REAL = {
    "spectrum/rfft": (("rfft",), lambda x: np.abs(np.fft.rfft(x)), (2, 6)),
    "spectrum/rfft-padded": (("rfft",), lambda x: np.abs(np.fft.rfft(x, 8)), (2, 5)),
    "spectrum/rfft-cropped": (("rfft",), lambda x: np.abs(np.fft.rfft(x, 4)), (2, 7)),
    "spectrum/rfft2": (("rfftn",), lambda x: np.abs(np.fft.rfft2(x)), (3, 4)),
    "spectrum/rfftn": (("rfftn",), lambda x: np.abs(np.fft.rfftn(x)), (2, 3, 4)),
    "spectrum/convolution": (
        ("rfft", "irfft"),
        lambda x: np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(np.sin(x)), 6),
        (6,),
    ),
    "rfftn/axis-twice": (("fft", "rfft"), lambda x: np.fft.rfftn(x, axes=(0, 0)), (4, 2)),
}


def rows(op, table, **options):
    """Cases of one op."""
    return [
        Case(name, (op,), call, normals(shape), **options) for name, (call, shape) in table.items()
    ]


def mixed(table, **options):
    """Cases that each name their ops."""
    return [
        Case(name, ops, call, normals(shape), **options)
        for name, (ops, call, shape) in table.items()
    ]


CASES = [
    *rows("fft", FFT),
    *rows("ifft", IFFT),
    *rows("rfft", RFFT, complex=False),
    *rows("ihfft", IHFFT, complex=False),
    *rows("irfft", IRFFT),
    *rows("hfft", HFFT),
    *rows("fftn", FFTN),
    *rows("ifftn", IFFTN),
    *rows("rfftn", RFFTN, complex=False),
    *rows("irfftn", IRFFTN),
    *mixed(TWICE),
    *mixed(SHIFTS),
    *mixed(COMPOSED),
    *mixed(REAL, complex=False),
    Case("fft/list", ("fft",), lambda x, y: gx.numpy.fft.fft([x, y]), normals((), ())),
]
