"""hmatrix's names: values beside NumPy's, gradients beside central differences to second order.

The cotangents are random and there are several shapes: the original's own tests, whose results
are norms of one shape, pass with wrong gradients.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import gradx as gx
from gradx import hmatrix as hm
from gradx.testing import check_grads

SHAPES = [(3, 2), (2, 3), (4, 4), (5, 2), (1, 3)]
SQUARE = [(1, 1), (2, 2), (4, 4)]
VECTORS = [(1,), (3,), (5,)]


def drawn(*shapes, seed=0):
    """Random operands whose items keep apart from zero and from one another."""
    rng = np.random.default_rng(seed)
    out = []
    for shape in shapes:
        size = int(np.prod(shape))
        steps = rng.permutation(size) * 0.37 + rng.uniform(0.2, 0.3, size)
        out.append((steps * rng.choice([-1.0, 1.0], size)).reshape(shape) / max(1, size) * 2)
    return out


def well(a):
    """A square matrix that has an inverse."""
    return a + 2 * np.eye(len(a))


def positive(a):
    return a @ a.T + np.eye(len(a))


def exponential(a):
    """By Taylor's series of the matrix divided by 256, squared eight times."""
    term = total = np.eye(len(a))
    for k in range(1, 25):
        term = term @ a / 256 / k
        total = total + term
    for _ in range(8):
        total = total @ total
    return total


def root(a):
    """Of a symmetric matrix."""
    values, vectors = np.linalg.eigh(a)
    return vectors * np.sqrt(values) @ vectors.T


def sorted_eigenvalues(a):
    return np.sort(np.linalg.eigvalsh((a + a.T) / 2))[::-1]


def case(name, f, reference, *shapes, prepare=lambda *xs: xs):
    return pytest.param(f, reference, shapes, prepare, id=f"{name}-{shapes}")


def each(name, f, reference, choices, count=1, prepare=lambda *xs: xs):
    return [case(name, f, reference, *[shape] * count, prepare=prepare) for shape in choices]


def only(make):
    return lambda a: (make(a),)


