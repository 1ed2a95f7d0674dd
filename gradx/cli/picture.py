"""Pictures in text: a digit's pixels and the bars of its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SHADES = " .:-=+*#%@"
_BAR = 40


def draw(image: NDArray[np.float64]) -> str:
    """Draw an image in characters, two rows of pixels to a line of text.

    A character is about twice as high as it is wide, so the picture keeps its shape.

    Args:
        image: (rows, columns), 0 for paper to 1 for ink.

    >>> print(draw(np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])))
     @
    @
    """
    rows = np.concatenate([image, image[-1:]]) if len(image) % 2 else image
    levels = (rows[::2] + rows[1::2]) / 2 * (len(_SHADES) - 1)
    return "\n".join(
        "".join(_SHADES[level] for level in line).rstrip() for line in np.rint(levels).astype(int)
    )


def bars(probabilities: Sequence[float]) -> str:
    """A bar for each probability, the largest marked.

    >>> print(bars([0.25, 0.75]))
    0 |##########                              |  25.0%
    1 |##############################          |  75.0% <
    """
    best = int(np.argmax(probabilities))
    return "\n".join(
        f"{digit} |{'#' * round(_BAR * p):{_BAR}}| {100 * p:5.1f}%{' <' if digit == best else ''}"
        for digit, p in enumerate(probabilities)
    )
