"""Sparse Jacobians: beside dense ones, how few calls they take, and what is refused."""

import copy
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse

import gradx as gx
from gradx.sparse.colouring import coloured
from tests.surface.kernels import KERNELS
from tests.surface.test_kernels import parts, with_floats
from tests.surface.test_writing_programs import drawn, quiet, seeds, share_of_blocks
from tests.surface.writing_programs import Differs, arrays_in

__all__ = ["quiet"]

pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")

RNG = np.random.default_rng(5)
U = RNG.normal(size=12)
A = RNG.normal(size=(12, 12)) * (RNG.random((12, 12)) < 0.2)
S = scipy.sparse.csr_array(A)


def tridiagonal(u):
    r = np.empty_like(u)
    r[0], r[-1] = u[0] ** 2, u[-1]
    r[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2] + np.exp(u[1:-1])
    return r


def walled(u):
    v = np.pad(u, 1, constant_values=3.0)
    return v[2:] * v[:-2] - v[1:-1]


# For each function how many items its pattern has.
FUNCTIONS = {
    "written": (tridiagonal, 1 + 1 + 30),
    "padded": (walled, 34),
    "rolled": (lambda u: np.roll(u, 1) * u - np.roll(u, -2), 36),
    "convolved": (lambda u: np.convolve(u, [1.0, 0.0, -1.0], "same"), 22),
    "convolved with itself": (lambda u: np.convolve(u[:3], u[3:6]), 18),
    "matrix": (lambda u: A @ np.sin(u), int((A != 0).sum())),
    "transposed matrix": (lambda u: np.sin(u) @ A, int((A != 0).sum())),
    "sparse matrix": (lambda u: gx.scipy.sparse.csr_array(S) @ u**2, int((A != 0).sum())),
    "matrices": (lambda u: u[:6].reshape(2, 3) @ u[6:].reshape(3, 2), 24),
    "chosen": (lambda u: np.where(u > 0, u, u[::-1]), 24),
    "picked": (lambda u: u[[3, 3, 1]] * u[0], 6),
    "masked": (lambda u: u[u > 0], int((U > 0).sum())),
    "sums": (lambda u: np.sum(u.reshape(3, 4), axis=1), 12),
    "means": (lambda u: np.mean(u.reshape(3, 4), axis=0, keepdims=True), 12),
    "largest": (lambda u: np.max(u.reshape(3, 4), axis=1), 12),
    "outer": (lambda u: np.multiply.outer(u[:3], u[3:5]), 12),
    "joined": (lambda u: np.stack([u[:4], np.sin(u[4:8]), np.ones(4)]), 8),
    "triangle": (lambda u: np.tril(u.reshape(3, 4)), 6),
    "added up": (lambda u: added(u), 12),
    "scaled by a number": (lambda u: u[1:] * u[0], 22),
    "gradient": (gx.grad(lambda u: np.sum((u[1:] - u[:-1]) ** 4)), 34),
    "jumps": (lambda u: np.sign(u) * u, 12),
    "all": (lambda u: np.cumsum(u), 144),
    "solved": (lambda u: np.linalg.solve(np.eye(3), u[:3]), 9),
    "spectrum": (lambda u: np.linalg.svd(u.reshape(3, 4))[1], 36),
    "user": (lambda u: doubled(u[:3]), 9),
    "number": (lambda u: u[2] * 3.0, 1),
    "constant": (lambda u: np.ones(3), 0),
    "nothing": (lambda u: u[:0], 0),
    "itself": (lambda u: u, 12),
}
doubled = gx.lift(lambda x: (2 * gx.value(x), lambda g: 2 * g))


def added(u):
    r = np.zeros_like(u[:3])
    np.add.at(r, [0, 1, 2] * 4, u)
    return r


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sparse_jacobian_is_the_dense_one_and_its_pattern_is_as_small_as_known(name):
    f, count = FUNCTIONS[name]
    wanted = gx.jacobian(f)(U).reshape(-1, 12)
    found = gx.sparse_jacobian(f, U)
    assert type(found) is scipy.sparse.csr_array
    np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-12, atol=1e-12)
    assert gx.sparsity(f, U).pattern.nnz == found.nnz == count


