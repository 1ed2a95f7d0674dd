"""JAX: compiled by `jax.jit`, with donated buffers, as a scan over many steps, and uncompiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import formulas
from benchmarks.workload import Way, Ways


def setup(threads: int) -> None:
    """Its threads were limited when it was loaded; float64 must be asked for."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")


def _device(arrays: Any) -> Any:
    return tuple(jnp.array(array) for array in arrays)  # copies: some of them are given away


def _done(f: Callable[..., Any], *arguments: Any) -> Way:
    """Calls return before they have computed; a figure must not."""
    return Way(lambda: jax.block_until_ready(f(*arguments)), native=True)


def _error(p: Any) -> Callable[[Any, Any, Any], Any]:
    return partial(formulas.error if p.x.ndim == 1 else formulas.rows_error, jnp)


def _step(p: Any) -> Callable[[Any, Any, Any], Any]:
    g = jax.grad(_error(p))
    return lambda net, x, t: tuple(a - p.rate * d for a, d in zip(net, g(net, x, t), strict=True))


def error(p: Any) -> Ways:
    """W1."""
    f, arguments = _error(p), (_device(p.net), *_device((p.x, p.target)))
    return {"jax.jit": _done(jax.jit(f), *arguments), "jax": _done(f, *arguments)}


def gradient(p: Any) -> Ways:
    """W2."""
    g, arguments = jax.grad(_error(p)), (_device(p.net), *_device((p.x, p.target)))
    return {"jax.jit": _done(jax.jit(g), *arguments), "jax": _done(g, *arguments)}


def step(p: Any) -> Ways:
    """W3 and W4: a new network, or one in the memory of the old."""
    f, x, target = _step(p), *_device((p.x, p.target))
    donating = jax.jit(f, donate_argnums=0)
    net, given = _device(p.net), _device(p.net)

    def donated() -> Any:
        nonlocal given
        given = jax.block_until_ready(donating(given, x, target))
        return given

    def reset() -> None:
        nonlocal given
        given = jax.block_until_ready(_device(p.net))

    return {
        "jax.jit": _done(jax.jit(f), net, x, target),
        "jax.jit donated": Way(donated, reset, native=True),
        "jax": _done(f, net, x, target),
    }


def epoch(p: Any) -> Ways:
    """W5: a scan over the samples of a round, compiled before the first."""
    g = jax.grad(partial(formulas.error, jnp))

    def one(net: Any, sample: Any) -> Any:
        return tuple(a - p.rate * d for a, d in zip(net, g(net, *sample), strict=True)), None

    scan = jax.jit(lambda net, xs, ts: jax.lax.scan(one, net, (xs, ts))[0], donate_argnums=0)
    xs, targets = next(p.chunks())
    scan(_device(p.net), xs, targets)
    net = _device(p.net)

    def walk(xs: Any, targets: Any) -> Any:
        nonlocal net
        net = jax.block_until_ready(scan(net, xs, targets))
        return net

    return {"jax.lax.scan": p.way(walk, native=True)}


def chain(p: Any) -> Ways:
    """W6, uncompiled: compiling a chain of 1,000 operations is no cost of an operation."""
    x, constant = jnp.array(p.x), jnp.array(p.constant)

    def run() -> Any:
        y, pullback = jax.vjp(lambda v: p.run(jnp, v, constant), x)
        jax.block_until_ready(pullback(jnp.ones_like(y)))
        return y

    return {"jax": Way(run, native=True)}


def wide(x: Any) -> Ways:
    """W7."""
    g, v = jax.grad(partial(formulas.wide, jnp)), jnp.array(x)
    return {"jax.jit": _done(jax.jit(g), v), "jax": _done(g, v)}


def lstm(cell: Any, xs: Any) -> Ways:
    """The LSTM."""
    g = jax.jit(jax.grad(lambda c, xs: formulas.lstm(jnp, *c, xs)))
    return {"jax.jit": _done(g, _device(cell), jnp.array(xs))}


def second(x: Any) -> Ways:
    """The gradient of a gradient."""
    first = jax.grad(partial(formulas.polynomial, jnp))
    g = jax.grad(lambda v: jnp.sum(first(v)))
    return {"jax.jit": _done(jax.jit(g), jnp.array(x)), "jax": _done(g, jnp.array(x))}
