"""Types that users bring: a quaternion, a sparse vector, a symbolic expression.

Each is ordinary code without a word of gradx in it but the registration at its end.
"""

from __future__ import annotations

import math

import numpy as np

import gradx as gx

__all__ = ["Expression", "Quaternion", "Sparse", "register_all", "symbol"]


# ---- A quaternion: a number with four parts, whose product does not commute ----------------------


class Quaternion:
    """``w + x i + y j + z k``."""

    __slots__ = ("w", "x", "y", "z")

    def __init__(self, w, x=0.0, y=0.0, z=0.0):
        self.w, self.x, self.y, self.z = w, x, y, z

    def __add__(self, other):
        return Quaternion(*(a + b for a, b in zip(self, other, strict=True)))

    def __mul__(self, other):
        a, b = self, other
        return Quaternion(
            a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        )

    def __abs__(self):
        return np.sqrt(sum(part * part for part in self))

    def __iter__(self):
        return iter((self.w, self.x, self.y, self.z))

    def __eq__(self, other):
        return isinstance(other, Quaternion) and tuple(self) == tuple(other)

    __hash__ = None

    def __repr__(self):
        return f"Quaternion({self.w}, {self.x}, {self.y}, {self.z})"

    def conjugate(self):
        return Quaternion(self.w, -self.x, -self.y, -self.z)

    def unit(self):
        size = abs(self)
        return Quaternion(*(part / size for part in self))

    def rotate(self, v):
        """The vector, shape (3,), turned by this quaternion, which need not be a unit."""
        q = self.unit()
        turned = q * Quaternion(0.0, v[0], v[1], v[2]) * q.conjugate()
        return np.stack([turned.x, turned.y, turned.z])


# ---- A sparse vector: the gradient knows only the entries that it touches ------------------------


class Sparse:
    """A vector of a length of which few entries are not zero."""

    def __init__(self, n, entries):
        self.n, self.entries = n, dict(entries)

    def __eq__(self, other):
        return isinstance(other, Sparse) and self.n == other.n and self.entries == other.entries

    __hash__ = None

    def __repr__(self):
        return f"Sparse({self.n}, {self.entries})"

    def plus(self, other):
        keys = sorted({*self.entries, *other.entries})
        return Sparse(self.n, {k: self[k] + other[k] for k in keys})

    def dot(self, w):
        """The product with a dense vector, shape (n,)."""
        return sum((x * w[k] for k, x in self.entries.items()), 0.0)

    def __getitem__(self, k):
        return self.entries.get(k, 0.0)


# ---- An expression: the gradient is an expression too --------------------------------------------


class Expression:
    """A formula: a symbol or a number, or a function of other formulas."""

    def __init__(self, text, strength=9, evaluate=None):
        self.text, self.strength, self.evaluate = text, strength, evaluate

    def __repr__(self):
        return self.text

    def within(self, strength):
        """The text, in brackets where it binds less than what is around it."""
        return self.text if self.strength >= strength else f"({self.text})"

    def at(self, **symbols):
        return self.evaluate(symbols)

    def __add__(self, other):
        return _infix(self, "+", 1, other, lambda x, y: x + y)

    def __radd__(self, other):
        return _infix(other, "+", 1, self, lambda x, y: x + y)

    def __sub__(self, other):
        return _infix(self, "-", 1, other, lambda x, y: x - y)

    def __mul__(self, other):
        return _infix(self, "*", 2, other, lambda x, y: x * y)

    def __rmul__(self, other):
        return _infix(other, "*", 2, self, lambda x, y: x * y)

    def __truediv__(self, other):
        return _infix(self, "/", 2, other, lambda x, y: x / y)

    def __rtruediv__(self, other):
        return _infix(other, "/", 2, self, lambda x, y: x / y)

    def __neg__(self):
        return Expression(f"-{self.within(3)}", 2, lambda s: -self.evaluate(s))

    def __pow__(self, n):
        return _infix(self, "**", 4, n, lambda x, y: x**y)

    def sqrt(self):
        return _call("sqrt", math.sqrt, self)

    def sin(self):
        return _call("sin", math.sin, self)

    def cos(self):
        return _call("cos", math.cos, self)

    def exp(self):
        return _call("exp", math.exp, self)


def _formula(x):
    """A formula of a number; None of anything else, which may know better."""
    if isinstance(x, Expression):
        return x
    return Expression(str(x), 9, lambda s: x) if isinstance(x, (int, float)) else None


def _infix(x, sign, strength, y, function):
    x, y = _formula(x), _formula(y)
    if x is None or y is None:
        return NotImplemented
    text = f"{x.within(strength)} {sign} {y.within(strength + 1)}"
    return Expression(text, strength, lambda s: function(x.evaluate(s), y.evaluate(s)))


def _call(name, function, x):
    return Expression(f"{name}({x})", 9, lambda s: function(x.evaluate(s)))


def symbol(name):
    return Expression(name, 9, lambda symbols: symbols[name])


def register_all():
    gx.register(Quaternion, children=("w", "x", "y", "z"))
    gx.register(
        Sparse,
        zero=lambda v: Sparse(v.n, {}),
        add=Sparse.plus,
        one=lambda v: Sparse(v.n, dict.fromkeys(v.entries, 1.0)),
        children=lambda v: (v.entries, lambda entries: Sparse(v.n, entries)),
    )
    gx.register_number(Expression, zero=_formula(0), one=_formula(1))
