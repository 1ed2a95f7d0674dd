/* Rules of a few operations each, done in one pass: those of a quotient, a reciprocal, a square and a
   hyperbolic tangent, on float64 arrays. The results are those of the operations one by one. */

#include "speedups.h"
#include "flags.h"
#include "vectors.h"

#define DEFINE_RULE(name, result)                                                                  \
    EACH_PROCESSOR static void name(double *out, const double *gs, const double *as,              \
                                    const double *bs, npy_intp n)                                 \
    {                                                                                              \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            double g = gs[i], a = as[i], b = bs[i];                                                \
            (void)b;                                                                               \
            out[i] = result;                                                                       \
        }                                                                                          \
    }

DEFINE_RULE(divisor, -(g * b) / a)
DEFINE_RULE(reciprocal, -(g * a * a))
DEFINE_RULE(square, g * (2 * a))
DEFINE_RULE(hyperbolic_tangent, g * (1 - a * a))

typedef void (*Kernel)(double *, const double *, const double *, const double *, npy_intp);

static Kernel
kernel_of(PyObject *pull)
{
    return pull == known.over_b_squared    ? divisor
           : pull == known.reciprocal_rule ? reciprocal
           : pull == known.square_rule     ? square
           : pull == known.tanh_rule       ? hyperbolic_tangent
                                           : NULL;
}

static int
is_row_of_doubles(PyObject *x)
{
    PyArrayObject *a = (PyArrayObject *)x;
    return PyArray_CheckExact(x) && PyArray_TYPE(a) == NPY_DOUBLE && PyArray_NDIM(a) > 0 &&
           PyArray_ISCARRAY_RO(a);
}

/* What a rule makes of g, to which the caller has one reference and keeps it, into g itself if that
   is ours and large; NULL with no error set for other rules and other arrays. */
PyObject *
fused_rule(PyObject *pull, PyObject *g, PyObject *kept, int in_place)
{
    Kernel kernel = kernel_of(pull);
    Py_ssize_t count = PyTuple_GET_SIZE(kept);
    if (kernel == NULL || count < 1 || count > 2 || !is_row_of_doubles(g)) {
        return NULL;
    }
    PyArrayObject *like = (PyArrayObject *)g;
    const double *each[2];
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *x = PyTuple_GET_ITEM(kept, i);
        if (!is_row_of_doubles(x) || !same_shape(g, x)) {
            return NULL;
        }
        each[i] = PyArray_DATA((PyArrayObject *)x);
    }
    PyObject *out = in_place ? Py_NewRef(g)
                             : PyArray_SimpleNew(PyArray_NDIM(like), PyArray_DIMS(like), NPY_DOUBLE);
    if (out == NULL) {
        return NULL;
    }
    clear_flags();
    kernel(PyArray_DATA((PyArrayObject *)out), PyArray_DATA(like), each[0], each[count - 1],
           PyArray_SIZE(like));
    int errors = errors_flagged();
    clear_flags();
    if (errors != 0 && !in_place) {
        Py_CLEAR(out); /* the operations are done one by one, and warn of what they do */
    }
    else if (errors != 0) {
        const char *name = kernel == divisor ? "divide" : "multiply";
        if (PyUFunc_GiveFloatingpointErrors(name, errors) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}
