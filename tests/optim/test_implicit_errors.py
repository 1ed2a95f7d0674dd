"""Implicit differentiation where it cannot be: what is wrong, and what to write."""

import subprocess
import sys

import numpy as np
import pytest

import gradx as gx
from gradx.errors import NotDifferentiableError, StructureError


def by_hand(matvec, b):
    """A solver of a user: Gaussian elimination on the matrix that the products make."""
    return np.linalg.solve(np.stack([matvec(e) for e in np.eye(b.size)], axis=1), b)


def failing(f, x=1.0):
    return gx.grad(lambda x: np.sum(gx.ravel(f(x))[0]))(x)


def test_an_unknown_linear_solver():
    with pytest.raises(ValueError, match=r"linear='lu'; give one of 'dense', 'cg', 'gmres', or a"):
        gx.implicit(np.sqrt, lambda y, a: y * y - a, "lu")


def test_a_singular_jacobian():
    double = gx.implicit(lambda a: 0.0 * a, lambda y, a: y * y * a)
    many = gx.implicit(lambda a: np.array([a, 0.0]), lambda y, a: np.stack([y[0] + y[1] - a] * 2))
    for f in (double, many):
        with pytest.raises(
            NotDifferentiableError, match=r"singular .* double root, or one of many"
        ):
            failing(f)
    scaled = gx.implicit(lambda a: np.array([a, a]), lambda y, a: (y - a) * np.array([1e-12, 1e12]))
    assert np.isclose(failing(scaled), 2.0)


def test_a_jacobian_that_is_not_finite():
    f = gx.implicit(lambda a: 0.0 * a, lambda y, a: np.sqrt(y) * a)
    with np.errstate(all="ignore"), pytest.raises(NotDifferentiableError, match="not finite; the"):
        failing(f)


def test_no_root():
    for linear in ("dense", "gmres"):
        f = gx.implicit(lambda a: a, lambda y, a: y * y - a, linear)
        with pytest.raises(
            NotDifferentiableError, match=r"no root .* Newton's step .* is 5\.0e-01"
        ):
            failing(f, 2.0)
    rough = gx.implicit(lambda a: a**0.5 + 1e-3, lambda y, a: y * y - a)
    with pytest.raises(NotDifferentiableError, match="pass a larger tolerance="):
        failing(rough, 4.0)
    for tolerance in (1e-2, None):
        loose = gx.implicit(lambda a: a**0.5 + 1e-3, lambda y, a: y * y - a, tolerance=tolerance)
        assert np.isclose(failing(loose, 4.0), 1 / (2 * 2.001))


def test_a_solution_that_is_not_finite():
    f = gx.implicit(lambda a: {"x": a, "y": np.nan}, lambda y, a: y)
    with pytest.raises(
        NotDifferentiableError, match="the solution has numbers that are not finite"
    ):
        failing(f)


def test_a_solution_without_numbers():
    f = gx.implicit(lambda a: [], lambda y, a: y)
    with pytest.raises(NotDifferentiableError, match="solve returned a list without numbers"):
        failing(f)


@pytest.mark.parametrize(
    ("residual", "text"),
    [
        (lambda y, a: y["x"], r"has a value of shape \(2,\), and lacks \['x'\] of shape \(2,\)"),
        (lambda y, a: {"x": y["x"], "y": 0.0}, r"\['y'\] of shape \(2,\), return|has \['y'\] of"),
        (
            lambda y, a: {"x": y["x"][0], "y": y["y"]},
            r"has \['x'\] of shape \(\), and lacks \['x'\]",
        ),
        (lambda y, a: {"x": y["x"] * 1j, "y": y["y"]}, r"has \['x'\] of shape \(2,\) \(complex\)"),
    ],
)
def test_a_residual_of_another_structure(residual, text):
    f = gx.implicit(lambda a: {"x": np.zeros(2), "y": np.zeros(2)}, residual)
    with pytest.raises(StructureError, match=text):
        failing(f)
    with pytest.raises(StructureError, match="an equation for each of its numbers"):
        f(1.0)


def test_cg_needs_a_symmetric_jacobian():
    b = np.array([[2.0, 1.0], [-1.0, 2.0]])
    f = gx.implicit(lambda a: np.linalg.solve(b, a), lambda y, a: b @ y - a, "cg")
    with pytest.raises(NotDifferentiableError, match=r"solver cg did not converge: .* symmetric"):
        failing(f, np.array([1.0, 2.0]))


def test_linear_solvers_that_fail():
    def lazy(matvec, b):
        return 0.9 * by_hand(matvec, b)

    f = gx.implicit(np.sqrt, lambda y, a: y * y - a, lazy)
    with pytest.raises(NotDifferentiableError, match=r"solver lazy did not converge: .* 1\.0e-01"):
        failing(f, np.array([4.0, 9.0]))
    loose = gx.implicit(np.sqrt, lambda y, a: y * y - a, lazy, tolerance=None)
    np.testing.assert_allclose(failing(loose, np.array([4.0, 9.0])), [0.225, 0.15])
    wrong = gx.implicit(np.sqrt, lambda y, a: y * y - a, lambda matvec, b: b[:1])
    with pytest.raises(
        NotDifferentiableError, match=r"returned an array of shape \(1,\) for a right"
    ):
        failing(wrong, np.array([4.0, 9.0]))


def test_batched_parameters():
    f = gx.implicit(np.sqrt, lambda y, a: y * y - a)
    for g in (f, gx.grad(f)):
        with pytest.raises(
            gx.NotLiftedError, match=r"such as gx\.vmap; write a loop over the exam"
        ):
            gx.vmap(g)(np.array([4.0, 9.0]))


def test_a_variable_that_has_escaped():
    kept = []
    gx.grad(lambda a: kept.append(a) or a)(1.0)
    f = gx.implicit(lambda b: b, lambda y, b: y - b * kept[0])
    with pytest.raises(gx.EscapedVarError, match="was used after run"):
        failing(f)


def test_what_needs_scipy_says_so():
    code = """
import sys
sys.modules["scipy"] = None
import numpy as np, gradx as gx
f = gx.implicit(np.sqrt, lambda y, a: y * y - a)
assert np.allclose(gx.grad_bp(f, np.array([4.0])), 0.25)
try:
    gx.grad_bp(gx.implicit(np.sqrt, lambda y, a: y * y - a, "gmres"), np.array([4.0]))
except ImportError as error:
    assert "pip install 'gradx[scipy]'" in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
