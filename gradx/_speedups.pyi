"""The C extension `_speedups.c`, as type checkers see it."""

SOURCE: int
"""The CRC-32 of the source that it was built from."""

def is_plain_array(value: object, /) -> bool:
    """Whether a value is an array of NumPy's own class."""
