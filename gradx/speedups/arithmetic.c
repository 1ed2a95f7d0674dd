/* Arithmetic of short arrays. NumPy takes ten times as long to find out what is to be done with a
   hundred numbers as to do it. Here `+ - * /` and the sign of float64 arrays of one shape, or of
   one and a number, are done at once. Each operation is rounded by IEEE 754, so the results are
   NumPy's; where one would have NumPy warn, or raise as np.errstate says, NumPy does it again. */

#include "speedups.h"
#include "flags.h"

static inline int
is_short(PyObject *x)
{
    return is_row_of_doubles(x) && PyArray_SIZE((PyArrayObject *)x) <= SHORT;
}

/* Whether x is a number that a float64 array takes as one of its own; tells which. */
static inline int
is_number(PyObject *x, double *number)
{
    if (PyFloat_CheckExact(x)) {
        *number = PyFloat_AS_DOUBLE(x);
        return 1;
    }
    if (Py_TYPE(x) == &PyDoubleArrType_Type) {
        *number = PyArrayScalar_VAL(x, Double);
        return 1;
    }
    if (PyLong_CheckExact(x)) {
        int overflow;
        long value = PyLong_AsLongAndOverflow(x, &overflow);
        *number = (double)value;
        return !overflow && value > -(1L << 30) && value < 1L << 30; /* exact */
    }
    return 0;
}

#define LOOP(operator)                                                                             \
    if (ys == NULL) {                                                                              \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            out[i] = xs[i] operator y;                                                             \
        }                                                                                          \
    }                                                                                              \
    else if (xs == NULL) {                                                                         \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            out[i] = x operator ys[i];                                                             \
        }                                                                                          \
    }                                                                                              \
    else {                                                                                         \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            out[i] = xs[i] operator ys[i];                                                         \
        }                                                                                          \
    }                                                                                              \
    break

/* Operands are arrays, or numbers where there is no array. */
static void
compute(Operation operation, double *restrict out, const double *xs, double x, const double *ys,
        double y, npy_intp n)
{
    switch (operation) {
    case ADD: LOOP(+);
    case SUBTRACT: LOOP(-);
    case MULTIPLY: LOOP(*);
    case DIVIDE: LOOP(/);
    }
}

static PyObject *
by_numpy(Operation operation, PyObject *a, PyObject *b)
{
    switch (operation) {
    case ADD: return PyNumber_Add(a, b);
    case SUBTRACT: return PyNumber_Subtract(a, b);
    case MULTIPLY: return PyNumber_Multiply(a, b);
    default: return PyNumber_TrueDivide(a, b);
    }
}

/* An operator of Python on two operands of any kind. */
PyObject *
arithmetic(Operation operation, PyObject *a, PyObject *b)
{
    int left = is_short(a), right = is_short(b);
    double x = 0, y = 0;
    if (!(left && right && same_shape(a, b)) && !(left && is_number(b, &y)) &&
        !(right && is_number(a, &x))) {
        return by_numpy(operation, a, b);
    }
    PyArrayObject *like = (PyArrayObject *)(left ? a : b);
    PyObject *out = PyArray_SimpleNew(PyArray_NDIM(like), PyArray_DIMS(like), NPY_DOUBLE);
    if (out == NULL) {
        return NULL;
    }
    const double *xs = left ? PyArray_DATA((PyArrayObject *)a) : NULL;
    const double *ys = right ? PyArray_DATA((PyArrayObject *)b) : NULL;
    double *to = PyArray_DATA((PyArrayObject *)out);
    if (is_flagged()) {
        clear_flags();
    }
    compute(operation, to, xs, x, ys, y, PyArray_SIZE(like));
    if (is_flagged()) {
        clear_flags();
        Py_DECREF(out);
        return by_numpy(operation, a, b);
    }
    return out;
}

/* -x of a value of any kind. */
PyObject *
negative_of(PyObject *x)
{
    if (!is_short(x)) {
        return PyNumber_Negative(x);
    }
    PyArrayObject *a = (PyArrayObject *)x;
    PyObject *out = PyArray_SimpleNew(PyArray_NDIM(a), PyArray_DIMS(a), NPY_DOUBLE);
    if (out != NULL) {
        const double *xs = PyArray_DATA(a);
        double *to = PyArray_DATA((PyArrayObject *)out);
        for (npy_intp i = 0; i < PyArray_SIZE(a); i++) {
            to[i] = -xs[i];
        }
    }
    return out;
}
