"""Programs for autograd with their imports changed alone: its numbers, where it is installed."""

import importlib
import re
import textwrap

import numpy as np
import pytest

import gradx as gx

PROGRAMS = {
    "gradients": """
        import autograd.numpy as np
        from autograd import elementwise_grad, grad, grad_and_aux, grad_named, value_and_grad

        def loss(w, x, scale=1.0):
            return scale * np.sum(np.tanh(np.dot(x, w)) ** 2)

        w, x = np.array([0.5, -1.0, 2.0]), np.linspace(-1.0, 1.0, 12).reshape(4, 3)
        result = [
            grad(loss)(w, x),
            grad(loss, 1)(w, x),
            grad(loss, argnum=(0, 1))(w, x),
            grad(loss)(w, x, scale=3.0),
            grad_named(loss, "x")(w, x),
            value_and_grad(loss)(w, x),
            grad_and_aux(lambda w: (loss(w, x), 2.0))(w),
            elementwise_grad(np.sinh)(x),
            grad(grad(lambda t: np.sin(t) * t))(0.3),
            grad(lambda x: (x**2)[:1])(w[:1]),
        ]
        """,
    "complex numbers": """
        import autograd.numpy as np
        from autograd import grad, holomorphic_grad, make_ggnvp, make_hvp, make_vjp

        z, v = np.array([1.0 + 2.0j, -0.5j]), np.array([2.0 - 1.0j, 1.0j])
        result = [
            grad(lambda z: np.sum(np.abs(z) ** 2))(z),
            grad(lambda p: np.real(p["z"] ** 2) * p["x"])({"z": 1.0 + 2.0j, "x": 3.0}),
            holomorphic_grad(np.exp)(1j),
            make_vjp(np.exp)(z)[0](np.array([1.0, 2.0j])),
            make_hvp(lambda z: np.sum(np.abs(z) ** 4) + np.real(z[0] ** 3))(z)[0](v),
            make_ggnvp(lambda z: np.abs(z) ** 2)(z)(v),
        ]
        """,
    "products": """
        import autograd.numpy as np
        from autograd import deriv, hessian, hessian_vector_product, jacobian, make_ggnvp, make_hvp
        from autograd import make_jvp, make_vjp, multigrad_dict, tensor_jacobian_product

        def f(x, y):
            return np.sin(x) * y

        x, y, v = np.array([0.5, 2.0]), np.array([1.0, -1.0]), np.array([0.25, 4.0])
        total = lambda x, y: np.sum(f(x, y) ** 3)
        vjp, value = make_vjp(f, 1)(x, y)
        result = [
            jacobian(f)(x, y),
            jacobian(f, 1)(x, y),
            hessian(total)(x, y),
            hessian_vector_product(total)(x, y, v),
            hessian_vector_product(total, 1)(x, y, v),
            tensor_jacobian_product(f)(x, y, v),
            value,
            vjp(v),
            list(make_jvp(f)(x, y)(v)),
            list(make_jvp(f, 1)(x, y)(v)),
            make_hvp(total)(x, y)[0](v),
            make_hvp(total)(x, y)[1],
            make_ggnvp(lambda x: f(x, y))(x)(v),
            deriv(np.sin)(0.3),
        ]
        """,
    "checkpoints": """
        import autograd.numpy as np
        from autograd import checkpoint, grad

        result = [grad(checkpoint(lambda x: np.sum(x**3)))(np.array([1.0, 2.0]))]
        """,
    "containers": """
        import autograd.numpy as np
        from autograd import grad
        from autograd.builtins import dict, isinstance, tuple, type
        from autograd.misc import flatten
        from autograd.misc.flatten import flatten_func

        params = {"w": [(np.ones((2, 2)), np.arange(2.0))], "scale": 3.0}

        def loss(p, x):
            assert isinstance(p, dict)
            (w, b), = p["w"]
            return p["scale"] * np.sum(np.dot(w, x) + b)

        flat, unflatten, vector = flatten_func(loss, params)
        x = np.array([1.0, -2.0])
        result = [
            grad(loss)(params, x),
            vector,
            grad(flat)(vector, x),
            unflatten(vector),
            flatten(params)[0],
        ]
        """,
    "optimisers": """
        import autograd.numpy as np
        import autograd.numpy.random as npr
        from autograd import grad
        from autograd.misc.optimizers import adam, rmsprop, sgd

        rs, seen = npr.RandomState(0), []
        params = [(rs.randn(3, 2), rs.randn(2)), 0.5]
        inputs, targets = rs.randn(6, 3), rs.randn(6, 2)

        def loss(params, i):
            (w, b), scale = params
            return np.mean((np.dot(inputs, w) * scale + b - targets) ** 2) + 0.01 * i

        def callback(params, i, g):
            seen.append(loss(params, i))

        result = [
            sgd(grad(loss), params, callback, num_iters=5, step_size=0.2, mass=0.8),
            rmsprop(grad(loss), params, num_iters=5),
            adam(grad(loss), params, callback=callback, num_iters=5, step_size=0.1),
            seen,
        ]
        """,
    "fixed points": """
        import autograd.numpy as np
        from autograd import grad
        from autograd.misc.fixed_points import fixed_point

        def heron(a):
            return lambda x: 0.5 * (x + a / x)

        def sqrt(a):
            return fixed_point(heron, a, 10.0, lambda x, y: np.abs(x - y), 1e-12)

        result = [sqrt(2.0), grad(sqrt)(2.0)]
        """,
    "primitives": """
        import autograd.numpy as np
        from autograd import grad
        from autograd.extend import defvjp, defvjp_argnum, primitive
        from autograd.test_util import check_grads

        @primitive
        def logsumexp(x):
            y = np.zeros(x.shape)
            y[...] = x  # what no variable could go through
            top = np.max(y)
            return top + np.log(np.sum(np.exp(y - top)))

        defvjp(logsumexp, lambda ans, x: lambda g: g * np.exp(x - ans))

        @primitive
        def scaled(x, name, by=1.0):
            return x * by

        defvjp(scaled, lambda ans, x, name, by=1.0: lambda g: g * by)

        @primitive
        def product(x, y):
            return x * y

        defvjp_argnum(product, lambda i, ans, args, kwargs: lambda g: g * args[1 - i])

        @primitive
        def rounded(x, y):
            return np.round(x) + y

        defvjp(rounded, None, lambda ans, x, y: lambda g: g)

        x = np.array([0.5, -1.0, 2.0])
        check_grads(logsumexp, modes=["rev"])(x)
        result = [
            logsumexp(x),
            grad(lambda x: logsumexp(x**2))(x),
            grad(lambda x: np.sum(grad(logsumexp)(x) ** 2))(x),
            grad(lambda x: scaled(x, "name", by=3.0) * x)(2.0),
            grad(product, (0, 1))(2.0, 3.0),
            grad(lambda x: product(x, x))(2.0),
            grad(lambda x: rounded(x, x))(2.6),
        ]
        """,
    "scipy": """
        import autograd.numpy as np
        import autograd.scipy.signal
        import autograd.scipy.stats.multivariate_normal as mvn
        import autograd.scipy.stats.t as t
        from autograd import grad
        from autograd.numpy.linalg import solve
        from autograd.scipy.integrate import odeint
        from autograd.scipy.linalg import solve_triangular
        from autograd.scipy.special import expit, gammaln, logsumexp
        from autograd.scipy.stats import norm, poisson

        convolve = autograd.scipy.signal.convolve
        x, a = np.array([0.5, -1.0, 2.0]), np.eye(3) + 0.1
        image = np.arange(48.0).reshape(2, 3, 2, 4) / 9
        filters = np.arange(12.0).reshape(3, 2, 1, 2)
        along = {"axes": ([2, 3], [2, 3]), "dot_axes": ([1], [0])}
        result = [
            grad(lambda x: norm.logpdf(x[0], x[1], np.exp(x[2])) + norm.cdf(x[0]))(x),
            grad(lambda x: mvn.logpdf(x, np.zeros(3), a))(x),
            grad(lambda x: np.sum(t.logpdf(x, 2.4, 0.0, 1.5)))(x),
            grad(lambda r: poisson.logpmf(3, r))(2.0),
            grad(lambda x: logsumexp(x) + np.sum(gammaln(x**2 + 1) * expit(x)))(x),
            grad(lambda x: np.sum(solve(a, x) ** 2))(x),
            grad(lambda x: np.sum(solve_triangular(a, x, lower=True) ** 2))(x),
            convolve(image, filters, mode="valid", **along),
            grad(lambda f: np.sum(convolve(image, f, mode="valid", **along) ** 2))(filters),
            grad(lambda f: np.sum(convolve(image, f, **along) ** 2))(filters),
            grad(lambda f: np.sum(convolve(f, image, mode="valid", axes=([2, 3], [2, 3])) ** 2))(
                filters
            ),
            convolve(x, np.arange(4.0), mode="same"),
            grad(lambda x: np.sum(np.sin(convolve(x, np.arange(5.0)))))(x),
            odeint(lambda y, t, k: -k * y, x, np.linspace(0.0, 1.0, 3), (0.5,)),
        ]
        """,
}


