"""Symbolic gradients: a type of values that are formulas.

gradx does not know numbers; it knows values that can be added and multiplied. A formula can, once
`gx.register_number` names its zero and its one. So the gradient of a formula is a formula, and the
function that is differentiated is the one that runs on numbers.
"""

import math

import numpy as np

import gradx as gx


class Formula:
    """A number or the name of a symbol, or an operation with its operands."""

    __match_args__ = ("head", "operands")

    def __init__(self, head, *operands):
        self.head, self.operands = head, operands

    def __add__(self, other):
        return operation("+", self, other)

    def __radd__(self, other):
        return operation("+", other, self)

    def __sub__(self, other):
        return operation("-", self, other)

    def __mul__(self, other):
        return operation("*", self, other)

    def __rmul__(self, other):
        return operation("*", other, self)

    def __truediv__(self, other):
        return operation("/", self, other)

    def __rtruediv__(self, other):
        return operation("/", other, self)

    def __neg__(self):
        return operation("*", -1, self)

    # NumPy's functions call the method of their name on objects that they do not know.
    def sqrt(self):
        return Formula("sqrt", self)

    def sin(self):
        return Formula("sin", self)

    def cos(self):
        return Formula("cos", self)


FUNCTIONS = {"sqrt": math.sqrt, "sin": math.sin, "cos": math.cos}
OPERATORS = {
    "+": (1, lambda a, b: a + b),
    "-": (1, lambda a, b: a - b),
    "*": (2, lambda a, b: a * b),
    "/": (2, lambda a, b: a / b),
}


def operation(name, *operands):
    """An operation, simplified where a 0 or a 1 allows it."""
    if not all(isinstance(x, (Formula, int, float)) for x in operands):
        return NotImplemented  # the other operand may know what to do, as a variable does
    a, b = (x if isinstance(x, Formula) else Formula(x) for x in operands)
    match name, a, b:
        case ("+", Formula(0), rest) | ("*", Formula(1), rest):
            return rest
        case ("+" | "-", rest, Formula(0)) | ("*" | "/", rest, Formula(1)):
            return rest
    return Formula(name, a, b)


def shown(f, around=0):
    """A formula as text, in brackets where it binds less than what is around it."""
    match f:
        case Formula(head, ()):
            return f"{head}"
        case Formula(head, (x,)):
            return f"{head}({shown(x)})"
        case Formula(head, (a, b)):
            strength, _ = OPERATORS[head]
            text = f"{shown(a, strength)} {head} {shown(b, strength + 1)}"
            return f"({text})" if strength < around else text


def evaluated(f, **symbols):
    match f:
        case Formula(head, ()):
            return symbols.get(head, head)
        case Formula(head, operands):
            function = FUNCTIONS[head] if head in FUNCTIONS else OPERATORS[head][1]
            return function(*[evaluated(x, **symbols) for x in operands])


gx.register_number(Formula, zero=Formula(0), one=Formula(1))


def f(x):
    return np.sqrt(x * 4)


def g(x, y, z):
    return np.sqrt(x / y) * z


# The same function on a number and on a symbol; this is the example of the Haskell library.
x, y, z = map(Formula, "xyz")
y_number, slope = gx.backprop(f, 9.0)
y_formula, slope_formula = gx.backprop(f, x)
print(f"sqrt(9 * 4) = {y_number:g}, and its derivative is {slope:.4f}")
print(f"{shown(y_formula)}, and its derivative is {shown(slope_formula)}")
assert shown(slope_formula) == "1 / (2 * sqrt(x * 4)) * 4"
assert evaluated(y_formula, x=9.0) == y_number == 6.0
assert math.isclose(evaluated(slope_formula, x=9.0), slope) and math.isclose(slope, 1 / 3)

gradient = gx.grad_bp(g, x, y, z)
numbers = gx.grad_bp(g, 3.0, 5.0, -2.0)
for name, symbolic, number in zip("xyz", gradient, numbers, strict=True):
    print(f"by {name}: {shown(symbolic)} = {number:.4f}")
    assert math.isclose(evaluated(symbolic, x=3.0, y=5.0, z=-2.0), number)

# A derivative of a derivative is a formula as well.
second = gx.grad_bp(lambda v: gx.grad_bp(lambda w: np.sin(w) * w, v), x)
print("the second derivative of sin(x) * x is", shown(second))
assert math.isclose(evaluated(second, x=0.7), 2 * math.cos(0.7) - 0.7 * math.sin(0.7))
