"""`v.item()`: the variable of a Python number."""

import numpy as np
import pytest

import gradx as gx

X = np.arange(6.0).reshape(2, 3) + 1.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
@pytest.mark.parametrize("index", [(1,), (-1,), (1, 2), ((0, 1),), ((4,),)], ids=repr)
def test_an_item_is_a_python_number_with_its_gradient(dtype, index):
    x = X.astype(dtype)
    y, g = gx.backprop(lambda v: v.item(*index) * 2.0, x)
    wanted = x.item(*index) * 2.0
    assert (type(y), y) == (type(wanted), wanted)
    assert g.dtype == dtype
    assert np.array_equal(g, np.where(x.item(*index) == x, 2.0, 0.0))


@pytest.mark.parametrize("x", [np.float64(3.0), np.array(3.0), np.array([[3.0]])], ids=repr)
def test_the_only_item(x):
    assert gx.grad(lambda v: gx.grad(lambda w: w.item() ** 3)(v).item())(x) == 18.0


@pytest.mark.parametrize("args", [(), (6,), (-7,), (0, 0, 0), ((),), (1.0,)], ids=repr)
def test_errors_are_numpys(args):
    with pytest.raises((ValueError, IndexError, TypeError)) as numpys:
        X.item(*args)
    with pytest.raises(type(numpys.value)) as ours:
        gx.grad_bp(lambda v: v.item(*args), X)
    assert str(numpys.value) in str(ours.value)
