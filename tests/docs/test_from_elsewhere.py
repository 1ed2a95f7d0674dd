"""The tables for those who come from autograd, JAX and PyTorch; `test_tables` runs their examples.

No name that many programs use is missing. Where autograd is installed, its code stands in the first
cell and must give our number.
"""

import re

import numpy as np
import pytest

from tests.docs.blocks import python_blocks
from tests.docs.tables import code_of, examples_of, rows_of, text_of

NAMES = {
    "autograd": (
        "grad grad_named multigrad_dict value_and_grad grad_and_aux elementwise_grad deriv "
        "make_vjp vector_jacobian_product tensor_jacobian_product hessian_vector_product "
        "hessian_tensor_product make_hvp holomorphic_grad jacobian hessian make_jvp "
        "make_jvp_reversemode make_ggnvp checkpoint tuple list dict isinstance type Box VJPNode "
        "JVPNode VSpace vspace SparseObject flatten check_grads const_graph sgd adam rmsprop "
        "primitive defvjp defvjp_argnum defvjp_argnums defjvp defjvp_argnum defjvp_argnums "
        "def_linear notrace_primitive register_notrace tracer core extend util wrap_util builtins "
        "differential_operators"
    ),
    "jax": (
        "grad value_and_grad vjp jvp linearize jacobian jacrev jacfwd hessian checkpoint remat "
        "custom_vjp custom_jvp stop_gradient jit vmap pmap make_jaxpr cond switch fori_loop "
        "while_loop scan random device_put tree_map register_pytree_node ravel_pytree"
    ),
    "pytorch": (
        "backward grad vjp jvp jacrev jacfwd hessian hvp vmap detach no_grad Function gradcheck "
        "detect_anomaly checkpoint compile Module Parameter Linear cross_entropy softmax SGD Adam "
        "parameters state_dict clone item retain_graph create_graph zero_grad requires_grad "
        "register_hook"
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_missing(name):
    said = " ".join(code for _, cells in rows_of(text_of(f"from-{name}.md")) for code in cells[:1])
    words = set(re.findall(r"\w+", said))
    assert sorted(set(NAMES[name].split()) - words) == []


def test_the_names_of_autograd_are_those_it_has():
    autograd = pytest.importorskip("autograd")
    extend = pytest.importorskip("autograd.extend")
    public = {name for module in (autograd, extend) for name in dir(module) if name[0] != "_"}
    assert sorted(public - {"numpy"} - set(NAMES["autograd"].split())) == []


AUTOGRAD = "from-autograd.md"
COMPARED = [
    pytest.param(heading, code_of(cells[0])[0], examples_of(cells)[0][0], id=code_of(cells[0])[0])
    for heading, cells in rows_of(text_of(AUTOGRAD))
    if ")(" in code_of(cells[0])[0]
]


def numbers_of(x):
    """All numbers of a result, of whatever containers and in order."""
    if isinstance(x, dict):
        return np.concatenate([numbers_of(x[key]) for key in sorted(x)])
    parts = [numbers_of(part) for part in x] if isinstance(x, (tuple, list)) else [np.ravel(x)]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def namespaces():
    """The document's definitions with autograd's NumPy and its functions, and with NumPy."""
    autograd = pytest.importorskip("autograd")
    block = next(python_blocks(text_of(AUTOGRAD))).text
    ours, theirs = {}, {}
    exec(block, ours)
    exec(block.replace("import numpy as np", "import autograd.numpy as np"), theirs)
    return ours, {**theirs, **{name: getattr(autograd, name) for name in dir(autograd)}}


@pytest.mark.parametrize(("heading", "theirs", "ours"), COMPARED)
def test_autograd_gives_the_same_number(heading, theirs, ours, namespaces):
    mine, other = eval(ours, dict(namespaces[0])), eval(theirs, dict(namespaces[1]))
    if heading == "Complex numbers":
        other = np.conj(other)
    np.testing.assert_allclose(numbers_of(mine), numbers_of(other), atol=1e-4)


def test_there_are_rows_to_compare():
    assert len(COMPARED) >= 15
