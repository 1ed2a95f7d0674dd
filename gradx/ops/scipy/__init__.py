"""The ops whose forward is a function of SciPy: imported by `gradx.scipy`, and SciPy with them."""

try:
    import scipy as _scipy  # noqa: F401 - to say what to install before anything else is imported
except ImportError as error:
    raise ImportError(
        "gradx.scipy calls SciPy, which is not here; install it with: pip install 'gradx[scipy]'",
        name="scipy",
    ) from error
