"""Cases of SciPy's special functions: ufuncs as SciPy has them, the others by their names here.

Those that autograd has too are compared with it; the name of any other begins ``special-alone``.
"""

import autograd.scipy.special as autograd_special
import numpy as np
import scipy.special as sc

import gradx.scipy.special as gs
from tests.ops.specification import Case, distinct, normals, over_kinds, signed, together, uniforms

SHAPE = (2, 3)
UNIT, POSITIVE = uniforms(0.15, 0.85, SHAPE), uniforms(0.4, 2.4, SHAPE)
TWO, PAIR = uniforms(0.4, 2.4, SHAPE, (3,)), uniforms(0.15, 0.85, SHAPE, (3,))

# Functions of one array of their domain; those that SciPy has for complex numbers come first.
HOLOMORPHIC = {
    "log1p expm1 erf erfc erfcx erfi dawsn wofz": uniforms(-0.8, 1.6, SHAPE),
    "log_ndtr expi exp1 spence wrightomega fresnel airy sici shichi": POSITIVE,
}
REAL = {
    "cbrt exp2 exp10 cosm1 exprel sindg cosdg tandg cotdg expit log_expit ndtr": signed(SHAPE),
    "logit erfinv ndtri entr ellipk ellipe ellipkm1": UNIT,
    "rgamma": uniforms(-1.8, 1.6, SHAPE),
    "erfcinv": uniforms(0.3, 1.7, SHAPE),
    "gamma gammaln loggamma psi j0 j1 y0 y1 i0 i1 k0 k1 i0e i1e k0e k1e": POSITIVE,
    "ber bei ker kei berp beip kerp keip itj0y0 iti0k0": POSITIVE,
    "ndtri_exp": uniforms(-2.0, -0.5, SHAPE),
    "huber": together(uniforms(0.4, 0.8, SHAPE), distinct((3,))),
    "powm1 beta betaln poch binom xlogy xlog1py rel_entr kl_div pseudo_huber": TWO,
    "boxcox boxcox1p inv_boxcox inv_boxcox1p owens_t": TWO,
    "ellipkinc ellipeinc": PAIR,
}
# Functions of the last argument; the names of those for complex numbers come first.
ORDERED_HOLOMORPHIC = {
    "jv yv iv kv": lambda f: lambda x: f(1.5, x),
    "ive kve hankel1 hankel2": lambda f: lambda x: f(1.5, x),
    "hyp0f1": lambda f: lambda x: f(1.5, x),
    "hyp1f1": lambda f: lambda x: f(0.5, 1.5, x),
    "hyp2f1": lambda f: lambda x: f(0.5, 1.5, 2.5, x / 4),
    "eval_legendre eval_chebyt eval_chebyu eval_laguerre": lambda f: lambda x: f(3, x),
}
ORDERED = {
    "yn kn expn eval_hermite eval_hermitenorm": lambda f: lambda x: f(2, x),
    "gammainc gammaincc chdtr chdtrc stdtr": lambda f: lambda a, x: f(a, x),
    "gammaincinv gammainccinv stdtrit": lambda f: lambda a, x: f(a, x / 3),
    "struve modstruve": lambda f: lambda x: f(1.5, x),
    "pdtr pdtrc": lambda f: lambda x: f(2.0, x),
    "betainc betaincc betaincinv betainccinv": lambda f: lambda a, b, x: f(a, b, x / 3),
    "gdtr gdtrc": lambda f: lambda a, b, x: f(a, b, x),
    "eval_genlaguerre eval_gegenbauer": lambda f: lambda x: f(3, 0.5, x),
    "eval_jacobi": lambda f: lambda x: f(3, 0.5, 1.5, x),
    "voigt_profile": lambda f: lambda x, sigma, gamma: f(x, sigma, gamma),
    "ellipj": lambda f: lambda u: f(u, 0.3),
    "hyperu": lambda f: lambda x: f(0.5, 1.5, x),
}


MORE_OPS = {
    "psi": ("polygamma_in_kind",),
    "ellipkinc": ("ellipdinc",),
    "gammainc": ("gamma_below",),
    "gammaincc": ("gamma_above",),
    "betainc": ("beta_below",),
    "betaincc": ("beta_above",),
}
"""Ops of which the rules of a function are made."""
NOT_COMPARED = {"gammainc", "gammaincc", "betainc"}
"""Functions that autograd differentiates by their last argument alone."""


def plainly(ufunc):
    """A function of as many arguments as a ufunc, which itself does not tell them."""
    return (lambda x: ufunc(x)) if ufunc.nin == 1 else lambda a, b: ufunc(a, b)


