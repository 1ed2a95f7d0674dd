"""A naive engine, the oracle of the random programs; it shares no code and no idea with gradx.

Every number is a symbol, those inside arrays too: an array becomes a NumPy array of symbols, a
record a record of symbols, and NumPy's own code for Python objects does the rest. The derivative
of a symbol by an input is found forward, by recursion with a memo, from symbolic partial
derivatives; it is a symbol itself, so derivatives of derivatives come out by themselves.

Forward mode is another engine: dual numbers, of floats, of symbols or of dual numbers of an outer
level, which are constants to the inner one.
"""

import dataclasses
import functools
import itertools
import math

import numpy as np


class Symbol:
    """A number, and for each number that it was made of, that one and the partial derivative."""

    def __init__(self, value, *parts):
        self.value, self.parts = float(value), parts

    def __add__(self, other):
        if isinstance(other, (np.ndarray, Dual)):
            return NotImplemented
        return Symbol(self.value + value(other), (self, lambda: 1.0), (other, lambda: 1.0))

    def __neg__(self):
        return Symbol(-self.value, (self, lambda: -1.0))

    def __mul__(self, other):
        if isinstance(other, (np.ndarray, Dual)):
            return NotImplemented
        return Symbol(self.value * value(other), (self, lambda: other), (other, lambda: self))

    def reciprocal(self):
        y = Symbol(1.0 / self.value)
        y.parts = ((self, lambda: -(y * y)),)
        return y

    def __pow__(self, n):
        return functools.reduce(lambda a, b: a * b, [self] * n) if n else Symbol(1.0)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * (1.0 / other)

    def __rtruediv__(self, other):
        return self.reciprocal() * other

    def __float__(self):
        return self.value

    def __gt__(self, other):
        return float(self) > value(other)

    def __lt__(self, other):
        return float(self) < value(other)

    def exp(self):
        y = Symbol(math.exp(self.value))
        y.parts = ((self, lambda: y),)
        return y

    def tanh(self):
        y = Symbol(math.tanh(self.value))
        y.parts = ((self, lambda: 1.0 - y * y),)
        return y

    def sin(self):
        return Symbol(math.sin(self.value), (self, self.cos))

    def cos(self):
        return Symbol(math.cos(self.value), (self, lambda: -self.sin()))


class Dual:
    """A number and its slope: the number may be a symbol, or a dual number of a lower level."""

    def __init__(self, value, slope, level):
        self.value, self.slope, self.level = value, slope, level

    def of(self, value, factor):
        """A function's value here, and its derivative as a factor of the slope."""
        return Dual(value, factor * self.slope, self.level)

    def __add__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented
        if not isinstance(other, Dual) or other.level < self.level:
            return Dual(self.value + other, self.slope, self.level)
        if other.level > self.level:
            return other + self
        return Dual(self.value + other.value, self.slope + other.slope, self.level)

    def __neg__(self):
        return self.of(-self.value, -1.0)

    def __mul__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented
        if not isinstance(other, Dual) or other.level < self.level:
            return Dual(self.value * other, self.slope * other, self.level)
        if other.level > self.level:
            return other * self
        slope = self.slope * other.value + other.slope * self.value
        return Dual(self.value * other.value, slope, self.level)

    def reciprocal(self):
        y = 1.0 / self.value
        return self.of(y, -(y * y))

    __pow__ = Symbol.__pow__
    __radd__, __rmul__ = __add__, __mul__
    __sub__, __rsub__ = Symbol.__sub__, Symbol.__rsub__
    __truediv__, __rtruediv__ = Symbol.__truediv__, Symbol.__rtruediv__
    __gt__, __lt__ = Symbol.__gt__, Symbol.__lt__

    def __float__(self):
        return float(self.value)

    def exp(self):
        y = np.exp(self.value)
        return self.of(y, y)

    def tanh(self):
        y = np.tanh(self.value)
        return self.of(y, 1.0 - y * y)

    def sin(self):
        return self.of(np.sin(self.value), np.cos(self.value))

    def cos(self):
        return self.of(np.cos(self.value), -np.sin(self.value))


def value(x):
    """The number of a symbol or of a dual number; a number itself."""
    return float(x)


def mapped(function, x):
    """A value with a function applied to each number in it."""
    if isinstance(x, (float, Symbol, Dual)):
        return function(x)
    if isinstance(x, np.ndarray):
        items = np.empty(x.shape, object)
        for index in np.ndindex(x.shape):
            items[index] = function(x[index])
        return items
    if isinstance(x, dict):
        return {key: mapped(function, part) for key, part in x.items()}
    if hasattr(x, "_fields"):
        return type(x)(*[mapped(function, part) for part in x])
    if isinstance(x, (list, tuple)):
        return type(x)(mapped(function, part) for part in x)
    if dataclasses.is_dataclass(x):
        names = [field.name for field in dataclasses.fields(x)]
        parts = {name: mapped(function, getattr(x, name)) for name in names}
        return dataclasses.replace(x, **parts)
    return x


def numbers(x):
    """All numbers in a value, in order."""
    found = []
    mapped(found.append, x)
    return found


def derivative(y, known):
    """The derivative of a symbol, given those of some symbols by their ids; the rest have none."""
    if not isinstance(y, Symbol):
        return 0.0
    if id(y) not in known:
        known[id(y)] = sum((derivative(x, known) * partial() for x, partial in y.parts), 0.0)
    return known[id(y)]


def lifted(xs):
    """Fresh symbols in place of the numbers; those made of symbols are followed further."""
    return mapped(lambda x: Symbol(value(x), (x, lambda: 1.0)), list(xs))


def gradient(f, *xs):
    """The gradients of the sum of the numbers in ``f(*xs)``, made of symbols."""
    fresh = lifted(xs)
    total = sum(numbers(f(*fresh)))
    return tuple(mapped(lambda x: derivative(total, {id(x): 1.0}), fresh))


def slope(f, *xs):
    """The derivative of the sum of the numbers in ``f(*xs)`` as all inputs grow alike."""
    fresh = lifted(xs)
    return derivative(sum(numbers(f(*fresh))), {id(x): 1.0 for x in numbers(fresh)})


_levels = itertools.count()


def tangent(f, xs, tangents):
    """The slopes of the numbers in ``f(*xs)`` as the inputs move along tangents: dual numbers."""
    level, rest = next(_levels), iter(numbers(list(tangents)))
    y = f(*mapped(lambda x: Dual(x, next(rest), level), list(xs)))
    own = lambda x: isinstance(x, Dual) and x.level == level  # noqa: E731
    return mapped(lambda x: x.slope if own(x) else 0.0, y)
