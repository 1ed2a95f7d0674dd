"""Every case of the op specification as a sparse Jacobian, which is the dense one."""

import numpy as np
import pytest

import gradx as gx
from tests.ops.test_specification import frozen, per_case, quiet

__all__ = ["quiet"]


@per_case(every=12)
def test_a_sparse_jacobian_is_the_dense_one(case, rng):
    xs = frozen(case.make(rng))
    vector, unravel = gx.ravel(xs)

    def f(vs):
        return case.call(*vs)

    try:
        wanted = gx.jacobian(lambda v: gx.ravel(f(unravel(v)))[0])(vector)
    except gx.NotDifferentiableError as error:
        with pytest.raises(gx.NotDifferentiableError, match="complex"):
            gx.sparse_jacobian(f, xs)
        pytest.skip(str(error))
    pattern = gx.sparsity(f, xs)
    found = gx.sparse_jacobian(f, xs, pattern)
    np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-6, atol=1e-8)
    assert found.nnz == pattern.pattern.nnz
