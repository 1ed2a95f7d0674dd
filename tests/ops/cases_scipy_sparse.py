"""Cases of sparse arrays: of their items, in each format, and of systems of equations."""

import numpy as np
import scipy.sparse

from gradx.scipy import sparse
from gradx.scipy.sparse.linalg import splu, spsolve
from tests.ops.specification import Case, normals, together, uniforms

POINTERS, PLACES = np.array([0, 2, 3, 5]), np.array([0, 2, 1, 0, 2])
ROWS = np.array([0, 0, 1, 2, 2])
FORMATS = {
    "csr": lambda data: sparse.csr_array((data, PLACES, POINTERS), (3, 3)),
    "csc": lambda data: sparse.csc_array((data, PLACES, POINTERS), (3, 3)),
    "coo": lambda data: sparse.coo_array((data, (ROWS, PLACES)), (3, 3)),
    "twice": lambda data: sparse.csr_array((data, ([2, 0, 0, 2, 1], [1, 0, 0, 0, 2])), (3, 3)),
}
CONSTANT = scipy.sparse.csc_array(np.array([[4.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 5.0]]))
FORMS = {
    "transposed": lambda a, x: a.T @ x,
    "left": lambda a, x: x.T @ a,
    "dense": lambda a, x: a.toarray() * x[:, :1].T,
    "arithmetic": lambda a, x: (2.0 * a - a / 3.0 + (-a) * x[0, 0]).tocsc() @ x,
    "sums": lambda a, x: a.sum() + a.sum(0) * a.sum(axis=1) * x[:, 0],
    "by-items": lambda a, x: a.multiply(x @ x.T).tocsr().copy().dot(x),
    "with-dense": lambda a, x: (x @ x.T - a) @ x + (a + x @ x.T) @ x,
    "squared": lambda a, x: (a.T @ a).toarray() + (a @ CONSTANT + CONSTANT.tocsr() @ a) @ x @ x.T,
    "sum-of-two": lambda a, x: (a + 0.1 * CONSTANT.tocsr() - a.T) @ x,
    "sum-of-coo": lambda a, x: (a.tocoo() + a.tocoo() - 2.0 * a.tocoo().T) @ x,
    "converted": lambda a, x: a.tocoo() @ x,
}
MADE = {
    "diags": lambda a, x: sparse.diags([a, a[1:], 2.0], [0, 1, -2], (5, 5)).tocsc() @ x,
    "diags_array": lambda a, x: sparse.diags_array(a, offsets=1, shape=(5, 5), format="csr") @ x,
    "blocks": lambda a, x: (
        sparse.bmat([[FORMATS["csr"](a), None], [CONSTANT, FORMATS["coo"](2.0 * a)]], format="csr")
        @ np.concatenate([x[:3], x[2:]])
    ),
    "stacks": lambda a, x: (
        sparse.vstack([sparse.hstack([FORMATS["csr"](a), CONSTANT[:, :2]]), sparse.eye_array(5)])
        @ x
    ),
    "triangle": lambda a, x: (
        sparse.triu(FORMATS["csr"](a)) @ x[:3] + sparse.tril(FORMATS["csr"](a), -1) @ x[2:]
    ),
    "others": lambda a, x: (
        (sparse.eye(3) @ FORMATS["csr"](a) + sparse.eye(3) - 2.0 * FORMATS["coo"](a)) @ x[1:4]
        + (sparse.eye(3) - FORMATS["csc"](a)) @ x[:3]
    ),
    "constants": lambda a, x: (
        (sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], (5, 5)) @ x) @ (2.0 * sparse.eye_array(5) @ x)
        + a @ sparse.diags(np.arange(5.0)) * x[0]
    ),
}
# Diagonally dominant, whatever the items.
DIAGONAL = np.array([4.0, 0.0, 4.0, 0.0, 4.0])
MATRICES = {
    "csr": lambda data: FORMATS["csr"](data + DIAGONAL),
    "coo": lambda data: FORMATS["coo"](data + DIAGONAL).tocsr(),
}
CASES = [
    *[
        Case(f"sparse/{name}", ("sparse_matmul",), lambda data, x, make=make: make(data) @ x,
             normals((5,), (3, 2) if name != "csc" else (3,)), abstract=False)
        for name, make in FORMATS.items()
    ],
    *[
        Case(f"sparse/{name}", ("sparse_matmul",), lambda data, x, f=f: f(FORMATS["csr"](data), x),
             normals((5,), (3, 2)), abstract=False)
        for name, f in FORMS.items()
    ],
    *[
        Case(f"sparse/spsolve-{name}", ("sparse_solve",),
             lambda data, b, make=make: spsolve(make(data), b),
             together(uniforms(-1, 1, (5,)), normals((3, 2))), complex=False, abstract=False)
        for name, make in MATRICES.items()
    ],
    *[
        Case(f"sparse/splu-{trans}", ("sparse_solve",),
             lambda data, b, trans=trans: splu(MATRICES["csr"](data).tocsc()).solve(b, trans),
             together(uniforms(-1, 1, (5,)), normals((3,))), abstract=False)
        for trans in "NTH"
    ],
    *[
        Case(f"sparse/{name}", ("getitem",) if name != "constants" else ("sparse_matmul",), f,
             normals((5,), (5,)), abstract=False)
        for name, f in MADE.items()
    ],
    Case("sparse/spsolve-constant", ("sparse_solve",), lambda b: spsolve(CONSTANT, b),
         normals((3,)), abstract=False),
]  # fmt: skip