@share_of_blocks(every=6)
def test_random_programs_with_writes(block):
    for seed in seeds(400_000, block, 1_200):
        program, xs, values, _ = drawn(seed)

        def f(vs, program=program, values=values):
            found = arrays_in(program.run(dict(zip(program.inputs, vs, strict=True))))
            return [found[k] for k in values]

        try:
            blocks = gx.jacobian(f)(tuple(xs))
            found = gx.sparse_jacobian(f, tuple(xs)).toarray()
        except (gx.AssignmentError, Differs) as error:  # batch mode has not all views
            assert "a batched array" in str(error)
            continue
        rows = [
            [np.reshape(b, (np.size(y), x.size)) for x, b in zip(xs, row, strict=True)]
            for y, row in zip(values.values(), blocks, strict=True)
        ]
        wanted = np.block(rows) if rows else np.zeros((0, sum(x.size for x in xs)))
        if not np.isfinite(wanted).all():
            continue
        scale = max(1.0, np.abs(wanted).max(initial=0))
        np.testing.assert_allclose(
            found, wanted, rtol=1e-9, atol=1e-9 * scale, err_msg=f"{seed}\n{program.text()}"
        )


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda f: f.__name__)
def test_a_kernel(kernel):
    plain = parts(kernel(*copy.deepcopy(KERNELS[kernel])))
    f, xs = with_floats(kernel, [np.ones(np.shape(y)) for y in plain])
    vector, unravel = gx.ravel(tuple(xs))
    wanted = gx.grad(lambda v: f(*unravel(v)))(vector)
    found = gx.sparse_jacobian(lambda vs: f(*vs), tuple(xs)).toarray()
    np.testing.assert_allclose(found[0], wanted, rtol=1e-9, atol=1e-9)


def test_a_large_tridiagonal_system_takes_few_calls():
    calls = []

    def f(u):
        calls.append(1)
        return tridiagonal(u)

    u = np.linspace(0, 1, 100_000)
    pattern = gx.sparsity(f, u)
    assert (len(calls), pattern.count) == (1, 3)
    found = gx.sparse_jacobian(f, u, pattern)
    assert len(calls) <= 10
    middle = np.concatenate([[2 * u[0]], np.exp(u[1:-1]) - 2, [1.0]])
    sides = np.ones(99_999)
    upper, lower = sides.copy(), sides.copy()
    upper[0] = lower[-1] = 0.0
    wanted = scipy.sparse.diags_array([lower, middle, upper], offsets=[-1, 0, 1])
    assert abs(found - wanted).max() < 1e-12


def test_many_colours_are_found_in_parts():
    u = RNG.normal(size=1_200)
    found = gx.sparse_jacobian(lambda u: np.sum(u**3, keepdims=True), u)
    np.testing.assert_allclose(found.toarray(), [3 * u**2])


@dataclass
class Chain:
    name: str
    stiffness: float
    places: np.ndarray


def test_rows_and_columns_are_those_of_ravel():
    chain = Chain("c", 2.0, np.array([1.0, 3.0, 7.0]))

    def f(c):
        gaps = c.places[1:] - c.places[:-1]
        return {"forces": c.stiffness * gaps, "first": c.places[0]}

    found = gx.sparse_jacobian(f, chain)
    np.testing.assert_array_equal(
        found.toarray(), [[2.0, -2.0, 2.0, 0.0], [4.0, 0.0, -2.0, 2.0], [0.0, 1.0, 0.0, 0.0]]
    )
    assert found.nnz == 7
    singles = gx.sparse_jacobian(lambda x: x[1:] * x[0], np.float32([2, 3, 4]))
    assert singles.dtype == np.float32