def run(text, stands_for):
    """What a program calls its result, with autograd's name exchanged in its imports."""
    text = textwrap.dedent(text)
    text = re.sub(r"^(import|from) autograd\b", rf"\1 {stands_for}", text, flags=re.M)
    text = text.replace("autograd.scipy.signal.convolve", f"{stands_for}.scipy.signal.convolve")
    space = {}
    exec(text, space)
    return space["result"]


def leaves(x):
    if isinstance(x, dict):
        return [leaf for key in sorted(x) for leaf in leaves(x[key])]
    if isinstance(x, (list, tuple)):
        return [leaf for part in x for leaf in leaves(part)]
    return [x]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_give_the_numbers_of_autograd(name):
    pytest.importorskip("autograd")
    pytest.importorskip("scipy")
    mine, theirs = (leaves(run(PROGRAMS[name], each)) for each in ("gradx.autograd", "autograd"))
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-5 if name == "fixed points" else 1e-9, atol=1e-12)


def test_a_primitive_without_a_derivative_is_told():
    from gradx.autograd.extend import defvjp, primitive

    cube = primitive(lambda x: x**3)
    cube.__name__ = "cube"
    with pytest.raises(
        gx.NotLiftedError, match="the primitive cube has no derivative; write defvjp"
    ):
        gx.grad(cube)(2.0)
    defvjp(cube, lambda ans, x: lambda g: 3 * g * x**2, argnums=[1])
    with pytest.raises(gx.NotLiftedError, match="by argument 0"):
        gx.grad(cube)(2.0)


