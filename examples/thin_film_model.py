"""Light on a stack of thin films: the transfer-matrix method at normal incidence. Plain NumPy."""

from dataclasses import dataclass

import numpy as np

WAVELENGTHS = np.linspace(400.0, 700.0, 61)  # nm
GLASS = 1.52
TITANIA, SILICA = 2.35, 1.46  # refractive indices


@dataclass(frozen=True)
class Coating:
    """Layers from the air to the glass."""

    indices: tuple[float, ...]
    thicknesses: np.ndarray  # nm


def reflectance(coating, wavelengths=WAVELENGTHS):
    """The share of the light that is reflected, for each wavelength.

    A layer of phase p and index n turns the fields at its back into those at its front by the
    matrix [[cos p, i sin p / n], [i n sin p, cos p]].
    """
    electric = np.ones(len(wavelengths), complex)
    magnetic = GLASS * electric
    layers = list(zip(coating.indices, coating.thicknesses, strict=True))
    for index, thickness in reversed(layers):
        phase = 2 * np.pi * index * thickness / wavelengths
        cosine, sine = np.cos(phase), 1j * np.sin(phase)
        electric, magnetic = (
            cosine * electric + sine / index * magnetic,
            index * sine * electric + cosine * magnetic,
        )
    return np.abs((electric - magnetic) / (electric + magnetic)) ** 2


def quarter_waves(indices, wavelength=550.0):
    """Each layer a quarter of a wavelength thick: the textbook's first design."""
    return Coating(indices, np.array([wavelength / 4 / index for index in indices]))


def chart(curves, most, height=8):
    """Curves over the wavelength as text, each with a letter of its own."""
    rows = [[" "] * len(WAVELENGTHS) for _ in range(height)]
    for letter, values in curves.items():
        for column, value in enumerate(values):
            row = min(int(value / most * height), height - 1)
            rows[height - 1 - row][column] = letter
    lines = [f"{most * (height - i) / height:6.1%} |" + "".join(row) for i, row in enumerate(rows)]
    axis = f"{'400 nm':<{len(WAVELENGTHS) - 6}}700 nm"
    return "\n".join([*lines, " " * 7 + "+" + "-" * len(WAVELENGTHS), " " * 8 + axis])
