"""autograd: a program written for autograd runs where ``gradx.autograd`` stands in its imports.

The names, arguments and conventions are those of HIPS autograd: ``grad(fun, argnum)``, gradients by
complex numbers that are not conjugated, `misc.optimizers`, `extend.primitive`. The functions are
those of gradx, so the values a program differentiates are its plain run's, to the bit.

>>> import gradx.autograd.numpy as np
>>> from gradx.autograd import grad
>>> grad(lambda x, y: np.sin(x) * y, argnum=1)(0.0, 2.0)
0.0
"""

from gradx.autograd.builtins import dict, isinstance, list, tuple, type
from gradx.autograd.operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)

__all__ = [
    "checkpoint",
    "deriv",
    "dict",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isinstance",
    "jacobian",
    "list",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "tuple",
    "type",
    "value_and_grad",
    "vector_jacobian_product",
]
