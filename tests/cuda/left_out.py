"""What of the op specification does not run on the device yet, by the reason.

Each text names cases; the letters before it say which modes: double, single, complex.
"""

# CuPy refuses an argument that NumPy takes, or lacks the function.
REFUSED = {
    "dsc": """
        choose choose/clip choose/wrap
    """,
}

# gradx makes an array of a constant on the host and mixes it with one of the device.
CONSTANTS = {
    "ds": """
        geomspace interp/grid ldexp nan_to_num pad/variable setxor1d
    """,
    "dsc": """
        add.outer/scalar block/row convolve/scalar diff/edges dot/scalar-matrix ediff1d/ends
        gradient/places gradient/places-edge inner/scalar insert/constant kron/scalar outer/scalar
        power/boolean power/exponents r_ var/mean vdot/scalars
    """,
}

# The signs of singular vectors are free, and two libraries choose differently.
FREE = {
    "ds": """
        svd/2x4
    """,
}

_MODES = {"d": "double", "s": "single", "c": "complex"}

LEFT_OUT: dict[str, tuple[str, ...]] = {
    name: tuple(_MODES[letter] for letter in letters)
    for reason in (
        REFUSED,
        CONSTANTS,
        FREE,
    )
    for letters, names in reason.items()
    for name in names.split()
}