def each(table, **options):
    """A case for each name of a table."""
    for names, entry in table.items():
        for name in names.split():
            ufunc = getattr(sc, name)
            if options.get("ordered"):
                call = entry(ufunc)
                make = uniforms(0.4, 2.4, *(SHAPE,) * call.__code__.co_argcount)
            else:
                call, make = plainly(ufunc), entry
            twin = None if name in NOT_COMPARED else getattr(autograd_special, name, None)
            reference = entry(twin) if twin and options.get("ordered") else twin
            yield Case(
                f"special.{name}" if twin else f"special-alone.{name}",
                (f"scipy.special.{ufunc.__name__}", *MORE_OPS.get(name, ())),
                call,
                make,
                complex=options["complex"],
                reference=reference,
            )


FUNCTIONS = {
    "polygamma": (lambda x: gs.polygamma(1, x), "polygamma"),
    "polygamma/each": (lambda x: gs.polygamma(np.array([0, 1, 2]), x), "polygamma"),
    "multigammaln": (lambda x: gs.multigammaln(x + 1.0, 3), "multigammaln"),
    "zeta": (lambda q: gs.zeta(2.5, q), "zeta"),
    "comb": (lambda n, k: gs.comb(n + 2.5, k), "comb"),
    "comb/repetition": (lambda n, k: gs.comb(n + 2.5, k, repetition=True), "comb"),
    "perm": (lambda n, k: gs.perm(n + 2.5, k), "perm"),
    "factorial": (lambda n: gs.factorial(n), "factorial"),
    "softplus": (lambda x: gs.softplus(x), "logaddexp"),
    "lambertw": (lambda x: gs.lambertw(x), "lambertw"),
    "lambertw/branch": (lambda x: gs.lambertw(x, -1), "lambertw"),
    "jvp": (lambda z: gs.jvp(1.5, z), "jvp"),
    "yvp": (lambda z: gs.yvp(1.5, z, 2), "yvp"),
    "ivp": (lambda z: gs.ivp(1.5, z), "ivp"),
    "kvp": (lambda z: gs.kvp(1.5, z), "kvp"),
    "h1vp": (lambda z: gs.h1vp(1.5, z), "h1vp"),
    "h2vp": (lambda z: gs.h2vp(1.5, z), "h2vp"),
    "spherical_jn": (lambda z: gs.spherical_jn(2, z), "spherical_jn"),
    "spherical_yn": (lambda z: gs.spherical_yn(2, z), "spherical_yn"),
    "spherical_in": (lambda z: gs.spherical_in(2, z), "spherical_in"),
    "spherical_kn": (lambda z: gs.spherical_kn(2, z), "spherical_kn"),
    "spherical_jn/derivative": (
        lambda z: gs.spherical_jn(np.array([0, 1, 2]), z, True),
        "spherical_jn",
    ),
}
SUMS = {
    "logsumexp": (lambda x: gs.logsumexp(x), "logsumexp"),
    "logsumexp/axis": (lambda x: gs.logsumexp(x, axis=0, keepdims=True), "logsumexp"),
    "softmax": (lambda x: gs.softmax(x), "softmax"),
    "softmax/axis": (lambda x: gs.softmax(x, axis=1), "softmax"),
    "log_softmax": (lambda x: gs.log_softmax(x, axis=-1), "log_softmax"),
}


def named(table, make, **options):
    """A case for each function under its name in gradx."""
    for name, (call, op) in table.items():
        options["abstract"] = op != "multigammaln"  # SciPy's refuses what is made up for its items
        ops = (op if op == "logaddexp" else f"scipy.special.{op}",)
        shapes = (SHAPE,) * call.__code__.co_argcount
        yield Case(f"special-alone.{name}", ops, call, make(*shapes), **options)


CASES = [
    *each(HOLOMORPHIC, complex=True),
    *each(REAL, complex=False),
    *each(ORDERED_HOLOMORPHIC, complex=True, ordered=True),
    *each(ORDERED, complex=False, ordered=True),
    *named(
        FUNCTIONS,
        lambda *shapes: uniforms(0.4, 2.4, *shapes),
        complex=False,
        reference=None,
    ),
    *named(SUMS, normals, complex=False, reference=None),
    Case(
        "special-alone.logsumexp/weights",
        ("scipy.special.weighted_logsumexp",),
        lambda a, b: gs.logsumexp(a, axis=1, b=b),
        uniforms(0.4, 2.4, SHAPE, (3,)),
        complex=False,
        reference=None,
    ),
    Case(
        "special-alone.logsumexp/sign",
        ("scipy.special.weighted_logsumexp",),
        lambda a, b: gs.logsumexp(a, b=-b, return_sign=True),
        uniforms(0.4, 2.4, SHAPE, (2, 1)),
        complex=False,
        reference=None,
    ),
    *over_kinds(
        "special.erf-kinds",
        ("scipy.special.erf",),
        lambda x: sc.erf(x),
        normals,
        complex=False,
        reference=autograd_special.erf,
    ),
    *over_kinds(
        "special-alone.xlogy-kinds",
        ("scipy.special.xlogy",),
        lambda a, b: sc.xlogy(a, b),
        lambda *shapes: uniforms(0.4, 2.4, *shapes),
        complex=False,
        reference=None,
    ),
]