def test_a_pattern_is_kept_and_does_not_change_with_the_matrices():
    pattern = gx.sparsity(tridiagonal, U)
    assert repr(pattern) == "Sparsity(12 × 12, 32 items, 3 colours)"
    first = gx.sparse_jacobian(tridiagonal, U, pattern)
    first.data[:] = 0
    first.indices[:] = 0
    second = gx.sparse_jacobian(tridiagonal, 2 * U, pattern)
    np.testing.assert_allclose(second.toarray(), gx.jacobian(tridiagonal)(2 * U))
    given = gx.sparse_jacobian(tridiagonal, U, pattern=np.ones((12, 12)))
    np.testing.assert_allclose(given.toarray(), gx.jacobian(tridiagonal)(U))


def test_no_row_has_two_columns_of_a_colour():
    for density in (0.01, 0.1, 0.5):
        pattern = scipy.sparse.random_array((60, 50), density=density, rng=RNG, format="csr") != 0
        colours = coloured(pattern.tocsr())
        for row in range(60):
            columns = pattern[[row]].nonzero()[1]
            assert len(set(colours[columns])) == len(columns)
    assert coloured(scipy.sparse.csr_array((3, 4), dtype=bool)).tolist() == [0, 0, 0, 0]


def test_a_pattern_that_lacks_an_item_is_found():
    near = gx.sparsity(lambda u: u[1:] * u[:-1], U)
    with pytest.raises(gx.StructureError, match="lacks an item of the Jacobian in row 0"):
        gx.sparse_jacobian(lambda u: u[1:] * u[:-1] + 1e-3 * u[::-1][1:], U, near)
    with pytest.raises(gx.StructureError, match=r"of shape \(11, 12\), and the input has 5 num"):
        gx.sparse_jacobian(lambda u: u, U[:5], near)
    with pytest.raises(gx.StructureError, match=r"and the result has 12 numbers; find it anew"):
        gx.sparse_jacobian(lambda u: u, U, near)


def test_what_cannot_be_done_for_all_at_once_is_done_one_by_one():
    def f(u):
        m = np.zeros((3, 3))
        m = m + 0 * u[0]
        np.einsum("ii->i", m)[...] = u[:3] ** 2
        return m

    found = gx.sparse_jacobian(f, U)
    wanted = np.zeros((9, 12))
    wanted[[0, 4, 8], [0, 1, 2]] = 2 * U[:3]
    np.testing.assert_allclose(found.toarray(), wanted)


def test_without_scipy_there_is_all_else_and_it_says_what_to_install():
    program = """
import sys
sys.modules["scipy"] = None
import gradx as gx
assert gx.taylor(lambda x: x * x, 3.0, 2) == (9.0, 6.0, 2.0)
gx.sparse_jacobian
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'gradx[scipy]'" in done.stderr.splitlines()[-1]


def test_what_is_refused():
    with pytest.raises(gx.NotDifferentiableError, match="complex"):
        gx.sparse_jacobian(lambda u: u, U + 1j)
    with pytest.raises(gx.NotDifferentiableError, match="complex"):
        gx.sparsity(lambda u: 1j * u, U)
    with pytest.raises(gx.NotDifferentiableError, match="cast it with"):
        gx.sparsity(lambda u: u, np.arange(3))
    with pytest.raises(
        ValueError, match=r"cumsum gives may each depend on 20000 numbers.*linearize"
    ):
        gx.sparsity(np.cumsum, np.ones(20_000))
    with pytest.raises(gx.ConversionError, match="here are variables of an outer run"):
        gx.grad(lambda u: np.sum(gx.sparse_jacobian(lambda v: v * v, u).data))(U)
    with pytest.raises(gx.ConversionError, match="here are variables of an outer run"):
        gx.grad(lambda c: np.sum(gx.sparse_jacobian(lambda v: v * c, U).data))(2.0)
    known = gx.sparsity(lambda v: v, U)
    with pytest.raises(gx.ConversionError, match="here are variables of an outer run"):
        gx.grad(lambda c: np.sum(gx.sparse_jacobian(lambda v: v * c, U, known).data))(2.0)
    kept = []
    gx.sparsity(lambda u: kept.append(u) or u, U)
    with pytest.raises(gx.EscapedVarError, match="was used after run"):
        kept[0] * 2
