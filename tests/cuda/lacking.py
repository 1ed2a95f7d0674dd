"""The cases of what CuPy lacks, which the tests of devices leave out."""


def names(prefix, text):
    """The names of cases that a text lists, without their prefix."""
    return frozenset(prefix + name for name in text.split())


ARRAYS_OF_THE_HOST = {"pdist/squareform", *names("sparse/", "others constants stacks")}
"""Cases of functions whose masks, or whose sparse constants, are arrays of the host."""
ON_THE_HOST = ARRAYS_OF_THE_HOST | {
    "roots",
    *(f"{name}/weights" for name in ("quantile", "percentile", "nanquantile", "nanpercentile")),
    *("vectorize", "svd-full-vectors", "as_strided"),
    *names("special.", "i1 iv ive j1 y1"),
    *(
        f"stats.{name}-below"
        for name in ("gamma", "invgamma", "chi2", "beta", "t", "f", "skewnorm")
    ),
    *(f"stats.{name}-inverse" for name in ("gamma", "invgamma", "chi2", "beta", "t", "f")),
    *("stats.skewnorm-inverse", "stats.invgauss-inverse", "stats.nbinom-count"),
    *names(
        "special-alone.",
        """
        airy bei beip ber berp betainc betaincc betainccinv betaincinv boxcox boxcox1p chdtr
        chdtrc comb dawsn ellipe ellipeinc ellipk ellipkinc ellipkm1 erfi eval_chebyt
        eval_chebyu eval_gegenbauer eval_genlaguerre eval_hermite eval_hermitenorm eval_jacobi
        eval_laguerre eval_legendre exprel factorial fresnel gammainc gammaincc gammainccinv
        gammaincinv gdtr gdtrc h1vp h2vp hankel1 hankel2 hyp0f1 hyp1f1 hyp2f1 hyperu i1e
        inv_boxcox inv_boxcox1p iti0k0 itj0y0 ivp jv jvp k1 k1e kei keip ker kerp kn kv kve kvp
        modstruve multigammaln ndtri_exp owens_t perm powm1 spence spherical_in spherical_jn
        spherical_kn spherical_yn stdtr stdtrit struve voigt_profile wofz wrightomega yv yvp
        """,
    ),
}
"""What CuPy lacks, or has on some devices only (`eig`), or with other choices (whole bases); and
functions of SciPy that CuPy lacks, or of which it lacks one in the first derivative; and those of
arrays of the host."""
ONCE = names("special.", "i0 j0 y0") | names("special-alone.", "i0e k0 k0e")
"""Functions of which CuPy lacks one in the second derivative."""
REAL = names("special.", "erf erfc") | names("special-alone.", "erfcx exp1 expi log_ndtr")
"""Functions that CuPy has of real numbers alone."""
DOUBLE = names("special-alone.", "ellipj expn polygamma xlogy-kinds") | {
    *("map_coordinates", "cdist", "distance", "pdist", "signal.savgol_filter"),
    *("simpson", "cumulative_trapezoid"),
}
"""Functions of which SciPy has the doubles of singles, and CuPy the singles."""
