/* Products and sums of short arrays of float64: NumPy prepares an operation for longer than it takes.

   Each gives NumPy's own numbers in NumPy's own layout. NULL with no error set means that NumPy is to
   do it: for other operands, and where it would warn. */

#include "speedups.h"
#include "vectors.h"

enum { SHORT = 1024 }; /* items up to which it pays */

/* Products; whether one of them is a NaN. */
EACH_PROCESSOR static int
multiply(double c, const double *restrict x, double *restrict product, npy_intp n)
{
    int nan = 0;
    for (npy_intp i = 0; i < n; i++) {
        product[i] = c * x[i];
        nan |= product[i] != product[i];
    }
    return nan;
}

EACH_PROCESSOR static int
multiply_each(const double *x, const double *y, double *restrict product, npy_intp n)
{
    int nan = 0;
    for (npy_intp i = 0; i < n; i++) {
        product[i] = x[i] * y[i];
        nan |= product[i] != product[i];
    }
    return nan;
}

EACH_PROCESSOR static void
add(const double *x, const double *y, double *restrict sum, npy_intp n)
{
    for (npy_intp i = 0; i < n; i++) {
        sum[i] = x[i] + y[i];
    }
}

static int
is_short(PyObject *x)
{
    PyArrayObject *a = (PyArrayObject *)x;
    return PyArray_CheckExact(x) && is_float64(PyArray_DESCR(a)) &&
           PyDataType_METADATA(PyArray_DESCR(a)) == NULL && PyArray_NDIM(a) > 0 &&
           PyArray_SIZE(a) <= SHORT && PyArray_ISONESEGMENT(a) && PyArray_ISBEHAVED_RO(a);
}

static PyObject *
new_like(PyObject *x)
{
    PyUFunc_clearfperr();
    return PyArray_NewLikeArray((PyArrayObject *)x, NPY_KEEPORDER, NULL, 0);
}

/* Whether two short arrays have one shape and lie in C's order. */
static int
are_short_and_alike(PyObject *x, PyObject *y)
{
    return is_short(x) && is_short(y) && PyArray_IS_C_CONTIGUOUS((PyArrayObject *)x) &&
           PyArray_IS_C_CONTIGUOUS((PyArrayObject *)y) && same_shape(x, y);
}

/* g * x for a number or short array and a short array, without a NaN in the result. */
PyObject *
short_product(PyObject *g, PyObject *x)
{
    int by_number = PyFloat_Check(g) && is_short(x);
    PyObject *product = by_number || are_short_and_alike(g, x) ? new_like(x) : NULL;
    if (product == NULL) {
        return NULL;
    }
    npy_intp n = PyArray_SIZE((PyArrayObject *)x);
    double *data = PyArray_DATA((PyArrayObject *)x), *to = PyArray_DATA((PyArrayObject *)product);
    int nan = by_number ? multiply(PyFloat_AS_DOUBLE(g), data, to, n)
                        : multiply_each(PyArray_DATA((PyArrayObject *)g), data, to, n);
    if (PyUFunc_getfperr() != 0 || nan) {
        Py_CLEAR(product);
    }
    return product;
}

/* x + y for two short arrays. */
PyObject *
short_sum(PyObject *x, PyObject *y)
{
    PyObject *sum = are_short_and_alike(x, y) ? new_like(x) : NULL;
    if (sum == NULL) {
        return NULL;
    }
    add(PyArray_DATA((PyArrayObject *)x), PyArray_DATA((PyArrayObject *)y),
        PyArray_DATA((PyArrayObject *)sum), PyArray_SIZE((PyArrayObject *)x));
    if (PyUFunc_getfperr() != 0) {
        Py_CLEAR(sum);
    }
    return sum;
}
