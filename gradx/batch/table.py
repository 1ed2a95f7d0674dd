"""The table of batching rules: from an op to the function that does it for all examples.

What is elementwise needs no entry. An op that has none, and is not elementwise, is done in a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gradx.batch import (
    axes,
    chosen,
    elementwise,
    indexing,
    loops,
    matrices,
    products,
    queries,
    shaping,
)
from gradx.batch.loops import looped
from gradx.batch.operands import Rule, has_operands
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from gradx.numpy.queries import looked_at

__all__ = ["looped_ops", "rule_beside", "rule_of"]


def _each(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


def _named(names: str) -> str:
    return " ".join(f"scipy.linalg.{name}" for name in names.split())


_RULES: Mapping[str, Rule] = MappingProxyType(
    # --- Items ------------------------------------------------------------------------------------
    _each(elementwise.elementwise, "larger_modulus bias_activation complex.conjugate")
    | _each(elementwise.computed, "computed")
    | _each(elementwise.formed, "in_form number")
    | _each(elementwise.fraction, "math.modf")
    | _each(elementwise.hypotenuse, "math.hypot")
    | _each(chosen.pieces, "pieces")
    | _each(elementwise.polynomial, "polyval")
    | _each(elementwise.powers, "vander")
    | _each(elementwise.choose, "choose")
    | _each(elementwise.like, "filled_like")
    # --- Reductions and running results -----------------------------------------------------------
    | _each(axes.reduced, "sum mean prod var std max min nanmax nanmin norm power_norm")
    | _each(axes.reduced, "hypot_over logaddexp_over logaddexp2_over scipy.special.logsumexp")
    | _each(axes.summed, "sum_of_all")
    | _each(axes.along(), "cumsum cumprod max_running min_running fmax_running fmin_running")
    | _each(axes.along(), "add_reduceat sort partition windows repeat used")
    | _each(axes.along(), "softmax log_softmax softmax_backward")
    | _each(axes.along(), "scipy.special.softmax scipy.special.log_softmax")
    | _each(axes.along(), "fft ifft rfft irfft hfft ihfft cosine_transform sine_transform")
    | _each(axes.along(), "spline_filter")
    | _each(axes.along("shape"), "overlapped embedded_diagonal")
    | _each(axes.along_all, "fftn ifftn rfftn irfftn fftshift ifftshift")
    | _each(axes.together, "softmax_cross_entropy")
    | _each(axes.rows_and_labels, "label_cross_entropy")
    | _each(axes.spread, "bias_backward")
    | _each(axes.beside_rows, "softmax_cross_entropy_backward label_cross_entropy_backward")
    # --- Shapes -----------------------------------------------------------------------------------
    | _each(shaping.moved, " ".join(shaping.TRANSLATED))
    | _each(shaping.raveled, "ravel")
    | _each(shaping.broadcast, "broadcast_to")
    | _each(shaping.tiled, "tile")
    | _each(shaping.padded, "pad")
    | _each(axes.rolled, "roll")
    | _each(axes.spaced, "linspace")
    | _each(axes.joined, "concatenate stack")
    # --- Places -----------------------------------------------------------------------------------
    | _each(indexing.taken, "getitem take")
    | _each(indexing.scattered, "scatter")
    | _each(indexing.added, "added_at")
    | _each(indexing.put, "put")
    | _each(indexing.written, "written")
    | _each(indexing.along_places, "take_along_axis add_along_axis")
    | _each(indexing.gathered, "gather scatter_added")
    | _each(elementwise.elementwise, "stop_gradient")
    # --- Products ---------------------------------------------------------------------------------
    | _each(products.matmul, "matmul dot")
    | _each(products.inner, "dot_of_vectors")
    | _each(products.outer, "outer_of_vectors")
    | _each(products.einsum, "einsum")
    | _each(products.contracted, "tensordot dot_of_stacks")
    | _each(products.stacked_vectors((True, True)), "vecdot")
    | _each(products.stacked_vectors((False, True)), "matvec")
    | _each(products.stacked_vectors((True, False)), "vecmat")
    | _each(products.rows_by_weights, "linear")
    | _each(products.convolved, "convolve")
    | _each(products.correlated, "valid_correlation")
    | _each(products.filtered, "lfilter")
    | _each(products.columns(0), "spline_values spline_spread spline_coefficients")
    | _each(products.columns(1), "sparse_matmul sparse_solve")
    # --- Matrices ---------------------------------------------------------------------------------
    | _each(matrices.stacked, "inv det slogdet cholesky cofactors pinv pinv_of_part qr tril triu")
    | _each(matrices.stacked, "cofactors_turned cofactors_turned_twice")
    | _each(matrices.stacked, "eig eigh eigvals eigvalsh svd svdvals matrix_rank")
    | _each(matrices.values_and_matrices, "of_eigenvalues of_singular_values")
    | _each(matrices.solved, "solve")
    | _each(matrices.stacked, _named("det inv eigvals eigvalsh svdvals pinv cholesky expm sqrtm"))
    | _each(matrices.stacked, _named("qr svd eigh eig pinv_of_part"))
    | _each(matrices.estimated, _named("logm"))
    | _each(matrices.solved, _named("solve solve_triangular"))
)


_OF_ONE_NUMBER = frozenset(
    {"math.erf", "math.erfc", "math.gamma", "math.lgamma", "math.remainder", "cmath.rect"}
)
"""Elementwise ops that take no arrays."""


def rule_of(op: Op) -> Rule:
    """The batching rule of an op."""
    rule = _RULES.get(op.name)
    if rule is not None and (OPS.get(op.name) is op or Property.ELEMENTWISE in op.properties):
        return rule
    if op.forward is looked_at:
        return queries.query
    alone = op.name in _OF_ONE_NUMBER
    return (
        elementwise.elementwise if Property.ELEMENTWISE in op.properties and not alone else looped
    )


_OF_BATCHED_PARAMETERS = frozenset(
    module.__name__ for module in (chosen, elementwise, indexing, loops)
)


def rule_beside(rule: Rule, params: Any) -> Rule:
    """A batching rule, or the loop, where a parameter differs between the examples.

    Places, masks and conditions may, which the rules of a few modules know.
    """
    if rule.__module__ in _OF_BATCHED_PARAMETERS or not has_operands(params):
        return rule
    return looped


def looped_ops() -> list[str]:
    """The names of gradx's ops that `gx.vmap` does in a loop over the examples.

    >>> "roots" in looped_ops()
    True
    >>> "matmul" in looped_ops()
    False
    """
    return sorted(
        name for name, op in OPS.items() if not op.pullback_form and rule_of(op) is looped
    )