def test_a_primitive_may_be_a_method():
    from gradx.autograd.extend import defvjp, primitive

    class Power:
        @primitive
        def of(self, x):
            return x**3

    defvjp(Power.of, None, lambda ans, self, x: lambda g: g * 3 * x**2)
    assert gx.grad(lambda x: Power().of(x))(2.0) == 12.0


def test_modes_of_convolution_are_told():
    signal = importlib.import_module("gradx.autograd.scipy.signal")
    with pytest.raises(ValueError, match="use one of 'full', 'valid', 'same'"):
        signal.convolve(np.ones(3), np.ones(2), mode="wrap")
    with pytest.raises(ValueError, match="has to be the longer one along all of them"):
        signal.convolve(np.ones((3, 2)), np.ones((2, 3)), mode="valid")


def test_every_module_has_what_it_names():
    for name in ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "scipy.special", "util"):
        module = importlib.import_module(f"gradx.autograd.{name}")
        assert [each for each in module.__all__ if not hasattr(module, each)] == []
    numpy = importlib.import_module("gradx.autograd.numpy")
    assert numpy.ma is np.ma
    assert numpy.pi == np.pi
    with pytest.raises(AttributeError):
        _ = numpy.no_such_name
    f = importlib.import_module("gradx.autograd.util").func
    assert f(len) is len


def test_gradients_by_names():
    multigrad_dict = importlib.import_module("gradx.autograd").multigrad_dict
    assert multigrad_dict(lambda x, y=2.0: x**2 * y)(3.0) == {"x": 12.0, "y": 9.0}


def test_keys_of_dicts_keep_their_order():
    flatten = importlib.import_module("gradx.autograd.misc").flatten
    adam = importlib.import_module("gradx.autograd.misc.optimizers").adam
    params = {"weights": 2.0, "bias": [{"z": 1.0, "a": np.ones(2)}]}
    vector, unflatten = flatten(params)
    assert vector.tolist() == [1.0, 1.0, 1.0, 2.0]
    params["more"] = 0.0
    assert list(unflatten(vector)) == ["weights", "bias"]
    assert list(unflatten(vector)["bias"][0]) == ["z", "a"]

    def seen(p, i):
        assert list(p) == ["second", "first"]  # as a network goes through its layers
        return p

    assert list(adam(seen, {"second": 5.0, "first": 1.0}, num_iters=2)) == ["second", "first"]
