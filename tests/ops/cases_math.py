"""Rows of the specification: the functions of Python's math and cmath."""

from gradx import cmath as gcmath
from gradx import math as gmath
from gradx.core.dispatch import apply
from gradx.ops.python_math import polygamma
from tests.ops.specification import Case, normals, signed, uniforms, with_values

UNARY = {
    "exp exp2 expm1 sin cos atan sinh cosh tanh asinh degrees radians erf erfc": normals(float),
    "log log2 log10 log1p sqrt tan acos asin atanh": uniforms(0.2, 0.9, float),
    "cbrt fabs modf": signed(float),
    "acosh": uniforms(1.3, 2.0, float),
    "gamma lgamma": uniforms(0.3, 3.0, float),
}
BINARY = {
    "pow": uniforms(0.4, 2.0, float, float),
    "atan2": signed(float, float),
    "fmod remainder": uniforms(0.3, 1.7, float, float),
}
COMPLEX = {
    "exp sin cos atan sinh cosh tanh asinh": normals(float),
    "log log10 sqrt tan acos asin atanh": uniforms(0.2, 0.9, float),
    "acosh": uniforms(1.3, 2.0, float),
}


def row(name, ops, call, make, **options):
    return Case(name, ops, call, make, **({"complex": False, "reference": None} | options))


def unary(name, make):
    function = getattr(gmath, name)
    if name == "modf":
        return row(
            "math/modf", ("math.modf",), lambda x: gmath.modf(x)[0] * x, make, abstract=False
        )
    # Made-up numbers of abstract runs are not in the domain of acosh.
    abstract = name != "acosh"
    return row(f"math/{name}", (f"math.{name}",), lambda x: function(x), make, abstract=abstract)


def binary(name, make):
    function = getattr(gmath, name)
    return row(f"math/{name}", (f"math.{name}",), lambda x, y: function(x, y), make)


def of_complex(name, make):
    function = getattr(gcmath, name)
    return row(f"cmath/{name}", (f"cmath.{name}",), lambda z: function(z), make, complex=True)


CASES = [
    *(unary(name, make) for names, make in UNARY.items() for name in names.split()),
    *(binary(name, make) for names, make in BINARY.items() for name in names.split()),
    *(of_complex(name, make) for names, make in COMPLEX.items() for name in names.split()),
    row("math/copysign", ("math.copysign",), lambda x: gmath.copysign(x, -1.0), signed(float)),
    row("math/ldexp", ("math.ldexp",), lambda x: gmath.ldexp(x, -2), normals(float)),
    row("math/nextafter", ("math.nextafter",), lambda x: gmath.nextafter(x, 9.0), normals(float)),
    row("math/hypot", ("math.hypot",), lambda x, y, z: gmath.hypot(x, y, z), signed(*[float] * 3)),
    row(
        "math/dist",
        ("math.hypot",),
        lambda x, y: gmath.dist((x, 0.5), (1.5, y)),
        with_values(0.3, -0.4),
    ),
    row("math/fsum", ("math.fsum",), lambda x, y: gmath.fsum([x, y, x]) * x, normals(float, float)),
    row(
        "math/polygamma",
        ("math.polygamma",),
        lambda x: apply(polygamma, (x,), {"n": 1}),
        uniforms(0.3, 3.0, float),
    ),
    row(
        "math/polygamma-reflected",
        ("math.polygamma",),
        lambda x: gmath.lgamma(x),
        with_values(-2.3),
        tolerance=1e-5,
    ),
    row("cmath/rect", ("cmath.rect",), lambda r, phi: gcmath.rect(r, phi), normals(float, float)),
]
