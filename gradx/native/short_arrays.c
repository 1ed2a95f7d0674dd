/* Products, quotients and sums of arrays of float64.

   Of short ones, since NumPy prepares an operation for longer than it takes; of long ones, to look
   for a NaN while an item is at hand. Each gives NumPy's own numbers in NumPy's own layout. NULL with no error set means that NumPy is to
   do it: for other operands, and where it would warn. */

#include "speedups.h"
#include "vectors.h"

enum { SHORT = 1024 }; /* items up to which it pays by itself */

/* Products and quotients; whether one of them is a NaN, which costs less here than in a second pass
   over the result. */
#define DEFINE_EACH(name, type, operand, sign)                                                     \
    EACH_PROCESSOR static int name(type x, const double *y, double *restrict result, npy_intp n)   \
    {                                                                                              \
        int nan = 0;                                                                               \
        for (npy_intp i = 0; i < n; i++) {                                                         \
            result[i] = operand sign y[i];                                                         \
            nan |= result[i] != result[i];                                                         \
        }                                                                                          \
        return nan;                                                                                \
    }

DEFINE_EACH(multiply, double, x, *)
DEFINE_EACH(multiply_each, const double *, x[i], *)
DEFINE_EACH(divide_each, const double *, x[i], /)

EACH_PROCESSOR static void
add(const double *x, const double *y, double *restrict sum, npy_intp n)
{
    for (npy_intp i = 0; i < n; i++) {
        sum[i] = x[i] + y[i];
    }
}

static int
is_of_doubles(PyObject *x)
{
    PyArrayObject *a = (PyArrayObject *)x;
    return PyArray_CheckExact(x) && is_float64(PyArray_DESCR(a)) &&
           PyDataType_METADATA(PyArray_DESCR(a)) == NULL && PyArray_NDIM(a) > 0 &&
           PyArray_ISONESEGMENT(a) && PyArray_ISBEHAVED_RO(a);
}

static int
is_short(PyObject *x)
{
    return is_of_doubles(x) && PyArray_SIZE((PyArrayObject *)x) <= SHORT;
}

static PyObject *
new_like(PyObject *x)
{
    PyUFunc_clearfperr();
    return PyArray_NewLikeArray((PyArrayObject *)x, NPY_KEEPORDER, NULL, 0);
}

/* Whether two arrays of doubles have one shape and lie in C's order. */
static int
are_alike_in_memory(PyObject *x, PyObject *y)
{
    return is_of_doubles(x) && is_of_doubles(y) && PyArray_IS_C_CONTIGUOUS((PyArrayObject *)x) &&
           PyArray_IS_C_CONTIGUOUS((PyArrayObject *)y) && same_shape(x, y);
}

/* As NumPy does: other threads of Python run during a loop over a long array. */
static PyThreadState *
let_others_run(npy_intp n)
{
    return n > SHORT ? PyEval_SaveThread() : NULL;
}

static void
run_alone(PyThreadState *held)
{
    if (held != NULL) {
        PyEval_RestoreThread(held);
    }
}

/* g * x for a number or array and an array, without a NaN in the result. */
PyObject *
product_without_nan(PyObject *g, PyObject *x)
{
    int by_number = PyFloat_Check(g) && is_of_doubles(x);
    PyObject *product = by_number || are_alike_in_memory(g, x) ? new_like(x) : NULL;
    if (product == NULL) {
        return NULL;
    }
    npy_intp n = PyArray_SIZE((PyArrayObject *)x);
    double *data = PyArray_DATA((PyArrayObject *)x), *to = PyArray_DATA((PyArrayObject *)product);
    PyThreadState *held = let_others_run(n);
    int nan = by_number ? multiply(PyFloat_AS_DOUBLE(g), data, to, n)
                        : multiply_each(PyArray_DATA((PyArrayObject *)g), data, to, n);
    run_alone(held);
    if (PyUFunc_getfperr() != 0 || nan) {
        Py_CLEAR(product);
    }
    return product;
}

/* g / x for two arrays, without a NaN in the result. */
PyObject *
quotient_without_nan(PyObject *g, PyObject *x)
{
    PyObject *quotient = are_alike_in_memory(g, x) ? new_like(x) : NULL;
    if (quotient == NULL) {
        return NULL;
    }
    npy_intp n = PyArray_SIZE((PyArrayObject *)x);
    PyThreadState *held = let_others_run(n);
    int nan = divide_each(PyArray_DATA((PyArrayObject *)g), PyArray_DATA((PyArrayObject *)x),
                          PyArray_DATA((PyArrayObject *)quotient), n);
    run_alone(held);
    if (PyUFunc_getfperr() != 0 || nan) {
        Py_CLEAR(quotient);
    }
    return quotient;
}

/* The same product for arrays that are short enough for it to pay by itself. */
PyObject *
short_product(PyObject *g, PyObject *x)
{
    return is_short(x) ? product_without_nan(g, x) : NULL;
}

/* Whether two arrays are short, of one shape and in C's order. */
static int
are_short_and_alike(PyObject *x, PyObject *y)
{
    return is_short(x) && are_alike_in_memory(x, y);
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

/* Whether y, or with a factor its product with that number, was added into the short array x; if
   not, x is what it was. */
int
short_sum_in_place(PyObject *x, PyObject *factor, PyObject *y)
{
    double product[SHORT], sum[SHORT];
    if (!are_short_and_alike(x, y) || (factor != NULL && !PyFloat_Check(factor))) {
        return 0;
    }
    npy_intp n = PyArray_SIZE((PyArrayObject *)x);
    double *to = PyArray_DATA((PyArrayObject *)x), *by = PyArray_DATA((PyArrayObject *)y);
    PyUFunc_clearfperr();
    if (factor != NULL) {
        (void)multiply(PyFloat_AS_DOUBLE(factor), by, product, n); /* NumPy warns of a new NaN */
        by = product;
    }
    add(to, by, sum, n);
    if (PyUFunc_getfperr() != 0) {
        return 0;
    }
    memcpy(to, sum, (size_t)n * sizeof *to);
    return 1;
}
