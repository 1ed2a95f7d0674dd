"""An operation of your own, and a type of your own.

`@gx.lift` takes a function that returns its result and its pullback: what the cotangent of the
result means for each operand. If both are written with functions that gradx knows, derivatives of
derivatives come out right too. `gx.register` says what a class consists of.
"""

import numpy as np

import gradx as gx

# --- An operation ---------------------------------------------------------------------------------


@gx.lift
def softplus(x):
    """``log(1 + exp(x))``, written so that a large x does not overflow."""
    y = np.logaddexp(0.0, x)
    # The derivative is the logistic function, and exp(x - y) is a stable way to write it. In a
    # nested run x and y are variables of the outer run, so the second derivative comes by itself.
    return y, lambda g: g * np.exp(x - y)


x = np.array([-800.0, -1.0, 0.0, 2.0, 800.0])
logistic = np.array([0.0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2)), 1.0])

print("softplus    ", softplus(x))  # on a plain array: the result alone
first = gx.grad_bp(softplus, x)
print("derivative  ", first)
assert np.allclose(first, logistic)

second = gx.grad_bp(lambda v: gx.grad_bp(softplus, v), x)
print("second      ", second)
assert np.allclose(second, logistic * (1 - logistic))


# --- An operation of two operands -----------------------------------------------------------------


@gx.lift
def solve_lower(lower, b):
    """The x in ``lower @ x = b`` by forward substitution.

    gradx could differentiate the loop as it stands, item by item; the pullback is one solve.
    """
    rows = []
    for i in range(len(b)):
        known = sum((lower[i, j] * rows[j] for j in range(i)), 0.0)
        rows.append((b[i] - known) / lower[i, i])
    x = np.stack(rows)

    def pullback(g):
        # lower @ dx = db - dlower @ x, so the cotangent of b solves the transposed system. The
        # cotangent of lower is zero above the diagonal, which the loop never reads.
        h = np.linalg.solve(np.transpose(lower), g)
        return -np.tril(np.outer(h, x)), h

    return x, pullback


lower = np.array([[2.0, 0.0], [1.0, 4.0]])
b = np.array([2.0, 6.0])
gradients = gx.grad_bp(lambda a, v: np.sum(solve_lower(a, v) ** 2), lower, b)
print("of lower    ", gradients[0].tolist())
print("of b        ", gradients[1].tolist())
expected = gx.grad_bp(lambda a, v: np.sum(np.linalg.solve(a, v) ** 2), lower, b)
assert np.allclose(gradients[0], np.tril(expected[0])) and np.allclose(gradients[1], expected[1])


# --- A type ---------------------------------------------------------------------------------------


class Polynomial:
    """A class that is no dataclass, with methods of its own."""

    def __init__(self, coefficients, variable="x"):
        self.coefficients = coefficients
        self.variable = variable

    def __call__(self, x):
        total = 0.0
        for c in reversed(self.coefficients):  # Horner's scheme
            total = total * x + c
        return total


gx.register(Polynomial, children=("coefficients",))

cubic = Polynomial([1.0, -2.0, 0.0, 0.5])
gradient = gx.grad(lambda p: p(2.0))(cubic)  # the method runs, with variables for coefficients
print("of a polynomial at 2:", gradient.coefficients, "in", gradient.variable)
assert gradient.coefficients == [1.0, 2.0, 4.0, 8.0]
assert gx.grad(cubic)(2.0) == -2.0 + 3 * 0.5 * 2.0**2
