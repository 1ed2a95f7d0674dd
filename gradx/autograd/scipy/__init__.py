"""`autograd.scipy`: SciPy's functions, as `gradx.scipy` has them."""