CASES = [
    case("vec2", hm.vec2, lambda x, y: np.array([x, y]), (), ()),
    case("vec3", hm.vec3, lambda *xs: np.array(xs), (), (), ()),
    case("vec4", hm.vec4, lambda *xs: np.array(xs), (), (), (), ()),
    case("vector", lambda *xs: hm.vector(xs), lambda *xs: np.array(xs), (), (), ()),
    case("append", hm.append, np.append, (3,), ()),
    case("concat", hm.concat, lambda v, w: np.r_[v, w], (3,), (2,)),
    case("linspace", lambda a, b: hm.linspace(5, a, b), lambda a, b: np.linspace(a, b, 5), (), ()),
    case("konst", lambda c: hm.konst(c, 3), lambda c: np.full(3, c), ()),
    case("konst", lambda c: hm.konst(c, (2, 3)), lambda c: np.full((2, 3), c), ()),
    case("matrix", lambda *xs: hm.matrix(2, 2, xs), lambda *xs: np.reshape(xs, (2, 2)), *[()] * 4),
    *each("split", lambda v: hm.split(1, v), lambda v: (v[:1], v[1:]), VECTORS),
    *each("head_tail", hm.head_tail, lambda v: (v[0], v[1:]), VECTORS),
    *each("sum_elements", hm.sum_elements, np.sum, [*VECTORS, *SHAPES]),
    *each("row", hm.row, lambda v: v[None], VECTORS),
    *each("col", hm.col, lambda v: v[:, None], VECTORS),
    *each("unrow", hm.unrow, np.ravel, [(1, 1), (1, 3)]),
    *each("uncol", hm.uncol, np.ravel, [(1, 1), (3, 1)]),
    *each("split_rows", lambda a: hm.split_rows(1, a), lambda a: (a[:1], a[1:]), SHAPES),
    *each("split_cols", lambda a: hm.split_cols(1, a), lambda a: (a[:, :1], a[:, 1:]), SHAPES),
    *each("to_rows", hm.to_rows, list, SHAPES),
    *each("to_columns", hm.to_columns, lambda a: list(a.T), SHAPES),
    *each(
        "from_rows", lambda v, w: hm.from_rows([v, w]), lambda v, w: np.array([v, w]), VECTORS, 2
    ),
    *each(
        "from_columns",
        lambda v, w: hm.from_columns([v, w]),
        lambda v, w: np.array([v, w]).T,
        VECTORS,
        2,
    ),
    *each("tr", hm.tr, np.transpose, SHAPES),
    *each("diag", hm.diag, np.diag, VECTORS),
    *each("take_diag", hm.take_diag, np.diagonal, SHAPES),
    *each("sym", hm.sym, lambda a: (a + a.T) / 2, SQUARE),
    *each("un_sym", hm.un_sym, lambda a: a, SQUARE),
    *each("extract_v", hm.extract_v, lambda v: v, VECTORS),
    *each("extract_m", hm.extract_m, lambda a: a, SHAPES),
    *each("create", lambda a: hm.create(a.shape, a), lambda a: a, SHAPES),
    *each("dot", hm.dot, lambda v, w: np.sum(v * w), VECTORS, 2),
    *each("cross", hm.cross, np.cross, [(3,)], 2),
    *each("m_tm", hm.m_tm, lambda a: a.T @ a, SHAPES),
    *each("svd", hm.svd, lambda a: np.linalg.svd(a)[1], SHAPES),
    *each("eigenvalues", hm.eigenvalues, sorted_eigenvalues, SQUARE),
    *each("norm_1v", hm.norm_1v, lambda v: np.linalg.norm(v, 1), VECTORS),
    *each("norm_2v", hm.norm_2v, np.linalg.norm, VECTORS),
    *each("norm_inf_v", hm.norm_inf_v, lambda v: np.linalg.norm(v, np.inf), VECTORS),
    *each("norm_1m", hm.norm_1m, lambda a: np.linalg.norm(a, 1), SHAPES),
    *each("norm_2m", hm.norm_2m, lambda a: np.linalg.norm(a, 2), SHAPES),
    *each("norm_inf_m", hm.norm_inf_m, lambda a: np.linalg.norm(a, np.inf), SHAPES),
    *each("mean", hm.mean, np.mean, VECTORS),
    *each("mean_l", hm.mean_l, lambda a: np.mean(a, axis=0), SHAPES),
    *each("cov", hm.cov, lambda a: np.cov(a.T), [(3, 2), (2, 3), (4, 4), (5, 2)]),
    *each(
        "mean_cov",
        hm.mean_cov,
        lambda a: (a.mean(0), np.cov(a.T)),
        [(3, 2), (2, 3), (4, 4), (5, 2)],
    ),
    *each("chol", hm.chol, lambda a: np.linalg.cholesky(a).T, SQUARE, prepare=only(positive)),
    *each("det", hm.det, np.linalg.det, SQUARE),
    *each("lndet", hm.lndet, lambda a: np.linalg.slogdet(a)[1], SQUARE, prepare=only(well)),
    *each("inv", hm.inv, np.linalg.inv, SQUARE, prepare=only(well)),
    *each("pinv", hm.pinv, np.linalg.pinv, SHAPES),
    *each(
        "invlndet",
        hm.invlndet,
        lambda a: (np.linalg.inv(a), np.linalg.slogdet(a)[::-1]),
        SQUARE,
        prepare=only(well),
    ),
    *each("vmap", lambda v: hm.vmap(lambda x: x * x * x, v), lambda v: v**3, VECTORS),
    *each("mmap", lambda a: hm.mmap(lambda x: np.sin(x), a), np.sin, SHAPES),
    *each(
        "zip_with_vector",
        lambda v, w: hm.zip_with_vector(lambda x, y: x * y * y, v, w),
        lambda v, w: v * w**2,
        VECTORS,
        2,
    ),
    case("beside", hm.beside, lambda a, b: np.hstack([a, b]), (3, 2), (3, 1)),
    case("above", hm.above, lambda a, b: np.vstack([a, b]), (3, 2), (1, 2)),
    case("mul", hm.mul, np.matmul, (3, 2), (2, 4)),
    case("app", hm.app, np.matmul, (3, 2), (2,)),
    case("outer", hm.outer, np.outer, (3,), (2,)),
    *[
        case(
            "lin_solve", hm.lin_solve, np.linalg.solve, (3, 3), b, prepare=lambda a, b: (well(a), b)
        )
        for b in [(3,), (3, 2)]
    ],
    *each("her", hm.her, lambda a: (a + a.T) / 2, SQUARE),
    *each(
        "lstsq", hm.lstsq, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], [(4, 2), (3, 3)], 2
    ),
    *each("expm", hm.expm, exponential, SQUARE),
    *each("expm-large", lambda a: hm.expm(4 * a), lambda a: exponential(4 * a), SQUARE),
    *each("sqrtm", hm.sqrtm, root, SQUARE, prepare=only(positive)),
    *each("to_complex", hm.to_complex, lambda v, w: v + 1j * w, VECTORS, 2),
    *each("complex_", hm.complex_, lambda v: v.astype(complex), VECTORS),
]
COMPLEX = {
    "from_complex": (hm.from_complex, lambda z: (z.real, z.imag)),
    "real": (hm.real, np.real),
    "imag": (hm.imag, np.imag),
    "sq_magnitude": (hm.sq_magnitude, lambda z: abs(z) ** 2),
    "magnitude": (hm.magnitude, np.abs),
}


