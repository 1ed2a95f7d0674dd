"""gradx_cuda: gradx on CUDA devices, with the arrays of CuPy.

The entry point `cuda` of the group `gradx.backends` names `gradx_cuda.backend:CupyBackend`. This
package is the only place that imports CuPy, and only when a CUDA device is first asked for.
"""
