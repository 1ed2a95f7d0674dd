/* Products and sums of short arrays of float64: NumPy prepares an operation for longer than it takes.

   Each gives NumPy's own numbers in NumPy's own layout. NULL with no error set means that NumPy is to
   do it: for other operands, and where it would warn. */

#include "speedups.h"
#include "vectors.h"

enum { SHORT = 1024 }; /* items up to which it pays */

EACH_PROCESSOR static int
multiply(double c, const double *restrict x, double *restrict y, npy_intp n)
{
    int nan = 0;
    for (npy_intp i = 0; i < n; i++) {
        y[i] = c * x[i];
        nan |= y[i] != y[i];
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

/* c * x for a number and a short array without a NaN in the result. */
PyObject *
short_multiple(PyObject *c, PyObject *x)
{
    PyObject *y = PyFloat_Check(c) && is_short(x) ? new_like(x) : NULL;
    if (y == NULL) {
        return NULL;
    }
    int nan = multiply(PyFloat_AS_DOUBLE(c), PyArray_DATA((PyArrayObject *)x),
                       PyArray_DATA((PyArrayObject *)y), PyArray_SIZE((PyArrayObject *)x));
    if (PyUFunc_getfperr() != 0 || nan) {
        Py_CLEAR(y);
    }
    return y;
}

/* x + y for two short arrays of one shape, side by side in C's order. */
PyObject *
short_sum(PyObject *x, PyObject *y)
{
    PyArrayObject *a = (PyArrayObject *)x, *b = (PyArrayObject *)y;
    PyObject *sum = is_short(x) && is_short(y) && PyArray_IS_C_CONTIGUOUS(a) &&
                            PyArray_IS_C_CONTIGUOUS(b) && same_shape(x, y)
                        ? new_like(x)
                        : NULL;
    if (sum == NULL) {
        return NULL;
    }
    add(PyArray_DATA(a), PyArray_DATA(b), PyArray_DATA((PyArrayObject *)sum), PyArray_SIZE(a));
    if (PyUFunc_getfperr() != 0) {
        Py_CLEAR(sum);
    }
    return sum;
}