def assert_close(mine, theirs):
    if isinstance(theirs, (tuple, list)):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            assert_close(a, b)
    else:
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("f", "reference", "shapes", "prepare"), CASES)
def test_values_and_gradients(f, reference, shapes, prepare):
    xs = prepare(*drawn(*shapes))
    assert_close(f(*xs), reference(*xs))
    check_grads(f, *xs)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_vectors(name):
    f, reference = COMPLEX[name]
    re, im = drawn((3,), (3,))
    assert_close(f(re + 1j * im), reference(re + 1j * im))
    check_grads(f, re + 1j * im)


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (4, 3), (5, 2), (1, 3)])
@pytest.mark.parametrize("short", [False, True])
def test_diag_r(shape, short):
    (v,) = drawn((min(shape) - short,)) if min(shape) > short else drawn((1,))

    def built(c, v):
        return hm.diag_r(c, v, *shape)

    wanted = np.full(shape, 7.0)
    for i, x in enumerate(v):
        wanted[i, i] = x
    np.testing.assert_array_equal(built(7.0, v), wanted)
    check_grads(built, 7.0, v)


def test_eigenvalues_of_any_square_matrix():
    for a in (drawn((4, 4))[0], np.array([[0.0, -2.0], [1.5, 0.3]])):
        values, vectors = hm.eigensystem_sq(a)
        np.testing.assert_allclose(a @ vectors, vectors * values, atol=1e-12)
        np.testing.assert_array_equal(values, hm.eigenvalues_sq(a))
        check_grads(hm.eigenvalues_sq, a)
        check_grads(hm.eigensystem_sq, a)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_eigensystem(n):
    (a,) = drawn((n, n))
    values, vectors = hm.eigensystem(a)
    assert list(values) == sorted(values, reverse=True)
    np.testing.assert_allclose(vectors * values @ vectors.T, (a + a.T) / 2, atol=1e-12)

    def sums(a):
        values, vectors = hm.eigensystem(a)
        return values, vectors**3  # of one sign only where the vectors are

    check_grads(sums, a)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3)])
def test_svd_with_its_vectors(shape):
    (a,) = drawn(shape)
    u, s, v = hm.svd_(a)
    np.testing.assert_allclose(u * s @ v.T, a, atol=1e-12)
    check_grads(hm.svd_, a)


def test_qr():
    (a,) = drawn((4, 3))
    q, r = hm.qr(a)
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    check_grads(hm.qr, a)


def test_functions_of_matrices_that_are_not_symmetric():
    (a,), (b,) = drawn((3, 3)), drawn((3, 3), seed=1)
    for m in (a @ a + 9 * np.eye(3), a @ a + 1j * b + 9 * np.eye(3)):
        np.testing.assert_allclose(hm.sqrtm(m) @ hm.sqrtm(m), m, rtol=1e-12)
        check_grads(hm.sqrtm, m)
        check_grads(hm.expm, m / 4)
    z = a + 1j * b
    np.testing.assert_array_equal(hm.her(z), hm.her(z).conj().T)
    check_grads(hm.her, z)


def test_a_square_root_that_does_not_exist():
    with pytest.raises(np.linalg.LinAlgError, match="no principal square root, since an eigenv"):
        hm.sqrtm(np.diag([-2.0, 3.0]))


