/* A cotangent times a local derivative: `scaled` and `divided` of gradx/ops/scaling.py for plain
   numbers and arrays. A product without a NaN is what it is; of any other the Python code says what
   is right, as it does for all other values. */

#include "speedups.h"
#include "vectors.h"

#define DEFINE_HAS_NAN(real)                                                                       \
    EACH_PROCESSOR static int has_nan_##real(const real *x, npy_intp n)                            \
    {                                                                                              \
        int nan = 0;                                                                               \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            nan |= x[i] != x[i];                                                                   \
        }                                                                                          \
        return nan;                                                                                \
    }

DEFINE_HAS_NAN(double)
DEFINE_HAS_NAN(float)

/* Whether a float, a float64 or an array of floats side by side is known to hold no NaN. */
static int
is_number_all_over(PyObject *h)
{
    if (PyFloat_Check(h)) { /* also a float64 */
        double x = PyFloat_AS_DOUBLE(h);
        return x == x;
    }
    PyArrayObject *a = (PyArrayObject *)h;
    if (!PyArray_CheckExact(h) || !PyArray_ISONESEGMENT(a) || !PyArray_ISBEHAVED_RO(a)) {
        return 0;
    }
    switch (PyArray_TYPE(a)) {
    case NPY_DOUBLE: return !has_nan_double(PyArray_DATA(a), PyArray_SIZE(a));
    case NPY_FLOAT: return !has_nan_float(PyArray_DATA(a), PyArray_SIZE(a));
    default: return 0;
    }
}

PyObject *
without_nan(binaryfunc operation, PyObject *general, PyObject *g, PyObject *d)
{
    PyObject *args[] = {NULL, g, d};
    if (is_plain_number_or_array(g) && is_plain_number_or_array(d)) {
        PyObject *h = operation != PyNumber_Multiply ? quotient_without_nan(g, d)
                      : PyFloat_Check(d)             ? product_without_nan(d, g)
                                                     : product_without_nan(g, d);
        if (h != NULL || PyErr_Occurred()) {
            return h;
        }
        h = operation(g, d);
        if (h == NULL || is_number_all_over(h)) {
            return h;
        }
        args[1] = h;
        args[2] = g;
        PyObject *finished = PyObject_Vectorcall(known.without_zero_times_infinity, args + 1,
                                                 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        Py_DECREF(h);
        return finished;
    }
    return PyObject_Vectorcall(general, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static PyObject *
checked(const char *name, binaryfunc operation, PyObject *general, PyObject *const *args,
        Py_ssize_t count)
{
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "%s takes a cotangent and a derivative, and was given %zd values",
                     name, count);
        return NULL;
    }
    if (general == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "internal error: native.use() was not called");
        return NULL;
    }
    return without_nan(operation, general, args[0], args[1]);
}

/* scaled(g, d) */
PyObject *
scaled(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    return checked("scaled", PyNumber_Multiply, known.scaled_in_general, args, count);
}

/* divided(g, b) */
PyObject *
divided(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    return checked("divided", PyNumber_TrueDivide, known.divided_in_general, args, count);
}