def test_bases_of_the_null_space_and_the_range():
    b, c = drawn((3, 2), (2, 4))

    def projections(b, c):
        null, span = hm.null_space(b @ c), hm.orth(b @ c)
        return null @ null.T, span @ span.T

    null, span = hm.null_space(b @ c), hm.orth(b @ c)
    assert (null.shape, span.shape) == ((4, 2), (3, 2))
    np.testing.assert_allclose(b @ c @ null, np.zeros((3, 2)), atol=1e-12)
    np.testing.assert_allclose(null.T @ null, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(span @ span.T @ b, b, atol=1e-12)
    check_grads(projections, b, c)
    assert hm.null_space(np.eye(2)).shape == (2, 0)
    assert hm.orth(np.zeros((2, 3))).shape == (2, 0)


# ---- Where the original is wrong -----------------------------------------------------------------


def test_the_mean_of_a_vector_with_a_zero():
    np.testing.assert_array_equal(gx.grad(hm.mean)(np.array([0.0, 4.0, 2.0])), [1 / 3] * 3)
    check_grads(hm.mean, np.array([0.0, 4.0, 2.0]))


def test_ties_share_the_gradient():
    v = np.array([2.0, -2.0, 1.0])
    np.testing.assert_array_equal(gx.grad(hm.norm_inf_v)(v), [0.5, -0.5, 0.0])


def test_the_number_of_items_that_are_not_zero_has_no_derivative():
    v = np.array([0.0, 2.0, 3.0])
    assert hm.norm_0(v) == 2.0
    np.testing.assert_array_equal(gx.grad_bp(lambda v: hm.norm_0(v) * v[1], v), [0.0, 2.0, 0.0])


def test_create_is_none_for_another_shape():
    assert hm.create((2, 2), np.ones((2, 3))) is None
    assert hm.create(2, np.ones(3)) is None
    assert hm.create(3, np.ones(3)) is not None


def test_constants():
    np.testing.assert_array_equal(hm.eye(2), [[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(hm.dim(3), [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(hm.range_(3), [1.0, 2.0, 3.0])


def test_the_gradient_of_a_symmetric_matrix_is_symmetric():
    a = positive(drawn((3, 3))[0])
    for f in (hm.chol, hm.eigenvalues, lambda a: hm.eigensystem(a)[1]):
        _, pullback = gx.backprop_with(f, a)
        g = pullback(drawn(np.shape(f(a)))[0])
        np.testing.assert_allclose(g, g.T, atol=1e-12)


# ---- Nothing is missing --------------------------------------------------------------------------

# The names of the original's export list, of those that are functions with a gradient.
ORIGINAL = """
    vec2 vec3 vec4 split headTail vector linspace row col unrow uncol splitRows splitCols tr diag
    takeDiag diagR matrix mul app dot cross outer svd svd_ eigenvalues eigensystem chol norm_0
    norm_1V norm_1M norm_2V norm_2M norm_InfV norm_InfM mean meanCov meanL cov vmap mmap vmap'
    mmap' dvmap dmmap zipWithVector zipWithVector' dzipWithVector det lndet invlndet inv toRows
    toColumns fromRows fromColumns konst sumElements extractV extractM create sym unSym mTm
    toComplex fromComplex real imag sqMagnitude magnitude range' dim eye complex'
    svdTall svdFlat qr her expm sqrtm linSolve
"""


def in_python(name):
    """``headTail`` as ``head_tail``, ``norm_InfV`` as ``norm_inf_v``, a prime as ``_``."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.replace("'", "_"))
    return spaced.lower().replace("m_t_m", "m_tm")


@pytest.mark.parametrize("name", ORIGINAL.split())
def test_every_name_of_the_original_is_there(name):
    assert callable(getattr(hm, in_python(name)))
    assert in_python(name) in hm.__all__


def test_every_function_is_tested_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in hm.__all__ if f"hm.{name}" not in text] == []


def test_the_primed_names_are_other_names():
    assert hm.vmap_ is hm.dvmap is hm.vmap
    assert hm.mmap_ is hm.dmmap is hm.mmap
    assert hm.svd_tall is hm.svd_flat is hm.svd_
    assert hm.zip_with_vector_ is hm.dzip_with_vector is hm.zip_with_vector
